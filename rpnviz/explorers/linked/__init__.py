"""The linked explorer: the window on the map, and on the picture all that belongs to its cell."""
