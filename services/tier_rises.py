"""New rules raise members at once (docs/rules.md, section 2): nobody falls before their review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.rules import Rules, from_document
from domain.tier_terms import TermCause
from models import database
from services import growth
from services.growth import standings_of
from services.rules import RulesInForce

_FIRST = UUID(int=0)


async def raise_after_rules(as_of: datetime, *, limit: int = 2_000) -> int:
    """Look at about `limit` members who may be raised by the version in force; returns how many.

    Who has reached a higher tier by it has it from the version's time on, with the gifts. Members
    are gone through once for each version, in the order of their ids: who reaches a tier later is
    raised by the credit that does it. A version that was replaced meanwhile raises nobody.
    """

    async def batch() -> int:
        async with database.in_transaction():
            version = await database.fetch_one(_NEXT_VERSION, as_of)
            if version is None:
                return 0
            reached_id = version["reached_id"] or _FIRST
            members = await database.fetch(_MEMBERS_AFTER, reached_id, limit)
            in_force = RulesInForce(version["id"], from_document(version["document"]))
            risen = await _raise(members, in_force, at=min(version["known_at"], as_of))
            await _note(version["id"], members, risen, is_last=len(members) < limit, now=as_of)
            return len(members)

    return await database.retrying(batch)


# A version holds from its time on, but not before it was published.
_NEXT_VERSION = """
    SELECT version.id, version.document, rise.reached_id,
           greatest(version.effective_at, version.created_at) AS known_at
    FROM (
        SELECT * FROM rule_version WHERE effective_at <= $1
        ORDER BY effective_at DESC, number DESC LIMIT 1
    ) AS version
    LEFT JOIN tier_rise AS rise ON rise.id = version.id
    WHERE rise.finished_at IS NULL
"""

_MEMBERS_AFTER = """
    SELECT member.id, member.tier_code, member.tier_review_at, account.balance AS growth
    FROM member JOIN ledger_account AS account
        ON account.member_id = member.id AND account.kind = 'GROWTH'
    WHERE member.id > $1 AND member.status = 'ACTIVE' AND member.joined_at IS NOT NULL
    ORDER BY member.id LIMIT $2
"""


async def _raise(members: Sequence[Any], in_force: RulesInForce, *, at: datetime) -> int:
    """Raise whom their growth has brought to a higher tier; who has none is never locked."""
    likely = [member["id"] for member in members if _may_rise(member, in_force.rules, at)]
    if not likely:
        return 0
    standings = await standings_of(likely, as_of=at)
    return await growth.raise_standings(
        list(standings.values()), in_force, cause=TermCause.RULES, at=at
    )


def _may_rise(member: Any, rules: Rules, at: datetime) -> bool:
    """Tell whether to look closer; a review that is late may leave a tier to rise from."""
    review_at = member["tier_review_at"]
    if review_at is not None and review_at <= at:
        return True
    above = rules.next_tier(member["tier_code"])
    return above is not None and member["growth"] >= above.growth_threshold


async def _note(
    version_id: UUID, members: Sequence[Any], risen: int, *, is_last: bool, now: datetime
) -> None:
    await database.execute(
        """
        INSERT INTO tier_rise (id, reached_id, risen, finished_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE
        SET reached_id = coalesce(excluded.reached_id, tier_rise.reached_id),
            risen = tier_rise.risen + excluded.risen, finished_at = excluded.finished_at
        """,
        version_id,
        members[-1]["id"] if members else None,
        risen,
        now if is_last else None,
    )
