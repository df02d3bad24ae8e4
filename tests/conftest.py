"""Settings for all tests."""

from __future__ import annotations

from hypothesis import settings

# A slow moment of a busy machine is no failure.
settings.register_profile("rpnviz", deadline=None)
settings.load_profile("rpnviz")
