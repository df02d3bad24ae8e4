"""Exercise functions in notebooks: found, graded, put together beside ours; and what was done so far."""
