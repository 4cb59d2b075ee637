"""The example platform."""
