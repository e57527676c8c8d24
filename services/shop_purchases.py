"""What members buy at a shop's counter: it earns points and growth at once (docs/rules.md, 1, 2).

A till tells of a purchase by its number there, so that telling twice records it once. Points are
final at once, what is brought back takes its share of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.clock import business_day, months_expiry
from domain.errors import AccountBlocked
from domain.ledger import EntryReason, SourceKind
from domain.members import MemberStatus, is_birthday
from domain.money import floor_per_yuan
from domain.rules import Rules
from domain.tier_terms import reached
from models import database
from models.ids import new_id
from services import growth, invitations, points, presence, tier_reviews, tier_standings
from services import rules as rule_versions
from services.growth import GrowthCredit
from services.members import survivor_of
from services.points import Grant
from services.rules import RulesInForce
from services.tier_standings import Standing


@dataclass(frozen=True, slots=True)
class ShopPurchase:
    """What a member paid for goods at a counter; `source` names the till's system.

    `amount_fen` is net of what the shop took off; what somebody else paid for the member, such as
    a maker's coupon, is part of it.
    """

    source: str
    source_id: str
    member_id: UUID
    store_id: UUID | None
    amount_fen: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many purchases were new, and what they earned."""

    purchases: int = 0
    points: int = 0
    growth: int = 0


@dataclass(frozen=True, slots=True)
class Returned:
    """What a return took back of a purchase's points and growth; `points` as owed, with debt."""

    points: int
    growth: int


async def record(purchase: ShopPurchase) -> UUID:
    """Record one purchase by the rules of its moment; returns its id, whoever told of it first.

    Who buys at a counter has been seen: what is due to them that day is given, too.

    Raises:
        AccountBlocked: the member's account isn't active.
    """
    in_force = await rule_versions.in_force(now=purchase.at)

    async def work() -> tuple[UUID, UUID]:
        async with database.in_transaction():
            member_id = await survivor_of(purchase.member_id)
            await record_many([replace(purchase, member_id=member_id)], rules=in_force)
            await invitations.first_purchase_final([member_id], at=purchase.at)
            purchase_id: UUID = await database.fetch_value(
                "SELECT id FROM shop_purchase WHERE source = $1 AND source_id = $2",
                purchase.source,
                purchase.source_id,
            )
            return purchase_id, member_id

    purchase_id, member_id = await database.retrying(work)
    await presence.seen(member_id, now=purchase.at)
    return purchase_id


async def record_many(purchases: Sequence[ShopPurchase], *, rules: RulesInForce) -> Recorded:
    """Record purchases in their order, which is that of time, in one transaction.

    It comes to the same as one after the other: each earns by the tier that the ones before have
    reached. Those that are known by their number change nothing. There is no statement for each.

    Raises:
        AccountBlocked: the account of one isn't active: nothing is recorded.
    """
    if not purchases:
        return Recorded()
    async with database.in_transaction():
        member_ids = list({purchase.member_id for purchase in purchases})
        standings = await tier_standings.lock(member_ids)
        buyers = await _buyers(member_ids)
        waiting = await _unknown(purchases)
        total = Recorded()
        while waiting:
            today = _of_one_day(waiting)
            shopping = {purchase.member_id: standings[purchase.member_id] for purchase in today}
            await tier_reviews.review_overdue(list(shopping.values()), as_of=today[0].at)
            earned, waiting = _next_round(waiting, standings, buyers, rules.rules)
            total = _sum(total, await _write(earned, standings, rules))
        return total


@dataclass(frozen=True, slots=True)
class _Buyer:
    """What decides a purchase's earnings beside the tier."""

    is_member: bool
    birthday: Any


@dataclass(frozen=True, slots=True)
class _Earned:
    """A purchase with what it earns."""

    id: UUID
    purchase: ShopPurchase
    tier_code: str
    points: int
    growth: int


async def _buyers(member_ids: Sequence[UUID]) -> dict[UUID, _Buyer]:
    """Return the members, who are locked."""
    rows = await database.fetch(
        "SELECT id, status, joined_at, birthday FROM member WHERE id = ANY($1)", member_ids
    )
    if len(rows) != len(member_ids) or any(row["status"] != MemberStatus.ACTIVE for row in rows):
        raise AccountBlocked
    return {row["id"]: _Buyer(row["joined_at"] is not None, row["birthday"]) for row in rows}


