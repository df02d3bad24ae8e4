"""The view of what comes out of comparing anchors with annotations."""
