"""Tests of the uploader and the receiver."""
