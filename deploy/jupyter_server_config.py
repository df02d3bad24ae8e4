"""What a learner's own server does when it starts, on one machine and in the image: her notebooks are put in place.

It runs with her rights, in her home: a hook of the hub's would write there as root.
"""

from __future__ import annotations

from pathlib import Path

from rpnviz.start.folder import put_notebooks

c = get_config()  # noqa: F821 (whoever reads this file defines it)

put_notebooks(Path.home() / "rpnviz")

# A kernel holds most of a learner's memory. One whose page is closed ends after an hour.
c.MappingKernelManager.cull_idle_timeout = 3600
