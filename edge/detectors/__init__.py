"""Looks in, detections out."""
