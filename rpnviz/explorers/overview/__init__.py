"""The overview: the machine from left to right, with what the picture and the window are at each station."""
