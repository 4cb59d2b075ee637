"""What leaves the box shows nobody: faces, number plates or whole people are made unreadable."""
