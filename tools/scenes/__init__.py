"""Our generator of street scenes: procedural 3-D streets, path-traced, with exact boxes.

    python -m tools.scenes bundled                                     # the twelve pictures of data/pictures
    python -m tools.scenes render --seeds 2000 2100 --samples 2 --out FOLDER   # random scenes to train on

README.md says what it needs, and what each module does.
"""
