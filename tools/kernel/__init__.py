"""Compiles the two loops of the network in the page, for whoever changes them."""
