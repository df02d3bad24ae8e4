"""The IoU explorer: two boxes to move, and their IoU."""
