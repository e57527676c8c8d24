"""Group buys, their items, teams and seats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from loaders.catalog import by_id, grouped
from models import database
from models.group_buy_rows import GROUP_BUY_COLUMNS, TEAM_COLUMNS


async def group_buy_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return campaigns by id, on or over."""
    rows = await database.fetch(
        f"SELECT {GROUP_BUY_COLUMNS} FROM group_buy WHERE id = ANY($1)", ids
    )
    return by_id(ids, rows)


async def group_buy_by_product_id(ids: Sequence[UUID], *, now: datetime) -> list[Record | None]:
    """Return the campaign of each product that is on, or else the next one."""
    rows = await database.fetch(
        f"""
        SELECT DISTINCT ON (product_id) {GROUP_BUY_COLUMNS} FROM group_buy
        WHERE product_id = ANY($1) AND state = 'PUBLISHED' AND ends_at > $2
        ORDER BY product_id, starts_at, id
        """,
        ids,
        now,
    )
    found = {row["product_id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


async def items_by_group_buy_id(ids: Sequence[UUID]) -> list[list[Record]]:
    """Return each campaign's SKUs in their order, with the team price and what is `remaining`.

    That is of the pieces set aside for it, or else of the SKU's own; 0 of what nobody can buy.
    """
    rows = await database.fetch(
        """
        SELECT item.group_buy_id, item.sku_id, item.price_fen,
               CASE WHEN item.is_for_sale THEN item.available ELSE 0 END AS remaining
        FROM unnest($1::uuid[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT own.group_buy_id, own.sku_id, own.price_fen, own.position, own.id,
                   (SELECT sku.status = 'ON_SALE' AND product.status = 'ON_SALE'
                    FROM sku JOIN product ON product.id = sku.product_id
                    WHERE sku.id = own.sku_id) AS is_for_sale,
                   coalesce((SELECT available FROM campaign_stock WHERE id = own.stock_id),
                            (SELECT available FROM stock_level WHERE id = own.sku_id),
                            0) AS available
            FROM group_buy_item AS own WHERE own.group_buy_id = wanted.id
        ) AS item
        ORDER BY item.position, item.id
        """,
        ids,
    )
    return grouped(ids, rows, "group_buy_id")


async def team_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return teams by id."""
    rows = await database.fetch(
        f"SELECT {TEAM_COLUMNS} FROM group_buy_team AS team WHERE team.id = ANY($1)", ids
    )
    return by_id(ids, rows)


async def team_by_order_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return the team that each order was placed for."""
    rows = await database.fetch(
        f"""
        SELECT o.id AS order_id, {TEAM_COLUMNS} FROM sales_order AS o
        JOIN group_buy_team AS team ON team.id = o.team_id WHERE o.id = ANY($1)
        """,
        ids,
    )
    found = {row["order_id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


async def seats_by_team_id(ids: Sequence[UUID], *, now: datetime) -> list[list[Record]]:
    """Return each team's seats that are paid or still held, by their places."""
    rows = await database.fetch(
        """
        SELECT seat.team_id, seat.member_id, seat.order_id, seat.status, seat.joined_at,
               member.nickname, member.avatar_url
        FROM group_buy_seat AS seat JOIN member ON member.id = seat.member_id
        WHERE seat.team_id = ANY($1) AND (seat.status = 'PAID' OR seat.held_until > $2)
        ORDER BY seat.position
        """,
        ids,
        now,
    )
    return grouped(ids, rows, "team_id")
