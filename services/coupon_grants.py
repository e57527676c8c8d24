"""Giving a campaign's coupon to a list of members, in batches that may be killed and run again.

The list is rows. Each is decided once: a coupon, or the reason why none. Who was merged meanwhile
gets it as the member they are now. The operator's list stands in for the campaign's tier and
audience; its window, quantity and limit for each member hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.campaigns import CampaignStatus, campaign_status
from domain.coupons import CampaignKind, CampaignState, CouponOrigin
from domain.errors import ErrorCode, NotFound
from domain.members import MemberStatus
from models import database
from models.ids import new_id
from services import coupons
from services.campaigns import validity_of
from services.coupons import Issue

_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a grant has come: `refused` counts the reasons of those who got nothing."""

    total: int
    done: int
    refused: dict[str, int]


async def start(campaign_id: UUID, member_ids: Sequence[UUID], *, name: str, now: datetime) -> UUID:
    """Write down whom a GRANT campaign's coupon shall go to; a worker gives them. Returns an id.

    A member counts once. Ids that no member has are left out.

    Raises:
        NotFound: there is no such campaign.
    """
    kind = await database.fetch_value("SELECT kind FROM coupon_campaign WHERE id = $1", campaign_id)
    if kind != CampaignKind.GRANT:
        raise NotFound(thing="campaign")
    grant_id = new_id()
    wanted = list(dict.fromkeys(member_ids))
    async with database.in_transaction():
        await database.execute(_START, grant_id, campaign_id, name, now)
        total = 0
        for begin in range(0, len(wanted), _CHUNK):
            part = wanted[begin : begin + _CHUNK]
            total += await database.execute(_LIST, [new_id() for _ in part], grant_id, part)
        await database.execute(
            """
            UPDATE coupon_grant
            SET total = $2, status = CASE WHEN $2::bigint = 0 THEN 'FINISHED' ELSE 'RUNNING' END,
                finished_at = CASE WHEN $2 = 0 THEN $3::timestamptz END
            WHERE id = $1
            """,
            grant_id,
            total,
            now,
        )
    return grant_id


_START = """
INSERT INTO coupon_grant (id, campaign_id, name, total, done, status, created_at, finished_at)
VALUES ($1, $2, $3, 0, 0, 'FINISHED', $4, $4)
"""
_LIST = """
INSERT INTO coupon_grant_item (id, grant_id, member_id)
SELECT line.id, $2, member.id
FROM unnest($1::uuid[], $3::uuid[]) AS line (id, member_id)
JOIN member ON member.id = line.member_id
"""


async def progress(grant_id: UUID) -> Progress:
    """Return how far a grant has come.

    Raises:
        NotFound: there is no such grant.
    """
    row = await database.fetch_one("SELECT total, done FROM coupon_grant WHERE id = $1", grant_id)
    if row is None:
        raise NotFound(thing="grant")
    refused = await database.fetch(
        "SELECT refused, count(*) FROM coupon_grant_item"
        " WHERE grant_id = $1 AND refused IS NOT NULL GROUP BY refused",
        grant_id,
    )
    return Progress(row["total"], row["done"], dict(map(tuple, refused)))


async def run_due(*, now: datetime, limit: int = 1_000) -> int:
    """Decide on the next members of a grant that is running; returns how many, 0 when none is left.

    A batch is one transaction: a worker that dies leaves its members undecided, for the next one.
    """

    async def batch() -> int:
        async with database.in_transaction():
            grant = await database.fetch_one(_NEXT_GRANT, now)
            if grant is None:
                return 0
            items = await database.fetch(_NEXT_ITEMS, grant["id"], limit)
            await _decide(grant, items, now)
            await _count(grant["id"], len(items), now)
            return len(items)

    return await database.retrying(batch)


_NEXT_GRANT = """
SELECT grants.id, grants.campaign_id
FROM coupon_grant AS grants JOIN coupon_campaign AS campaign ON campaign.id = grants.campaign_id
WHERE grants.status = 'RUNNING' AND campaign.claim_from <= $1
ORDER BY grants.created_at, grants.id LIMIT 1 FOR NO KEY UPDATE OF grants SKIP LOCKED
"""

_NEXT_ITEMS = """
WITH RECURSIVE item AS (
    SELECT id, member_id FROM coupon_grant_item
    WHERE grant_id = $1 AND coupon_id IS NULL AND refused IS NULL ORDER BY id LIMIT $2
), person AS (
    SELECT item.id, item.member_id FROM item
    UNION
    SELECT person.id, member.merged_into_id
    FROM person JOIN member ON member.id = person.member_id
    WHERE member.merged_into_id IS NOT NULL
)
SELECT person.id, member.id AS member_id, member.status, member.joined_at
FROM person JOIN member ON member.id = person.member_id
WHERE member.merged_into_id IS NULL ORDER BY person.id
"""


