"""The demo brand's flash sales and group buys: what is on, and what is yet to come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from domain.stock_gate import Freed
from models import database
from services import flash_admin, group_admin
from services.flash_admin import NewFlashSale
from services.flash_admin import NewItem as FlashItem
from services.flash_gate import FlashGate
from services.group_admin import NewGroupBuy
from services.group_admin import NewItem as TeamItem

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A flash sale that begins so long after the demo was planted.

    `items` are a SKU's code, price in fen, pieces, pieces for each member, and the least tier.
    """

    name: str
    name_en: str
    items: tuple[tuple[str, int, int, int, str | None], ...]
    begins: timedelta = timedelta()
    lasts: timedelta


SESSIONS = (
    Session(
        name="天天秒杀",
        name_en="Deals of the month",
        items=(
            ("NUTS-1", 5_990, 60, 1, None),
            ("APPLE-1", 1_990, 40, 2, None),
            ("TEA-1", 19_900, 5, 1, "SILVER"),
        ),
        lasts=30 * _DAY,
    ),
    Session(
        name="明日抢先",
        name_en="Tomorrow first",
        items=(("BLUEB-1", 1_490, 20, 1, None), ("ALMOND-1", 2_490, 30, 2, None)),
        begins=_DAY,
        lasts=_DAY,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """A group buy of a product for 60 days; `prices` are by a SKU's code, in fen."""

    name: str
    name_en: str
    good: str
    prices: Mapping[str, int]
    size: int
    limit: int
    newcomers: bool = False
    set_aside: int | None = None


TOGETHER = (
    Together(
        name="两人拼脐橙",
        name_en="Oranges for two",
        good="ORANGE",
        prices={"ORANGE-1": 2_690, "ORANGE-2": 4_790},
        size=2,
        limit=4,
    ),
    Together(
        name="新人三人团",
        name_en="Three with newcomers",
        good="OATS",
        prices={"OATS-1": 1_490},
        size=3,
        limit=1,
        newcomers=True,
        set_aside=30,
    ),
)


class _NotOpen:
    """The gates of a shop that isn't open yet: they count when they are first asked."""

    async def recount(self, sku_ids: Collection[UUID] | Sequence[UUID]) -> None:
        """Leave it to the first who asks."""

    async def free(self, freed: Freed) -> None:
        """Leave it to the first who asks."""

    async def rebuild(self, *_what: Any, **_how: Any) -> bool:
        """Leave it to the first who asks."""
        return False


async def plant_campaigns(products: Mapping[str, UUID], *, now: datetime) -> None:
    """Publish the flash sales and group buys."""
    rows = await database.fetch("SELECT code, id FROM sku WHERE code IS NOT NULL")
    skus = {row["code"]: row["id"] for row in rows}
    gates = _NotOpen()
    for session in SESSIONS:
        sale_id = await flash_admin.draft(_sale(session, skus, now), now=now)
        await flash_admin.publish(sale_id, gates, cast("FlashGate", gates), now=now)
    for campaign in TOGETHER:
        await group_admin.publish(_group_buy(campaign, products, skus, now), gates, now=now)


def _sale(session: Session, skus: Mapping[str, UUID], now: datetime) -> NewFlashSale:
    starts_at = now + session.begins
    return NewFlashSale(
        name=session.name,
        name_en=session.name_en,
        starts_at=starts_at,
        ends_at=starts_at + session.lasts,
        items=tuple(
            FlashItem(
                sku_id=skus[code],
                price_fen=price_fen,
                quantity=pieces,
                per_member_limit=limit,
                min_tier_code=tier,
            )
            for code, price_fen, pieces, limit, tier in session.items
        ),
    )


def _group_buy(
    campaign: Together, products: Mapping[str, UUID], skus: Mapping[str, UUID], now: datetime
) -> NewGroupBuy:
    return NewGroupBuy(
        product_id=products[campaign.good],
        name=campaign.name,
        name_en=campaign.name_en,
        starts_at=now,
        ends_at=now + 60 * _DAY,
        team_size=campaign.size,
        team_hours=24,
        per_member_limit=campaign.limit,
        new_members_only=campaign.newcomers,
        items=tuple(
            TeamItem(sku_id=skus[code], price_fen=price_fen, set_aside=campaign.set_aside)
            for code, price_fen in campaign.prices.items()
        ),
    )
