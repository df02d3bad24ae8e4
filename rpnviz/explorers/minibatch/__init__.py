"""The minibatch explorer: which 256 anchors train the network."""
