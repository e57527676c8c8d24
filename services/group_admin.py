"""Group buys as operators run them: published, extended, called off, and closed by a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.errors import InvalidInput, NotFound
from domain.group_buys import GroupBuyState
from domain.stock_gate import Freed
from models import database
from models.group_buys import GroupBuy, GroupBuyItem
from models.ids import new_id
from services import campaign_stock
from services.cancelling import Gate
from services.due_work import each, lease

LOOK_AGAIN = timedelta(minutes=1)
"""When a campaign is looked at again whose last team has not ended at its deadline."""

MAX_NAME_LENGTH = 128
MAX_ITEMS = 100


class CountingGate(Gate, Protocol):
    """What campaigns tell the stock gate."""

    async def recount(self, sku_ids: Sequence[UUID]) -> None:
        """Have these counts read anew: pieces were set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A SKU's price for teams; `set_aside` pieces become the campaign's own, or it has none."""

    sku_id: UUID
    price_fen: int
    set_aside: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGroupBuy:
    """A campaign over a product; `per_member_limit` is in pieces, over all of a member's teams."""

    product_id: UUID
    name: str
    name_en: str = ""
    starts_at: datetime
    ends_at: datetime
    team_size: int
    team_hours: int
    per_member_limit: int
    new_members_only: bool = False
    items: tuple[NewItem, ...]


async def publish(new: NewGroupBuy, gate: CountingGate, *, now: datetime) -> UUID:
    """Publish a campaign, with what it sets aside moved to shelves of its own; returns its id.

    Raises:
        InvalidInput: it can't be meant like this, or fewer pieces are available.
        NotFound: there is no such product, or no such SKU of it.
    """
    _check(new, now)
    await _check_goods(new)
    group_buy_id = await database.retrying(lambda: _publish(new, now))
    await gate.recount([item.sku_id for item in new.items if item.set_aside is not None])
    return group_buy_id


def _check(new: NewGroupBuy, now: datetime) -> None:
    _require(0 < len(new.name) <= MAX_NAME_LENGTH, "name", "A name is expected.")
    _require(len(new.name_en) <= MAX_NAME_LENGTH, "nameEn", "This name is too long.")
    _require(new.starts_at < new.ends_at, "endsAt", "The end must lie after the start.")
    _require(new.ends_at > now, "endsAt", "The end must lie ahead.")
    _require(2 <= new.team_size <= 100, "teamSize", "A team has 2 to 100 members.")
    _require(1 <= new.team_hours <= 168, "teamHours", "A team has 1 to 168 hours.")
    _require(new.per_member_limit >= 1, "perMemberLimit", "At least 1 piece is expected.")
    _require(1 <= len(new.items) <= MAX_ITEMS, "items", "From 1 to 100 items are expected.")
    skus = {item.sku_id for item in new.items}
    _require(len(skus) == len(new.items), "items", "Each SKU has one price.")
    for item in new.items:
        _require(item.price_fen >= 0, "items", "A price is at least 0.")
        _require(
            item.set_aside is None or item.set_aside >= 1, "items", "At least 1 piece is set aside."
        )


def _require(holds: bool, field: str, problem: str) -> None:
    if not holds:
        raise InvalidInput(path=(field,), problem=problem)


async def _check_goods(new: NewGroupBuy) -> None:
    rows = await database.fetch(
        "SELECT sku.id FROM product LEFT JOIN sku ON sku.product_id = product.id"
        " WHERE product.id = $1",
        new.product_id,
    )
    if not rows:
        raise NotFound(thing="product", path=("productId",))
    if not {item.sku_id for item in new.items} <= {row["id"] for row in rows}:
        raise NotFound(thing="SKU", path=("items",))


async def _publish(new: NewGroupBuy, now: datetime) -> UUID:
    async with database.in_transaction():
        campaign = await GroupBuy.create(
            id=new_id(),
            product_id=new.product_id,
            name=new.name,
            name_en=new.name_en,
            starts_at=new.starts_at,
            ends_at=new.ends_at,
            team_size=new.team_size,
            team_hours=new.team_hours,
            per_member_limit=new.per_member_limit,
            new_members_only=new.new_members_only,
            state=GroupBuyState.PUBLISHED,
            close_due_at=new.ends_at,
            created_at=now,
        )
        shelves: dict[UUID, UUID] = {}
        for item in sorted(new.items, key=lambda item: item.sku_id):
            if item.set_aside is not None:
                shelves[item.sku_id] = await campaign_stock.set_aside(
                    item.sku_id, item.set_aside, now=now
                )
        for position, item in enumerate(new.items):
            await GroupBuyItem.create(
                group_buy_id=campaign.id,
                sku_id=item.sku_id,
                stock_id=shelves.get(item.sku_id),
                price_fen=item.price_fen,
                position=position,
            )
        return campaign.id


