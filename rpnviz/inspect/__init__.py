"""Look inside a station: layers, receptive fields, channels, NMS by turns, the loss of each anchor, counts, recall."""
