"""What makes weights, tables and the recorded training of data/, from rendered scenes."""