async def _unknown(purchases: Sequence[ShopPurchase]) -> list[ShopPurchase]:
    """Return the purchases that aren't recorded yet, each number once."""
    by_number = {(each.source, each.source_id): each for each in reversed(purchases)}
    rows = await database.fetch(
        """
        SELECT purchase.source, purchase.source_id
        FROM unnest($1::text[], $2::text[]) AS told (source, source_id)
        JOIN shop_purchase AS purchase USING (source, source_id)
        """,
        [source for source, _ in by_number],
        [source_id for _, source_id in by_number],
    )
    for row in rows:
        del by_number[row["source"], row["source_id"]]
    return list(reversed(by_number.values()))


def _of_one_day(waiting: Sequence[ShopPurchase]) -> list[ShopPurchase]:
    """Return the purchases of the first one's day: reviews come with a day's beginning."""
    day = business_day(waiting[0].at)
    return [purchase for purchase in waiting if business_day(purchase.at) == day]


def _next_round(
    waiting: Sequence[ShopPurchase],
    standings: Mapping[UUID, Standing],
    buyers: Mapping[UUID, _Buyer],
    rules: Rules,
) -> tuple[list[_Earned], list[ShopPurchase]]:
    """Take the purchases that can be written together, and leave the others for later.

    They are of one day, since reviews come with a day's beginning; and a member's last one is the
    one that raises them, so that gifts and the book's order are those of single purchases.
    """
    day = business_day(waiting[0].at)
    gained: dict[UUID, int] = {}
    raised: set[UUID] = set()
    taken: list[_Earned] = []
    left: list[ShopPurchase] = []
    for purchase in waiting:
        member_id = purchase.member_id
        if member_id in raised or business_day(purchase.at) != day:
            left.append(purchase)
            continue
        standing = standings[member_id]
        earned = _earned(purchase, standing.term.tier_code, buyers[member_id], rules)
        taken.append(earned)
        gained[member_id] = gained.get(member_id, 0) + earned.growth
        tier = rules.tier(standing.term.tier_code)
        if reached(standing.growth + gained[member_id], rules).level > tier.level:
            raised.add(member_id)
    return taken, left


def _earned(purchase: ShopPurchase, tier_code: str, buyer: _Buyer, rules: Rules) -> _Earned:
    multipliers = [rules.tier(tier_code).points_multiplier_bps]
    if buyer.birthday is not None and is_birthday(buyer.birthday, business_day(purchase.at)):
        multipliers.append(rules.members.birthday_multiplier_bps)
    fen = purchase.amount_fen if buyer.is_member else 0
    return _Earned(
        id=new_id(),
        purchase=purchase,
        tier_code=tier_code,
        points=floor_per_yuan(fen, rules.points.points_per_yuan, multipliers),
        growth=floor_per_yuan(fen, rules.growth.growth_per_yuan),
    )


async def _write(
    earned: Sequence[_Earned], standings: Mapping[UUID, Standing], rules: RulesInForce
) -> Recorded:
    await database.copy_rows(
        "shop_purchase", list(_COLUMNS), [_row(each, rules) for each in earned]
    )
    lifetime = rules.rules.points.lifetime_months
    at = earned[-1].purchase.at
    await points.grant_many(
        [
            Grant(
                member_id=each.purchase.member_id,
                points=each.points,
                reason=EntryReason.SHOP_PURCHASE,
                source=(SourceKind.SHOP_PURCHASE, each.id),
                expires_at=months_expiry(each.purchase.at, lifetime),
                at=each.purchase.at,
                day_cap=False,
            )
            for each in earned
        ],
        at=at,
    )
    await growth.credit_many(
        [
            GrowthCredit(
                each.purchase.member_id,
                each.growth,
                EntryReason.SHOP_PURCHASE,
                (SourceKind.SHOP_PURCHASE, each.id),
                each.purchase.at,
            )
            for each in earned
        ],
        standings,
        rules=rules,
    )
    return Recorded(
        len(earned), sum(each.points for each in earned), sum(each.growth for each in earned)
    )


