"""Looks for files and links at which a reader of rpnviz stumbles: damaged at random, for as long as one has time."""
