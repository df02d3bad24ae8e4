"""Learners' functions in a process of their own: how it is started and asked, and what passes to it and back."""
