"""Promotions through the service that operators use; what a test asserts stands in the test."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from domain.pricing import (
    ALL_GOODS,
    FullReduction,
    LimitedTimePrice,
    Promotion,
    QuantityDiscount,
    QuantityRule,
    Rung,
    Scope,
)
from domain.promotions import Scheduled
from models.ids import new_id
from services import promotions
from tests.factories.shop import NOW


def scheduled(
    promotion: Promotion,
    *,
    starts_at: datetime = NOW - timedelta(days=1),
    ends_at: datetime = NOW + timedelta(days=1),
    tiers: Collection[str] = (),
    priority: int = 0,
) -> Scheduled:
    """Return a promotion that began a day before `NOW` and ends a day after."""
    return Scheduled(
        promotion=promotion,
        starts_at=starts_at,
        ends_at=ends_at,
        tier_codes=frozenset(tiers),
        priority=priority,
    )


async def a_promotion(
    promotion: Promotion | None = None,
    *,
    starts_at: datetime = NOW - timedelta(days=1),
    ends_at: datetime = NOW + timedelta(days=1),
    tiers: Collection[str] = (),
    priority: int = 0,
) -> UUID:
    """Publish a promotion, 10 % off everything if none is given; runs a day around `NOW`."""
    wanted = scheduled(
        promotion or a_share(9_000),
        starts_at=starts_at,
        ends_at=ends_at,
        tiers=tiers,
        priority=priority,
    )
    await promotions.publish(wanted, now=NOW)
    return wanted.promotion.id


def a_share(pay_bps: int, scope: Scope = ALL_GOODS, title: str = "限时折扣") -> LimitedTimePrice:
    """Return a limited-time share of the list price."""
    return LimitedTimePrice(id=new_id(), title=title, pay_bps=pay_bps, scope=scope)


def prices(price_fen_by_sku: Mapping[UUID, int], title: str = "限时价") -> LimitedTimePrice:
    """Return limited-time prices of single SKUs."""
    return LimitedTimePrice(id=new_id(), title=title, price_fen_by_sku=price_fen_by_sku)


def a_discount(
    pieces: int = 2,
    pay_bps: int = 5_000,
    scope: Scope = ALL_GOODS,
    *,
    title: str = "第2件半价",
    rule: QuantityRule = QuantityRule.EVERY_NTH_PIECE,
) -> QuantityDiscount:
    """Return a quantity discount: every second piece at half, if nothing else is said."""
    return QuantityDiscount(
        id=new_id(), title=title, rule=rule, pieces=pieces, pay_bps=pay_bps, scope=scope
    )


def a_reduction(
    *rungs: tuple[int, int], scope: Scope = ALL_GOODS, title: str = "满70减10"
) -> FullReduction:
    """Return a full reduction by its rungs, ¥10 off from ¥70 if none is given."""
    steps = tuple(Rung(*rung) for rung in rungs or ((7_000, 1_000),))
    return FullReduction(id=new_id(), title=title, rungs=steps, scope=scope)
