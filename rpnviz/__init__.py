"""Move the region proposal network of Faster R-CNN with your hands."""
