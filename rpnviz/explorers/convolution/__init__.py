"""The convolution explorer: one number of the 512, taken apart."""
