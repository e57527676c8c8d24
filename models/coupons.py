"""Coupons: their terms, templates, campaigns, codes, grants, and what members hold."""
