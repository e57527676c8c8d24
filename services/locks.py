"""Locks on names: for what has no row to lock yet, such as an openid that nobody has used."""

from __future__ import annotations

from models import database


async def hold(*names: str) -> None:
    """Hold the locks on these names until the transaction ends, taken in one fixed order."""
    await database.execute(
        """
        SELECT pg_advisory_xact_lock(wanted.key)
        FROM (
            SELECT DISTINCT hashtextextended(name, 0) AS key
            FROM unnest($1::text[]) AS name
            ORDER BY key
        ) AS wanted
        """,
        list(names),
    )
