"""Build the web site of a checkout, strictly; rpnviz/site does the work."""
