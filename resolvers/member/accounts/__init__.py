"""Leaving, and taking one's data out."""
