"""Benchmarks: what a look costs, and against whom."""
