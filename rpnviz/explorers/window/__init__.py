"""The window explorer: the 3×3 window and all the numbers on its way."""
