"""The channels explorer: 512 channels, and which answers to what."""
