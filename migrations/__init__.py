"""Migrations of the one app, in order; `mall migrate` applies them under an advisory lock."""
