"""The pyramid explorer: which level answers for an object."""
