"""Claiming a campaign's coupon, freely, for points or with an exchange code (rules, section 4).

A free claim is one statement: who may have it, the seat, the count of what is left, the coupon and
the idempotency key. Hundreds who want the last one queue for the campaign's row as long as that
statement takes, and no longer. One for points spends them first, in the same transaction, and
counts what is left as it commits. What is refused is judged anew to say why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import asyncpg

from domain.coupon_claims import CouponCodeInvalid, CouponNotClaimable, judge
from domain.coupons import CampaignKind, normalise_code
from domain.errors import (
    AccountBlocked,
    Conflict,
    ConsentRequired,
    DomainError,
    InsufficientPoints,
    NotFound,
)
from domain.ledger import EntryReason, SourceKind
from domain.rules import Rules
from models import database
from models.ids import new_id, readable_code
from models.member_rows import member_columns
from services import campaigns, idempotency, points
from services import rules as rule_versions
from services.campaigns import Viewer
from services.coupon_codes import digest_of
from services.coupons import CODE_LENGTH
from services.rate_limits import Door, RateLimits, pass_door

_TRIES = 100
"""How often a claim is tried that a rival of the same member got in the way of: each time, another
of theirs has come through, and no limit is higher.
"""


@dataclass(frozen=True, slots=True)
class ClaimCoupon:
    """A member's wish for a coupon of a campaign."""

    member_id: UUID
    campaign_id: UUID
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """A member's exchange code, as they typed it."""

    member_id: UUID
    code: str
    idempotency_key: str


async def claim(command: ClaimCoupon, *, now: datetime) -> UUID:
    """Give the member a coupon of the campaign; returns its id. The same key gives the same one.

    Raises:
        NotFound: there is no such campaign to claim from.
        CampaignNotStarted, CampaignEnded, CouponSoldOut, ConsentRequired, CouponNotClaimable,
        TierTooLow, CouponLimitReached, InsufficientPoints, IdempotencyKeyReused
    """
    idempotency.check_key(command.idempotency_key)
    rules = (await rule_versions.in_force(now=now)).rules
    for _ in range(_TRIES):
        price = _prices.get(command.campaign_id, 0)
        try:
            taken = await database.retrying(partial(_attempt, command, price, rules, now))
            if taken.coupon_id is not None:
                return taken.coupon_id
            if taken.price != price:
                _remember_price(command.campaign_id, taken.price)
                continue
        except InsufficientPoints:
            _remember_price(command.campaign_id, 0)  # It may cost less by now.
        except _SameMember:
            pass
        async with database.reading():
            if (earlier := await _recall_claim(command)) is not None:
                return earlier
            await _refuse_claim(command, rules, now)
    raise Conflict(path=("campaignId",))


_prices: dict[UUID, int] = {}
"""What campaigns cost that aren't free, as far as is known: the statement knows better."""

_MOST_PRICES = 1_000


def _remember_price(campaign_id: UUID, price: int) -> None:
    if len(_prices) >= _MOST_PRICES:
        _prices.clear()
    _prices.pop(campaign_id, None)
    if price:
        _prices[campaign_id] = price


async def claim_code(command: ClaimCode, limits: RateLimits, *, now: datetime) -> UUID:
    """Give the member the coupon of an exchange code, which is used up by it; returns its id.

    Case, spaces and dashes don't count. The same key gives the same coupon.

    Raises:
        CouponCodeInvalid: there is no such code, or it was used.
        RateLimited: the member has tried too many.
        CampaignNotStarted, CampaignEnded, CouponSoldOut, ConsentRequired, CouponNotClaimable,
        TierTooLow, CouponLimitReached, IdempotencyKeyReused
    """
    idempotency.check_key(command.idempotency_key)
    digest = digest_of(normalise_code(command.code))
    earlier = await idempotency.recall(
        command.member_id, "claimCouponCode", command.idempotency_key, digest.hex()
    )
    if earlier is not None:
        return earlier
    await pass_door(limits, Door.COUPON_CODE, str(command.member_id))
    rules = (await rule_versions.in_force(now=now)).rules
    for _ in range(_TRIES):
        try:
            return await database.retrying(lambda: _exchange(command, digest, rules, now))
        except _SameMember:
            continue
    raise Conflict(path=("code",))


class _SameMember(Exception):
    """Another claim of the same member took the seat, or the key, first."""


@dataclass(frozen=True, slots=True)
class _Taking:
    """What the one statement is run with."""

    member_id: UUID
    campaign_id: UUID
    kind: CampaignKind
    points_price: int
    tier_codes: list[str]
    now: datetime
    coupon_id: UUID
    key: tuple[str, str, bytes] | None
    """Operation, key and hash of a request to be remembered along."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What came of it: the coupon, or none, and what a claim of the campaign costs in points."""

    coupon_id: UUID | None
    price: int


class _NothingTaken(Exception):
    """The points were spent for nothing: the transaction is to be undone."""

    def __init__(self, taken: _Taken) -> None:
        super().__init__()
        self.taken = taken


