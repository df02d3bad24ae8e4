"""What opens a real JupyterLab in a real browser."""
