"""The NMS explorer: one box's turn at a time."""
