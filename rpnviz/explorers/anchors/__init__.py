"""The anchors explorer: the anchors of a cell, and where they all stand."""
