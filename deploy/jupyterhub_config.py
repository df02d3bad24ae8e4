"""JupyterHub for a class on one machine with systemd: `jupyterhub -f deploy/jupyterhub_config.py`, as root.

docs/courses.md, "A machine for a class", says what to install and what was measured.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

IDLE = 3600  # seconds: then a learner's server ends, and her next visit starts it again. Her files stay
CLASS = 30

c = get_config()  # noqa: F821 (whoever reads this file defines it)

# Who comes in: any name, with the one password of the class.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ["RPNVIZ_CLASS_PASSWORD"]
c.Authenticator.allow_all = True

# Each learner is a system user of her own, made when she comes, with a home that outlives her server.
c.JupyterHub.spawner_class = "systemd"
c.SystemdSpawner.dynamic_users = True
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True

# One learner's memory hog, or endless loop, is hers alone. Her server, three notebooks at their highest and a check
# came to 2.1 GB; an exercise's function may take 1 GB more, and is to be stopped for that before her kernel is.
c.Spawner.mem_limit = "3G"
c.Spawner.cpu_limit = 1.0

# All come in the same minute, and a start takes seconds of a core.
c.JupyterHub.concurrent_spawn_limit = CLASS
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300

c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]  # of the environment that runs the hub
c.Spawner.default_url = "/lab/tree/rpnviz/00_nine_anchors.ipynb"
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(Path(__file__).parent),  # jupyter_server_config.py and labconfig/
    "OMP_NUM_THREADS": "1",  # thirty kernels with a thread for every core each would wait for one another
    # What a kernel has let go of is the machine's again. Lower thresholds give back more, but then a training's tensors
    # are new pages at each step, which takes the processor a third longer (docs/measured.md, "A kernel's memory").
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024),
}

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
