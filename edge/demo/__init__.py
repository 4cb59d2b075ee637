"""The demo: the whole chain on one machine, from packages, without root."""
