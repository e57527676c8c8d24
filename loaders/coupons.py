"""How many coupons a member has, read with the member."""

COUPON_COUNTS_COLUMNS = ""
COUPON_COUNTS_JOINS = ""
"""For a statement that calls the member `member` and whose $2 is now."""
