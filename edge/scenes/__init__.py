"""Detections become findings: zones, hours, dwell, rules."""
