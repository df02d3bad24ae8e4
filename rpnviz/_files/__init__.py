"""Files: where the data lies, pictures read safely, and whole files written or nothing."""
