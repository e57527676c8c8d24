"""Tier terms, benefits granted, and the days that were run."""
