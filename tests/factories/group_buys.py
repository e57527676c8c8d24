"""Group buys, their teams and seats, through the services that make them in life."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models import database
from services import group_admin
from services.group_admin import NewGroupBuy, NewItem
from tests.factories.orders import OpenGate, bought, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer

HOUR = timedelta(hours=1)
TEAM_PRICE_FEN = 600


async def a_group_buy(
    *skus: SkuFacts,
    price_fen: int = TEAM_PRICE_FEN,
    set_aside: int | None = None,
    now: datetime = NOW,
    **choices: Any,
) -> UUID:
    """Publish a campaign that runs, of teams of two within 24 hours; `choices` are its own."""
    facts: dict[str, Any] = {
        "name": "两人团",
        "starts_at": now - HOUR,
        "ends_at": now + 48 * HOUR,
        "team_size": 2,
        "team_hours": 24,
        "per_member_limit": 5,
        **choices,
    }
    items = tuple(NewItem(sku_id=sku.id, price_fen=price_fen, set_aside=set_aside) for sku in skus)
    new = NewGroupBuy(product_id=skus[0].product_id, items=items, **facts)
    return await group_admin.publish(new, OpenGate(), now=now)


async def opened(group_buy_id: UUID, sku: SkuFacts, *, by: UUID | None = None) -> tuple[UUID, UUID]:
    """Have a member open a team and pay; returns the team and the order."""
    order_id = await bought(by or await a_buyer(), (sku, 1), group_buy_id=group_buy_id)
    return await team_of(order_id), order_id


async def joined(
    team_id: UUID, sku: SkuFacts, *, by: UUID | None = None, now: datetime = NOW, **choices: Any
) -> UUID:
    """Have a member place an order for a team, unpaid; returns the order."""
    return await placed(
        by or await a_buyer(),
        (sku, 1),
        now=now,
        group_buy_id=await campaign_of(team_id),
        group_buy_team_id=team_id,
        **choices,
    )


async def campaign_of(team_id: UUID) -> UUID:
    """Return a team's campaign."""
    found: UUID = await database.fetch_value(
        "SELECT group_buy_id FROM group_buy_team WHERE id = $1", team_id
    )
    return found


async def team_of(order_id: UUID) -> UUID:
    """Return the team that an order was placed for."""
    found: UUID = await database.fetch_value(
        "SELECT team_id FROM sales_order WHERE id = $1", order_id
    )
    return found


async def team_row(team_id: UUID) -> tuple[str, int]:
    """Return a team's status and how many of its seats are paid."""
    row = await database.fetch_one(
        "SELECT status, paid_seats FROM group_buy_team WHERE id = $1", team_id
    )
    assert row is not None
    return (row["status"], row["paid_seats"])


async def seats_of(team_id: UUID) -> list[tuple[int, str]]:
    """Return a team's seats by position: (position, status)."""
    rows = await database.fetch(
        "SELECT position, status FROM group_buy_seat WHERE team_id = $1 ORDER BY position", team_id
    )
    return [(row["position"], row["status"]) for row in rows]


async def status_of(order_id: UUID) -> str:
    """Return where an order stands; with its reason, if it was cancelled."""
    row = await database.fetch_one(
        "SELECT status, cancel_reason FROM sales_order WHERE id = $1", order_id
    )
    assert row is not None
    return " ".join(filter(None, row))