def _taking(
    member_id: UUID,
    campaign_id: UUID,
    rules: Rules,
    now: datetime,
    *,
    kind: CampaignKind = CampaignKind.CLAIM,
    price: int = 0,
    coupon_id: UUID | None = None,
    key: tuple[str, str, bytes] | None = None,
) -> _Taking:
    tiers = [tier.code for tier in rules.tiers]
    made_id = coupon_id or new_id()
    return _Taking(member_id, campaign_id, kind, price, tiers, now, made_id, key)


def _request(command: ClaimCoupon) -> str:
    return str(command.campaign_id)


async def _attempt(command: ClaimCoupon, price: int, rules: Rules, now: datetime) -> _Taken:
    """Take the coupon, if the campaign costs so many points and has one for the member."""
    digest = idempotency.request_hash(_request(command))
    key = ("claimCoupon", command.idempotency_key, digest)
    taking = _taking(command.member_id, command.campaign_id, rules, now, price=price, key=key)
    if not price:
        return await _take(taking)
    try:
        async with database.in_transaction():
            return await _buy(taking)
    except _NothingTaken as outcome:
        return outcome.taken
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "coupon_campaign_claimed_check":
            return _Taken(None, price)  # Others took the last ones before this was committed.
        raise


async def _buy(taking: _Taking) -> _Taken:
    """Spend the points and take the coupon, both or neither; what is left is counted last."""
    await points.spend(
        taking.member_id,
        taking.points_price,
        reason=EntryReason.COUPON_CLAIM,
        source=(SourceKind.COUPON, taking.coupon_id),
        now=taking.now,
        path=("campaignId",),
    )
    # The wallet's lock keeps other paid claims of this member out: no rival takes the seat.
    taken = await _take(taking)
    if taken.coupon_id is None:
        raise _NothingTaken(taken)
    database.at_commit(
        "UPDATE coupon_campaign SET claimed = claimed + 1"
        f" WHERE id = '{taking.campaign_id}' AND quantity IS NOT NULL"
    )
    return taken


async def _take(taking: _Taking) -> _Taken:
    """Run the statement; it gives no coupon where the campaign has none for this member.

    Raises:
        _SameMember: a rival was faster; nothing was done.
    """
    values = [
        taking.campaign_id,
        taking.now,
        taking.member_id,
        taking.kind,
        taking.points_price,
        taking.tier_codes,
        taking.coupon_id,
        readable_code(CODE_LENGTH),
    ]
    statement = _TAKE
    if taking.key is not None:
        values += [new_id(), *taking.key]
        statement = _TAKE_AND_COUNT_LATER if taking.points_price else _TAKE_AND_REMEMBER
    try:
        row = await database.fetch_one(statement, *values)
    except asyncpg.UniqueViolationError as rival:
        if rival.constraint_name in ("coupon_seat_key", "idempotency_key_key"):
            raise _SameMember from rival
        raise
    assert row is not None, "it is one row, whatever there is"
    return _Taken(row["id"], row["price"] or 0)


_GATE = f"""
WITH gate AS (
    SELECT campaign.id, campaign.quantity, campaign.claimed, template.terms_id, seat.number,
           terms.kind = 'FREE_SHIPPING' AS is_for_shipping,
           coalesce(template.valid_from, $2) AS valid_from,
           coalesce(
               template.valid_until,
               (($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date + template.valid_days)
                   ::timestamp AT TIME ZONE 'Asia/Shanghai'
           ) AS valid_until
    FROM coupon_campaign AS campaign
    JOIN coupon_template AS template ON template.id = campaign.template_id
    JOIN coupon_terms AS terms ON terms.id = template.terms_id
    JOIN member ON member.id = $3
    CROSS JOIN LATERAL (
        SELECT count(*) + 1 AS number FROM coupon
        WHERE coupon.campaign_id = campaign.id AND coupon.member_id = member.id
    ) AS seat
    CROSS JOIN LATERAL (SELECT {member_columns(["has_joined"])}) AS consent
    WHERE campaign.id = $1 AND campaign.kind = $4 AND campaign.status = 'PUBLISHED'
      AND campaign.points_price = $5
      AND campaign.claim_from <= $2 AND campaign.claim_until > $2
      AND (template.valid_until IS NULL OR template.valid_until > $2)
      AND member.status = 'ACTIVE' AND consent.has_joined
      AND seat.number <= campaign.per_member_limit
      AND (campaign.min_tier_code IS NULL
           OR coalesce(array_position($6::text[], member.tier_code), 1)
              >= coalesce(array_position($6::text[], campaign.min_tier_code), 1))
      AND (campaign.audience = 'EVERYBODY'
           OR campaign.audience = 'NEWCOMERS' AND {campaigns.IS_NEWCOMER}
           OR campaign.audience = 'LISTED' AND EXISTS (
               SELECT FROM campaign_member AS listed
               WHERE listed.campaign_id = campaign.id AND listed.member_id = member.id))
)"""
_COUNTED = """, taken AS (
    UPDATE coupon_campaign AS campaign SET claimed = campaign.claimed + 1
    FROM gate
    WHERE campaign.id = gate.id AND gate.quantity IS NOT NULL
      AND campaign.claimed < campaign.quantity
    RETURNING campaign.id
)"""
_MADE = """, made AS (
    INSERT INTO coupon (id, member_id, terms_id, campaign_id, seat, code, status, is_for_shipping,
                        valid_from, valid_until, origin, points_paid, merged, created_at)
    SELECT $7, $3, terms_id, id, number, $8, 'USABLE', is_for_shipping, valid_from, valid_until,
           $4, $5, false, $2
    FROM gate WHERE quantity IS NULL OR {is_left}
    RETURNING id
)"""
_REMEMBERED = """, remembered AS (
    INSERT INTO idempotency_key
        (id, actor_id, operation, key, request_hash, result_id, created_at)
    SELECT $9, $3, $10, $11, $12, id, $2 FROM made
)"""
_OUTCOME = """
SELECT (SELECT id FROM made) AS id,
       (SELECT points_price FROM coupon_campaign WHERE id = $1 AND kind = $4) AS price
"""
_COUNTED_AND_MADE = _COUNTED + _MADE.format(is_left="EXISTS (SELECT FROM taken)")
_TAKE = _GATE + _COUNTED_AND_MADE + _OUTCOME
_TAKE_AND_REMEMBER = _GATE + _COUNTED_AND_MADE + _REMEMBERED + _OUTCOME
_TAKE_AND_COUNT_LATER = _GATE + _MADE.format(is_left="claimed < quantity") + _REMEMBERED + _OUTCOME


