"""Checking in, day by day."""