async def extend(group_buy_id: UUID, ends_at: datetime) -> None:
    """Have a campaign end later; to its end of now changes nothing.

    Raises:
        NotFound
        InvalidInput: that would be earlier, or it was called off or closed.
    """
    async with database.in_transaction():
        row = await _lock(group_buy_id)
        is_open = row["state"] == GroupBuyState.PUBLISHED
        _require(is_open, "groupBuyId", "It was called off, or is over.")
        _require(ends_at >= row["ends_at"], "endsAt", "A group buy can only end later.")
        await database.execute(
            "UPDATE group_buy SET ends_at = $2, close_due_at = $2 WHERE id = $1",
            group_buy_id,
            ends_at,
        )


async def cancel(group_buy_id: UUID, *, now: datetime) -> None:
    """Call a campaign off: no team is opened or joined any more. Teams go on to their deadline.

    Calling off what was called off, or is over, changes nothing.

    Raises:
        NotFound
    """
    async with database.in_transaction():
        row = await _lock(group_buy_id)
        if row["state"] == GroupBuyState.PUBLISHED:
            await database.execute(
                "UPDATE group_buy SET state = 'CANCELLED', close_due_at = $2 WHERE id = $1",
                group_buy_id,
                now,
            )


async def _lock(group_buy_id: UUID) -> Any:
    row = await database.fetch_one(
        "SELECT state, ends_at FROM group_buy WHERE id = $1 FOR UPDATE", group_buy_id
    )
    if row is None:
        raise NotFound(thing="group buy", path=("groupBuyId",))
    return row


async def not_closed() -> list[Any]:
    """Return the campaigns that are not closed, by their start, with how their teams stand."""
    return await database.fetch(
        """
        SELECT campaign.id, campaign.name, campaign.state, campaign.starts_at, campaign.ends_at,
               campaign.team_size, count(team.id) FILTER (WHERE team.status = 'FORMING') AS forming,
               count(team.id) FILTER (WHERE team.status = 'SUCCEEDED') AS succeeded,
               count(team.id) FILTER (WHERE team.status = 'FAILED') AS failed
        FROM group_buy AS campaign
        LEFT JOIN group_buy_team AS team ON team.group_buy_id = campaign.id
        WHERE campaign.state <> 'CLOSED'
        GROUP BY campaign.id ORDER BY campaign.starts_at, campaign.id
        """
    )


async def close_due(gate: Gate, *, now: datetime, limit: int = 20) -> int:
    """Close campaigns that are over, once their last team has ended; returns how many were due.

    What is left of their shelves goes back to the SKUs.
    """
    rows = await lease("group_buy", "close_due_at", "row.state", now=now, limit=limit)

    async def work(row: Any) -> None:
        for freed in await database.retrying(lambda: _close(row["id"], now)):
            await gate.free(freed)

    return await each("group_buys", rows, work)


async def _close(group_buy_id: UUID, now: datetime) -> list[Freed]:
    async with database.in_transaction():
        row = await _lock(group_buy_id)
        if row["state"] == GroupBuyState.CLOSED:
            return []
        is_over = row["state"] == GroupBuyState.CANCELLED or row["ends_at"] <= now
        wait_until = row["ends_at"] if not is_over else await _last_deadline(group_buy_id)
        if wait_until is not None:
            await database.execute(
                "UPDATE group_buy SET close_due_at = $2 WHERE id = $1",
                group_buy_id,
                max(wait_until, now + LOOK_AGAIN),
            )
            return []
        shelves = await database.fetch(
            "SELECT stock_id FROM group_buy_item WHERE group_buy_id = $1 AND stock_id IS NOT NULL"
            " ORDER BY stock_id",
            group_buy_id,
        )
        freed = [await campaign_stock.close(row["stock_id"], now=now) for row in shelves]
        await database.execute(
            "UPDATE group_buy SET state = 'CLOSED', close_due_at = NULL WHERE id = $1",
            group_buy_id,
        )
        return freed


async def _last_deadline(group_buy_id: UUID) -> datetime | None:
    """Return when the last team that forms will end; None when there is none."""
    last: datetime | None = await database.fetch_value(
        "SELECT max(expires_at) FROM group_buy_team WHERE group_buy_id = $1 AND status = 'FORMING'",
        group_buy_id,
    )
    return last
