"""The replay explorer: a recorded training, step by step."""
