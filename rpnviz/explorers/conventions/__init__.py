"""The conventions explorer: one picture by the rules of eight projects."""
