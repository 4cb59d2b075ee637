"""The delivery campaign: everything that may be killed, cut, filled or broken, and the verdict."""
