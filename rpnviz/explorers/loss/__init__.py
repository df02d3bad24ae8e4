"""The loss explorer: the loss of one anchor, from logit and deltas to the sum."""
