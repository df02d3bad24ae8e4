"""What draws and writes the parts of README and docs that are made by a program."""
