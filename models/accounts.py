"""Accounts that end, what of them is remembered, and data taken out."""
