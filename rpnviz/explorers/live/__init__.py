"""The live explorer: train a head, with a rule left out beside it."""
