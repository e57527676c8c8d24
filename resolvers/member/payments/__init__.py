"""Paying an order and asking what came of it; cancelling it."""
