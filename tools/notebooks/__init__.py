"""What runs the notebooks, and what makes their exercise cells from the solutions."""