_COLUMNS = (
    "id",
    "member_id",
    "store_id",
    "source",
    "source_id",
    "amount_fen",
    "refunded_fen",
    "points",
    "growth",
    "tier_code",
    "rule_version_id",
    "purchased_at",
)


def _row(earned: _Earned, rules: RulesInForce) -> tuple[Any, ...]:
    purchase = earned.purchase
    return (
        earned.id,
        purchase.member_id,
        purchase.store_id,
        purchase.source,
        purchase.source_id,
        purchase.amount_fen,
        0,
        earned.points,
        earned.growth,
        earned.tier_code,
        rules.version_id,
        purchase.at,
    )


def _sum(one: Recorded, other: Recorded) -> Recorded:
    return Recorded(
        one.purchases + other.purchases, one.points + other.points, one.growth + other.growth
    )


class NotThatMuchLeft(ValueError):
    """More is brought back than is left of a purchase: the till's mistake, or ours."""


async def give_back(
    purchase_id: UUID, amount_fen: int, *, source: str, source_id: str, now: datetime
) -> Returned:
    """Take back what a part of a purchase earned; the same number again answers with what it did.

    The shares of all parts add up to what the whole earned, in whatever parts it comes back. What
    of the points was spent becomes debt.

    Raises:
        NotThatMuchLeft: it is more than is left, or nothing.
    """

    async def work() -> Returned:
        async with database.in_transaction():
            member_id = await _lock_buyer(purchase_id, now=now)
            row = await database.fetch_one(
                "SELECT * FROM shop_purchase WHERE id = $1 FOR NO KEY UPDATE", purchase_id
            )
            assert row is not None, "purchases stay"
            before = await database.fetch_one(
                "SELECT points, growth FROM shop_return WHERE source = $1 AND source_id = $2",
                source,
                source_id,
            )
            if before is not None:
                return Returned(before["points"], before["growth"])
            if not 1 <= amount_fen <= row["amount_fen"] - row["refunded_fen"]:
                raise NotThatMuchLeft(f"{amount_fen} fen of purchase {row['source_id']}")
            share = Returned(
                _share(row, row["points"], amount_fen), _share(row, row["growth"], amount_fen)
            )
            return_id = new_id()
            await database.execute(
                _RETURN,
                *(return_id, purchase_id, source, source_id, amount_fen),
                *(share.points, share.growth, now),
            )
            await _take_back(member_id, purchase_id, return_id, share, now=now)
            if amount_fen == row["amount_fen"] - row["refunded_fen"]:
                await invitations.take_back(purchase_id, now=now)
            return share

    return await database.retrying(work)


async def _lock_buyer(purchase_id: UUID, *, now: datetime) -> UUID:
    """Lock whose purchase it is, who may be another one since a merge, and return their id."""
    sql = "SELECT member_id FROM shop_purchase WHERE id = $1"
    member_id: UUID = await database.fetch_value(sql, purchase_id)
    while True:
        await growth.standings_of([member_id], as_of=now)
        locked, member_id = member_id, await database.fetch_value(sql, purchase_id)
        if member_id == locked:
            return member_id


def _share(row: Any, earned: int, amount_fen: int) -> int:
    """Return the part of what was earned that goes with this much more being brought back."""
    whole, gone = row["amount_fen"], row["refunded_fen"]
    share: int = earned * (gone + amount_fen) // whole - earned * gone // whole
    return share


_RETURN = """
WITH moved AS (
    UPDATE shop_purchase SET refunded_fen = refunded_fen + $5 WHERE id = $2
)
INSERT INTO shop_return (id, purchase_id, source, source_id, amount_fen, points, growth, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def _take_back(
    member_id: UUID, purchase_id: UUID, return_id: UUID, share: Returned, *, now: datetime
) -> None:
    earned_by, source = (
        (SourceKind.SHOP_PURCHASE, purchase_id),
        (SourceKind.SHOP_RETURN, return_id),
    )
    reason = EntryReason.SHOP_PURCHASE_RETURNED
    await points.take_back(
        member_id, share.points, earned_by=earned_by, source=source, reason=reason, now=now
    )
    await growth.take_back(
        member_id, share.growth, reason=reason, source=source, now=now, earned_by=earned_by
    )
