"""Members' tiers and growth, read under their lock and written back with the terms that began.

The member's row is the lock of their growth: nobody moves it without. Wallets come after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from domain.ledger import AccountKind, member_account
from domain.messages import MessageEvent
from domain.rules import TierRules
from domain.tier_terms import PastTerm, Term, TermCause
from models import database
from models.ids import new_id
from services import ledger, messages
from services.rules import RulesInForce

MEMBER_COLUMNS = """
    id, tier_code, tier_floor_code, tier_since, tier_review_at, tier_since_seq, lifetime_growth,
    created_at
"""


@dataclass(slots=True)
class Standing:
    """A member's tier and growth; who changes them in the book changes them here, too.

    `floor_code` is the tier that the last review left. `growth_seq` is the last growth entry's.
    """

    member_id: UUID
    term: Term
    floor_code: str
    growth: int
    growth_seq: int
    lifetime_growth: int
    created_at: datetime

    @classmethod
    def of(cls, member: Any, *, growth: int, growth_seq: int) -> Standing:
        """Return the standing of a row with `MEMBER_COLUMNS`."""
        return cls(
            member_id=member["id"],
            term=Term(
                member["tier_code"],
                member["tier_since"],
                member["tier_review_at"],
                member["tier_since_seq"],
            ),
            floor_code=member["tier_floor_code"],
            growth=growth,
            growth_seq=growth_seq,
            lifetime_growth=member["lifetime_growth"],
            created_at=member["created_at"],
        )


@dataclass(frozen=True, slots=True)
class BegunTerm:
    """A term that began: what it was judged by, and how much growth there was then.

    A review's has the time for which it was due.
    """

    member_id: UUID
    term: Term
    cause: TermCause
    tier: TierRules
    floor_code: str
    growth: int
    rules: RulesInForce
    at: datetime
    period_growth: int = 0
    due_at: datetime | None = None


async def lock(member_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Lock members by id, then their wallets, until the transaction ends; returns their standings.

    Who calls may hold these locks already, and no others that come after them.
    """
    ids = sorted(set(member_ids))
    rows = await database.fetch(
        f"SELECT {MEMBER_COLUMNS} FROM member WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        ids,
    )
    wallets = await ledger.lock_wallets(ids)
    return {
        row["id"]: Standing.of(
            row, growth=wallets[row["id"]].growth, growth_seq=wallets[row["id"]].growth_seq
        )
        for row in rows
    }


async def save_lifetime(standings: Sequence[Standing]) -> None:
    """Write the members' lifetime growth."""
    await database.execute(
        """
        UPDATE member SET lifetime_growth = changed.growth
        FROM unnest($1::uuid[], $2::bigint[]) AS changed (id, growth)
        WHERE member.id = changed.id
        """,
        [standing.member_id for standing in standings],
        [standing.lifetime_growth for standing in standings],
    )


async def begin(terms: Sequence[BegunTerm]) -> None:
    """Write terms that began, in their order: a row for each, and each member's last one.

    Who has another tier now is told.
    """
    last = {begun.member_id: begun for begun in terms}
    await database.execute(
        """
        UPDATE member
        SET tier_code = begun.tier_code, tier_floor_code = begun.floor_code,
            tier_since = begun.since, tier_review_at = begun.review_at,
            tier_since_seq = begun.since_seq, tier_warned_at = NULL,
            updated_at = greatest(member.updated_at, begun.at)
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[],
                    $6::bigint[], $7::timestamptz[])
            AS begun (member_id, tier_code, floor_code, since, review_at, since_seq, at)
        WHERE member.id = begun.member_id
        """,
        list(last),
        [begun.term.tier_code for begun in last.values()],
        [begun.floor_code for begun in last.values()],
        [begun.term.since for begun in last.values()],
        [begun.term.review_at for begun in last.values()],
        [begun.term.since_seq for begun in last.values()],
        [begun.at for begun in last.values()],
    )
    await database.copy_rows("tier_term", list(_TERM_COLUMNS), [_term_row(b) for b in terms])
    await _tell(list(last.values()))


async def _tell(terms: Sequence[BegunTerm]) -> None:
    groups: defaultdict[tuple[str, datetime], list[BegunTerm]] = defaultdict(list)
    for begun in terms:
        if begun.cause is not TermCause.KEPT:
            groups[begun.term.tier_code, begun.at].append(begun)
    for (tier_code, at), group in groups.items():
        tier, version_id = group[0].tier, group[0].rules.version_id
        await messages.tell(
            [begun.member_id for begun in group],
            MessageEvent.TIER_CHANGED,
            source_id=uuid5(version_id, f"{tier_code} {at.isoformat()}"),
            facts={"tier": tier.name, "tier_en": tier.name_en},
            now=at,
        )


_TERM_COLUMNS = (
    "id",
    "member_id",
    "tier_code",
    "since",
    "review_at",
    "since_seq",
    "cause",
    "threshold",
    "growth",
    "period_growth",
    "rule_version_id",
    "due_at",
    "created_at",
)


def _term_row(begun: BegunTerm) -> tuple[Any, ...]:
    term = begun.term
    return (
        new_id(),
        begun.member_id,
        term.tier_code,
        term.since,
        term.review_at,
        term.since_seq,
        begun.cause,
        begun.tier.growth_threshold,
        begun.growth,
        begun.period_growth,
        begun.rules.version_id,
        begun.due_at,
        begun.at,
    )


async def terms_since_review(standing: Standing) -> list[PastTerm]:
    """Return the member's terms since their last review, that one's included, oldest first.

    Without a review it begins with the tier of the account's first day; without any term the tier
    was given by hand, and holds.
    """
    rows = await database.fetch(
        """
        SELECT tier_code, since, review_at, since_seq, cause, threshold FROM tier_term
        WHERE member_id = $1 AND id >= coalesce(
            (SELECT id FROM tier_term WHERE member_id = $1 AND due_at IS NOT NULL
             ORDER BY id DESC LIMIT 1),
            '00000000-0000-0000-0000-000000000000'
        )
        ORDER BY id
        """,
        standing.member_id,
    )
    terms = [
        PastTerm(
            Term(row["tier_code"], row["since"], row["review_at"], row["since_seq"]),
            row["threshold"],
        )
        for row in rows
    ]
    if not rows:
        return [PastTerm(standing.term, 0)]
    if rows[0]["cause"] in (TermCause.KEPT, TermCause.DOWN):
        return terms
    first = Term(standing.floor_code, standing.created_at, None, 0)
    return [PastTerm(first, 0), *terms]


def growth_account(member_id: UUID) -> UUID:
    """Return the id of a member's growth account."""
    return member_account(member_id, AccountKind.GROWTH)
