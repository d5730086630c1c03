"""What a user decides about each task."""
