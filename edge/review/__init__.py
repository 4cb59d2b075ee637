"""Learning from review: verdicts in, precision and proposals out. Nothing changes by itself."""
