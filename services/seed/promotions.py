"""The demo brand's promotions: every kind, for all and for a tier, running and yet to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.pricing import (
    FullReduction,
    LimitedTimePrice,
    Promotion,
    QuantityDiscount,
    QuantityRule,
    Rung,
    Scope,
    ScopeKind,
)
from domain.promotions import Scheduled
from models import database
from models.ids import new_id
from services import promotions

_QUARTER = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A promotion. `categories` are names, `prices` are by the code of a SKU.

    It begins `begins` after the demo was planted and lasts so long. Its kind follows from what it
    has: prices or `pay_bps` alone, pieces with `pay_bps`, or rungs.
    """

    title: str
    categories: tuple[str, ...] = ()
    prices: tuple[tuple[str, int], ...] = ()
    pay_bps: int | None = None
    every_nth: int | None = None
    from_pieces: int | None = None
    rungs: tuple[tuple[int, int], ...] = ()
    tiers: tuple[str, ...] = ()
    priority: int = 0
    begins: timedelta = timedelta()
    lasts: timedelta = _QUARTER

    def promotion(self, categories: Mapping[str, UUID], skus: Mapping[str, UUID]) -> Promotion:
        """Return what it takes off."""
        ids = frozenset(categories[name] for name in self.categories)
        scope = Scope(ScopeKind.CATEGORIES, ids) if ids else Scope()
        if self.rungs:
            rungs = tuple(Rung(*rung) for rung in self.rungs)
            return FullReduction(id=new_id(), title=self.title, rungs=rungs, scope=scope)
        pieces = self.every_nth or self.from_pieces
        if pieces is None:
            return LimitedTimePrice(
                id=new_id(),
                title=self.title,
                price_fen_by_sku={skus[code]: fen for code, fen in self.prices},
                pay_bps=self.pay_bps,
                scope=scope,
            )
        assert self.pay_bps is not None, "a quantity discount says what is paid"
        return QuantityDiscount(
            id=new_id(),
            title=self.title,
            rule=QuantityRule.EVERY_NTH_PIECE if self.every_nth else QuantityRule.FROM_PIECES,
            pieces=pieces,
            pay_bps=self.pay_bps,
            scope=scope,
        )


DEALS = (
    Deal(title="坚果季限时 85 折", categories=("坚果炒货",), pay_bps=8_500),
    Deal(title="早餐奶限时价", prices=(("MILK-1", 5_990), ("YOGURT-1", 2_990))),
    Deal(title="第2件半价", categories=("饼干糕点",), every_nth=2, pay_bps=5_000),
    Deal(title="3件8折", categories=("餐厨用具", "收纳清洁"), from_pieces=3, pay_bps=8_000),
    Deal(
        title="焕新季满199减30 满399减80",
        categories=("家居日用", "服饰鞋包"),
        rungs=((19_900, 3_000), (39_900, 8_000)),
    ),
    Deal(
        title="金卡专享满300减40",
        categories=("个护美妆",),
        rungs=((30_000, 4_000),),
        tiers=("GOLD",),
        priority=1,
    ),
    Deal(
        title="亲子周 9 折",
        categories=("母婴亲子",),
        pay_bps=9_000,
        begins=timedelta(days=3),
        lasts=timedelta(days=7),
    ),
)


async def plant_promotions(categories: Mapping[str, UUID], *, now: datetime) -> None:
    """Publish the promotions."""
    codes = [code for deal in DEALS for code, _ in deal.prices]
    rows = await database.fetch("SELECT code, id FROM sku WHERE code = ANY($1)", codes)
    skus = {row["code"]: row["id"] for row in rows}
    for deal in DEALS:
        starts_at = now + deal.begins
        scheduled = Scheduled(
            promotion=deal.promotion(categories, skus),
            starts_at=starts_at,
            ends_at=starts_at + deal.lasts,
            tier_codes=frozenset(deal.tiers),
            priority=deal.priority,
        )
        await promotions.publish(scheduled, now=now)
