"""A member's check-ins, read with the member."""

from __future__ import annotations

CHECK_IN_COLUMNS = "last_check_in.day AS last_check_in, last_check_in.run_start AS run_start"
CHECK_IN_JOINS = """
    LEFT JOIN LATERAL (
        SELECT day, run_start FROM check_in
        WHERE check_in.member_id = member.id AND NOT check_in.merged
        ORDER BY day DESC LIMIT 1
    ) AS last_check_in ON true
"""
"""The last day that a member checked in, for a statement that calls the member `member`."""
