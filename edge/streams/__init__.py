"""Cameras in, frames out; one process apart from the core for every few cameras."""
