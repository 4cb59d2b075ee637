"""Unit grid cells and where on the ground a box stands."""
