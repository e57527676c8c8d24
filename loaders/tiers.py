"""A member's tier term, read with the member."""

TIER_TERM_COLUMNS = ""
TIER_TERM_JOINS = ""
"""For a statement that calls the member `member` and whose $2 is now."""
