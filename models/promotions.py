"""Prices and reductions that run for a while."""
