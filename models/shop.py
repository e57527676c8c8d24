"""Purchases at a shop's counter."""
