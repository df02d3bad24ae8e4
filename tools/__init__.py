"""What makes the things in data/, runs the notebooks and drives the browser; never imported by rpnviz."""
