"""Pictures of failing cases, and of what differs on a real picture."""