async def _recall_claim(command: ClaimCoupon) -> UUID | None:
    return await idempotency.recall(
        command.member_id, "claimCoupon", command.idempotency_key, _request(command)
    )


async def _refuse_claim(command: ClaimCoupon, rules: Rules, now: datetime) -> None:
    """Say why a claim got nothing; says nothing when it would get something by now.

    Raises:
        NotFound, AccountBlocked, DomainError: the first reason of all.
    """
    viewer = await _viewer(command.member_id, now)
    row = await campaigns.campaign_for(command.campaign_id, command.member_id)
    if row is None or row["kind"] != CampaignKind.CLAIM:
        raise NotFound(thing="campaign", path=("campaignId",))
    refusal = _refusal(row, viewer, rules, now)
    if refusal is not None:
        refusal.path = ("campaignId",)
        raise refusal


async def _viewer(member_id: UUID, now: datetime) -> Viewer:
    """Return who claims: a member, and no visitor.

    Raises:
        AccountBlocked, ConsentRequired
    """
    [viewer] = await campaigns.viewers_by_id([member_id], now=now)
    if viewer is None:
        raise AccountBlocked
    if not viewer.has_joined:
        raise ConsentRequired
    return viewer


def _refusal(
    row: asyncpg.Record, viewer: Viewer, rules: Rules, now: datetime
) -> DomainError | None:
    claimant = viewer.claimant(claimed=row["claimed_by_viewer"], is_listed=row["is_listed"])
    return judge(campaigns.facts_of(row), claimant, rules, now=now)


async def _exchange(command: ClaimCode, digest: bytes, rules: Rules, now: datetime) -> UUID:
    coupon_id = new_id()
    async with database.in_transaction():
        claimed = await idempotency.claim(
            command.member_id,
            "claimCouponCode",
            command.idempotency_key,
            digest.hex(),
            result_id=coupon_id,
            now=now,
        )
        if not claimed.is_new:
            return claimed.result_id
        found = await database.fetch_one(
            "SELECT id, campaign_id FROM exchange_code"
            " WHERE digest = $1 AND coupon_id IS NULL FOR UPDATE",
            digest,
        )
        if found is None:
            await _viewer(command.member_id, now)
            raise CouponCodeInvalid(path=("code",))
        taking = _taking(
            command.member_id,
            found["campaign_id"],
            rules,
            now,
            kind=CampaignKind.CODE,
            coupon_id=coupon_id,
        )
        if (await _take(taking)).coupon_id is None:
            raise await _refusal_of_code(found["campaign_id"], command.member_id, rules, now)
        await database.execute(
            "UPDATE exchange_code SET coupon_id = $2, used_at = $3 WHERE id = $1",
            found["id"],
            coupon_id,
            now,
        )
        return coupon_id


async def _refusal_of_code(
    campaign_id: UUID, member_id: UUID, rules: Rules, now: datetime
) -> DomainError:
    viewer = await _viewer(member_id, now)
    row = await campaigns.campaign_for(campaign_id, member_id)
    assert row is not None, "a code belongs to a campaign"
    refusal = _refusal(row, viewer, rules, now) or CouponNotClaimable()
    refusal.path = ("code",)
    return refusal
