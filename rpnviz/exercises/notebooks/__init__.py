"""Exercise functions in notebooks: found, graded, put together beside ours."""
