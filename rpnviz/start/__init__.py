"""The first minute: the notebooks in a folder of the learner's, JupyterLab on them, and what this machine can do."""
