"""What a link to a heading ends with."""

from __future__ import annotations

import re


def heading_id(heading: str) -> str:
    """The id that JupyterLab gives a heading, and by conf.py the site as well."""
    return re.sub(r"[*`]", "", heading).strip().replace(" ", "-")
