"""The linked explorer of results that were computed elsewhere."""
