"""Rewards and redemptions by id, and what a member has of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from loaders.catalog import by_id
from models import database
from models.reward_rows import REDEMPTION_COLUMNS, REWARD_COLUMNS, WITH_ORDER


async def reward_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return rewards by id, whether they can be redeemed now or not."""
    rows = await database.fetch(f"SELECT {REWARD_COLUMNS} FROM reward WHERE id = ANY($1)", ids)
    return by_id(ids, rows)


async def pieces_by_reward_id(ids: Sequence[UUID], *, viewer_id: UUID) -> list[int]:
    """Return how many pieces of each reward a member has."""
    rows = await database.fetch(
        "SELECT reward_id, pieces FROM reward_count WHERE reward_id = ANY($1) AND member_id = $2",
        ids,
        viewer_id,
    )
    found = {row["reward_id"]: row["pieces"] for row in rows}
    return [found.get(id_, 0) for id_ in ids]


async def goods_by_sku_id(ids: Sequence[UUID], *, viewer_id: UUID | None) -> list[Record | None]:
    """Return what decides whether a viewer can have goods that rewards bring."""
    rows = await database.fetch(
        """
        SELECT sku.id, product.name AS product, coalesce(stock.available, 0) AS available,
               sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS is_for_sale,
               sku.purchase_limit, coalesce(bought.pieces, 0) AS purchased
        FROM sku JOIN product ON product.id = sku.product_id
        LEFT JOIN stock_level AS stock ON stock.id = sku.id
        LEFT JOIN purchase_count AS bought ON bought.sku_id = sku.id AND bought.member_id = $2
        WHERE sku.id = ANY($1)
        """,
        ids,
        viewer_id,
    )
    return by_id(ids, rows)


async def redemption_by_id(ids: Sequence[UUID], *, viewer_id: UUID | None) -> list[Record | None]:
    """Return the viewer's own redemptions by id; another's is None, as one that isn't there."""
    rows = await database.fetch(
        f"SELECT {REDEMPTION_COLUMNS} FROM redemption {WITH_ORDER}"
        " WHERE redemption.id = ANY($1) AND redemption.member_id = $2",
        ids,
        viewer_id,
    )
    return by_id(ids, rows)


async def sealed_code_by_redemption_id(ids: Sequence[UUID]) -> list[bytes | None]:
    """Return the sealed codes that redemptions were given; None for those that brought no code."""
    rows = await database.fetch(
        "SELECT redemption_id, code_encrypted FROM reward_code WHERE redemption_id = ANY($1)", ids
    )
    found = {row["redemption_id"]: row["code_encrypted"] for row in rows}
    return [found.get(id_) for id_ in ids]
