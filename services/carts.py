"""A member's cart: lines that survive changes of price and stock. Visitors have one too.

The lines of one cart change one request at a time: each change holds the member's row, so that
concurrent additions add up and two changes never wait for each other's lines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.carts import (
    MAX_CART_LINES,
    MAX_LINE_QUANTITY,
    CartFull,
    CartLine,
    LineChange,
    SkuNotForSale,
    SkuOffer,
    TooManyPieces,
    change_lines,
    check_quantity,
)
from domain.errors import InvalidInput, NotFound
from models import database
from models.ids import new_id
from services import idempotency

ADD = "addToCart"
MAX_CHANGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToCart:
    """Put pieces of a SKU into the cart; they add to what is there."""

    member_id: UUID
    sku_id: UUID
    quantity: int
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCart:
    """Change a cart: `select_all` first, then the lines one after the other; all or nothing."""

    member_id: UUID
    select_all: bool | None
    lines: tuple[LineChange, ...]


async def add_to_cart(command: AddToCart, *, now: datetime) -> None:
    """Add pieces, once per idempotency key.

    Raises:
        InvalidInput: quantity is not 1 to 99.
        NotFound, SkuNotForSale: the SKU can't be bought.
        TooManyPieces, CartFull: the cart would grow beyond its bounds.
    """
    check_quantity(command.quantity, ("quantity",))

    async def once() -> None:
        async with database.in_transaction():
            line_id = new_id()
            claim = await idempotency.claim(
                command.member_id,
                ADD,
                command.idempotency_key,
                (command.sku_id, command.quantity),
                result_id=line_id,
                now=now,
            )
            if claim.is_new:
                held_by = await _add(command, line_id, now)
                if held_by != line_id:
                    await idempotency.settle(claim, held_by)

    await database.retrying(once)


async def update_cart(command: UpdateCart, *, now: datetime) -> None:
    """Change the cart as asked, all or nothing.

    Raises:
        InvalidInput: a quantity is not 0 to 99, or there are more changes than a request may hold.
        NotFound: a line is not in this cart, or its new SKU doesn't exist.
        SkuNotForSale, TooManyPieces: the new SKU can't be bought, or not so many of it.
    """
    if len(command.lines) > MAX_CHANGES:
        raise InvalidInput(path=("lines",), problem="At most 100 lines can be changed at once.")

    async def once() -> None:
        async with database.in_transaction():
            await _hold(command.member_id)
            before = await _lines(command.member_id)
            offers = await _offers({change.sku_id for change in command.lines} - {None})
            after = change_lines(
                before.values(), command.lines, offers, select_all=command.select_all
            )
            await _write(command.member_id, before, after, now)

    await database.retrying(once)


async def clear_cart(member_id: UUID) -> None:
    """Take every line out of the cart."""

    async def once() -> None:
        async with database.in_transaction():
            await _hold(member_id)
            await database.execute("DELETE FROM cart_line WHERE member_id = $1", member_id)

    await database.retrying(once)


async def _hold(member_id: UUID) -> None:
    """Lock the cart by its member's row: the weak lock, which leaves foreign keys alone."""
    await database.execute("SELECT FROM member WHERE id = $1 FOR NO KEY UPDATE", member_id)


async def _add(command: AddToCart, line_id: UUID, now: datetime) -> UUID:
    """Add the pieces to a new line of this id, or to the SKU's own; return which holds them."""
    await _hold(command.member_id)
    sku = await database.fetch_one(_SKU, command.member_id, command.sku_id)
    _require_for_sale(sku, ("skuId",))
    assert sku is not None
    in_cart = sku["in_cart"] or 0
    if in_cart + command.quantity > MAX_LINE_QUANTITY:
        raise TooManyPieces(path=("quantity",), in_cart=in_cart, max=MAX_LINE_QUANTITY)
    if not in_cart and sku["lines"] >= MAX_CART_LINES:
        raise CartFull(path=("skuId",), max=MAX_CART_LINES)
    held_by: UUID = await database.fetch_value(
        """
        INSERT INTO cart_line (id, member_id, sku_id, quantity, selected, price_when_added_fen,
                               created_at, updated_at)
        VALUES ($1, $2, $3, $4, true, $5, $6, $6)
        ON CONFLICT (member_id, sku_id) DO UPDATE
        SET quantity = cart_line.quantity + excluded.quantity, selected = true, updated_at = $6
        RETURNING id
        """,
        line_id,
        command.member_id,
        command.sku_id,
        command.quantity,
        sku["price_fen"],
        now,
    )
    return held_by


_SKU = """
SELECT sku.price_fen, sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS is_for_sale,
       product.name AS product_name,
       (SELECT quantity FROM cart_line WHERE member_id = $1 AND sku_id = sku.id) AS in_cart,
       (SELECT count(*) FROM cart_line WHERE member_id = $1) AS lines
FROM sku JOIN product ON product.id = sku.product_id
WHERE sku.id = $2
"""


def _require_for_sale(sku: Any, path: tuple[str | int, ...]) -> None:
    if sku is None:
        raise NotFound(thing="SKU", path=path)
    if not sku["is_for_sale"]:
        raise SkuNotForSale(path=path, product=sku["product_name"])


async def _lines(member_id: UUID) -> dict[UUID, CartLine]:
    """Read the lines and lock them: an order may be taking them along right now."""
    rows = await database.fetch(
        """
        SELECT id, sku_id, quantity, selected, price_when_added_fen, created_at
        FROM cart_line WHERE member_id = $1 ORDER BY id FOR UPDATE
        """,
        member_id,
    )
    return {row["id"]: CartLine(**row) for row in rows}


async def _offers(sku_ids: Collection[UUID | None]) -> dict[UUID, SkuOffer]:
    if not sku_ids:
        return {}
    rows = await database.fetch(
        """
        SELECT sku.id, product.name AS product, sku.price_fen,
               sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS is_for_sale
        FROM sku JOIN product ON product.id = sku.product_id
        WHERE sku.id = ANY($1)
        """,
        list(sku_ids),
    )
    return {
        row["id"]: SkuOffer(
            product=row["product"], price_fen=row["price_fen"], is_for_sale=row["is_for_sale"]
        )
        for row in rows
    }


async def _write(
    member_id: UUID, before: Mapping[UUID, CartLine], after: Mapping[UUID, CartLine], now: datetime
) -> None:
    """Write what differs. A changed line is made anew under its id: SKUs may have moved about."""
    gone = [line_id for line_id, line in before.items() if after.get(line_id) != line]
    if not gone:
        return
    made = [after[line_id] for line_id in gone if line_id in after]
    await database.execute("DELETE FROM cart_line WHERE id = ANY($1)", gone)
    await database.execute(
        """
        INSERT INTO cart_line (id, member_id, sku_id, quantity, selected, price_when_added_fen,
                               created_at, updated_at)
        SELECT line.id, $1, line.sku_id, line.quantity, line.selected, line.price, line.created, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::bool[], $7::bigint[], $8::timestamptz[])
            AS line (id, sku_id, quantity, selected, price, created)
        """,
        member_id,
        now,
        [line.id for line in made],
        [line.sku_id for line in made],
        [line.quantity for line in made],
        [line.selected for line in made],
        [line.price_when_added_fen for line in made],
        [line.created_at for line in made],
    )
