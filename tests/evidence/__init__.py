"""The signed chain."""
