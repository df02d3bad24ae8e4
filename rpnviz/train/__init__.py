"""Train the network, its heads alone, and record how it went."""
