"""The detections explorer: from proposals to named boxes."""
