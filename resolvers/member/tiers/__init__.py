"""Tiers, growth, and what a tier gives."""