async def _decide(grant: asyncpg.Record, items: Sequence[asyncpg.Record], now: datetime) -> None:
    """Give coupons to those who can have one, and write down why the others can't."""
    # Locked last but for the coupons: who gives coupons of a campaign is alone with it.
    campaign = await database.fetch_one(_CAMPAIGN, grant["campaign_id"])
    assert campaign is not None, "a grant's campaign is kept"
    had = await _had(grant["campaign_id"], [item["member_id"] for item in items])
    closed = _why_closed(campaign, now)
    start, end = validity_of(campaign).window(now)
    left = campaign["quantity"]
    issues: list[Issue] = []
    refused: dict[UUID, ErrorCode] = {}
    for item in items:
        has_left = left is None or campaign["claimed"] + len(issues) < left
        reason = closed or _why_not(item, had, campaign["per_member_limit"], has_left=has_left)
        if reason is not None:
            refused[item["id"]] = reason
            continue
        had[item["member_id"]] += 1
        issues.append(
            Issue(
                item["member_id"],
                campaign["terms_id"],
                start,
                end,
                CouponOrigin.GRANT,
                item["id"],
                grant["campaign_id"],
                had[item["member_id"]],
            )
        )
    given = await coupons.issue(issues, now=now)
    await _note(given, issues, refused, grant["campaign_id"])


_CAMPAIGN = """
SELECT campaign.status, campaign.claim_from, campaign.claim_until, campaign.quantity,
       campaign.claimed, campaign.per_member_limit, template.terms_id, template.valid_days,
       template.valid_from, template.valid_until
FROM coupon_campaign AS campaign
JOIN coupon_template AS template ON template.id = campaign.template_id
WHERE campaign.id = $1 FOR NO KEY UPDATE OF campaign
"""


def _why_closed(campaign: asyncpg.Record, now: datetime) -> ErrorCode | None:
    """Return why the campaign gives nobody anything now."""
    if campaign["status"] != CampaignState.PUBLISHED:
        return ErrorCode.COUPON_NOT_CLAIMABLE
    ends = min(filter(None, (campaign["claim_until"], campaign["valid_until"])))
    is_over = campaign_status(campaign["claim_from"], ends, now) is CampaignStatus.ENDED
    return ErrorCode.CAMPAIGN_ENDED if is_over else None


def _why_not(
    item: asyncpg.Record, had: Counter[UUID], limit: int, *, has_left: bool
) -> ErrorCode | None:
    """Return why a member gets nothing."""
    if item["status"] != MemberStatus.ACTIVE:
        return ErrorCode.ACCOUNT_BLOCKED
    if item["joined_at"] is None:
        return ErrorCode.CONSENT_REQUIRED
    if had[item["member_id"]] >= limit:
        return ErrorCode.COUPON_LIMIT_REACHED
    return None if has_left else ErrorCode.COUPON_SOLD_OUT


async def _had(campaign_id: UUID, member_ids: Sequence[UUID]) -> Counter[UUID]:
    """Return the highest seat that each member has, or how many they have if that is more."""
    rows = await database.fetch(
        """
        SELECT member_id, greatest(count(*), max(seat)) AS seats FROM coupon
        WHERE campaign_id = $1 AND member_id = ANY($2) GROUP BY member_id
        """,
        campaign_id,
        member_ids,
    )
    return Counter(dict(map(tuple, rows)))


async def _note(
    given: Sequence[UUID],
    issues: Sequence[Issue],
    refused: dict[UUID, ErrorCode],
    campaign_id: UUID,
) -> None:
    await database.execute(
        """
        UPDATE coupon_grant_item AS item SET coupon_id = made.coupon_id, refused = made.refused
        FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS made (id, coupon_id, refused)
        WHERE item.id = made.id
        """,
        [*(issue.origin_id for issue in issues), *refused],
        [*given, *(None for _ in refused)],
        [*(None for _ in issues), *refused.values()],
    )
    await count_given(campaign_id, len(given))


async def count_given(campaign_id: UUID, number: int) -> None:
    """Count coupons that were given of a campaign with a quantity; its row is locked."""
    await database.execute(
        "UPDATE coupon_campaign SET claimed = claimed + $2 WHERE id = $1 AND quantity IS NOT NULL",
        campaign_id,
        number,
    )


async def _count(grant_id: UUID, decided: int, now: datetime) -> None:
    await database.execute(
        """
        UPDATE coupon_grant
        SET done = done + $2,
            status = CASE WHEN done + $2 = total THEN 'FINISHED' ELSE status END,
            finished_at = CASE WHEN done + $2 = total THEN $3::timestamptz END
        WHERE id = $1
        """,
        grant_id,
        decided,
        now,
    )
