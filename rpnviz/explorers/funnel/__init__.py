"""The funnel explorer: who is left after each stage."""
