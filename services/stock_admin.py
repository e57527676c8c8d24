"""Pieces that come in or are counted anew: what operators and imports do to stock.

Each is one conditional update that keeps the equation of rules, section 6: what is added to
`restocked` or `adjusted` is added to `available` as well. After the commit, have the gate count
these SKUs again (`StockGate.recount`); until then it only refuses or lets through too early, and
PostgreSQL decides.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.errors import InvalidInput, NotFound
from models import database


async def open_level(sku_id: UUID, initial: int, *, now: datetime) -> None:
    """Give a new SKU its stock level.

    Raises:
        InvalidInput: fewer than no pieces.
    """
    if initial < 0:
        raise InvalidInput(path=("stock",), problem="At least 0 pieces are expected.")
    await database.execute(
        """
        INSERT INTO stock_level (
            id, initial, restocked, adjusted, available, reserved, sold, set_aside, updated_at)
        VALUES ($1, $2, 0, 0, $2, 0, 0, 0, $3)
        """,
        sku_id,
        initial,
        now,
    )


async def restock(sku_id: UUID, pieces: int, *, now: datetime) -> int:
    """Take in a delivery; returns what is available now.

    Raises:
        InvalidInput: fewer than one piece.
        NotFound: there is no such SKU.
    """
    if pieces < 1:
        raise InvalidInput(path=("pieces",), problem="At least 1 piece is expected.")
    return await _move("restocked", sku_id, pieces, now)


async def adjust(sku_id: UUID, pieces: int, *, now: datetime) -> int:
    """Correct the count by so many pieces, more or fewer; returns what is available now.

    Raises:
        InvalidInput: more are taken away than are available; those in orders are spoken for.
        NotFound: there is no such SKU.
    """
    return await _move("adjusted", sku_id, pieces, now)


async def _move(column: str, sku_id: UUID, pieces: int, now: datetime) -> int:
    available: int | None = await database.fetch_value(
        f"""
        UPDATE stock_level
        SET {column} = {column} + $2, available = available + $2, updated_at = $3
        WHERE id = $1 AND available + $2 >= 0
        RETURNING available
        """,
        sku_id,
        pieces,
        now,
    )
    if available is not None:
        return available
    if await database.fetch_value("SELECT id FROM stock_level WHERE id = $1", sku_id) is None:
        raise NotFound(thing="SKU", path=("skuId",))
    raise InvalidInput(path=("pieces",), problem="Fewer pieces than that are available.")
