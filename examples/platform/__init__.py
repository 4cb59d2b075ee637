"""A small runnable platform on ``uploader.receiver``: intake, map, verify, spot check."""
