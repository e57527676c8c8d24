"""A member's check-ins, read with the member."""

CHECK_IN_COLUMNS = ""
CHECK_IN_JOINS = ""
"""For a statement that calls the member `member` and whose $2 is now."""
