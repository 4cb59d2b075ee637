"""Bridges to a city's intake."""
