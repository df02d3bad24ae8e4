"""The labels explorer: which anchors are positive, and why."""
