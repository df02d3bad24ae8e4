"""Our generator of street scenes: procedural 3-D streets, path-traced, with exact boxes.

    python -m tools.scenes bundled                                     # the twelve pictures of data/pictures
    python -m tools.scenes render --seeds 2000 2100 --samples 2 --out FOLDER   # random scenes to train on

From the ground up: `mesh` (shapes), `parts` (painted shapes), `vehicles`, `bicycles`, `living`, `furniture`, `houses`
(objects), `camera`, `scene` (things at their places), `layout` (random scenes), `recipe` and `bundled` (composed ones),
`textures`, `render` and `trace` (Mitsuba), `annotate` (ground truth, files). Only `render` and `trace` need more than
numpy.
"""
