"""Sightings become cases: taxonomy, deduplication, lifecycle, evidence."""
