"""The RoI explorer: a box, its bins and sampling points."""
