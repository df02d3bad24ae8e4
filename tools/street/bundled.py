"""The twelve pictures of data/pictures, composed so that the set shows what data/README.md lists."""

from __future__ import annotations

from tools.street.recipe import Recipe

RECIPES: tuple[Recipe, ...] = ()
