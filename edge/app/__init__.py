"""The running edge: rooms wired together, in one direction."""
