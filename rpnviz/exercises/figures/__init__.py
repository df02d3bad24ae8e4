"""Pictures of failing cases: panels side by side, tables of numbers."""
