"""A member's cart."""
