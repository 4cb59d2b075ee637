"""What the platform keeps, whichever database keeps it, and the thread that takes messages in."""
