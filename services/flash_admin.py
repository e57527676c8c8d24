"""Flash sales as operators run them: drafted, published, paused, extended, called off.

Every one of these can be called again and changes nothing more. PostgreSQL comes first; what the
gate then doesn't hear of, because Redis is away, it hears from `flash_sweeps.reconcile`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.carts import MAX_LINE_QUANTITY
from domain.errors import InvalidInput, NotAllowed, NotFound
from domain.flash_sales import FlashSaleState
from domain.money import MAX_FEN
from models import database
from models.flash_sales import FlashSale, FlashSaleItem
from models.ids import new_id
from services import campaign_stock, flash_counts
from services import rules as rule_versions
from services.flash_gate import FlashGate

CLOSES_AFTER = timedelta(seconds=60)
"""After its end, a sale's last tickets are still being decided."""

CLOSES_AFTER_CANCELLING = timedelta(seconds=5)
MAX_ITEMS = 100
MAX_NAME_LENGTH = 128
MAX_PIECES = 1_000_000
MAX_BUCKETS = 64
MAX_DAYS = 31


class StockGate(Protocol):
    """What sales tell the gate of ordinary orders."""

    async def recount(self, sku_ids: Collection[UUID]) -> None:
        """Have these counts read anew: pieces were set aside, or came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A SKU for a sale; `buckets` is over how many parts of Redis a hot one is spread."""

    sku_id: UUID
    price_fen: int
    quantity: int
    per_member_limit: int = 1
    min_tier_code: str | None = None
    buckets: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFlashSale:
    """A session to be, with its items in the order in which they are shown."""

    name: str
    name_en: str = ""
    starts_at: datetime
    ends_at: datetime
    needs_captcha: bool = False
    items: tuple[NewItem, ...]


async def draft(new: NewFlashSale, *, now: datetime) -> UUID:
    """Make a sale that nobody sees yet; returns its id.

    Raises:
        InvalidInput: it can't be meant like this.
        NotFound: there is no such SKU.
    """
    _check(new, now)
    await _check_goods(new, now)
    async with database.in_transaction():
        sale = await FlashSale.create(
            id=new_id(),
            name=new.name,
            name_en=new.name_en,
            starts_at=new.starts_at,
            ends_at=new.ends_at,
            state=FlashSaleState.DRAFT,
            needs_captcha=new.needs_captcha,
            created_at=now,
        )
        for position, item in enumerate(new.items):
            await FlashSaleItem.create(
                id=new_id(),
                sale_id=sale.id,
                sku_id=item.sku_id,
                price_fen=item.price_fen,
                quantity=item.quantity,
                per_member_limit=item.per_member_limit,
                min_tier_code=item.min_tier_code,
                buckets=item.buckets,
                position=position,
            )
        return sale.id


def _check(new: NewFlashSale, now: datetime) -> None:
    _require(0 < len(new.name) <= MAX_NAME_LENGTH, "name", "A name is expected.")
    _require(len(new.name_en) <= MAX_NAME_LENGTH, "nameEn", "This name is too long.")
    _require(new.starts_at < new.ends_at, "endsAt", "The end must lie after the start.")
    _require(new.ends_at > now, "endsAt", "The end must lie ahead.")
    window = new.ends_at - new.starts_at
    _require(window <= timedelta(days=MAX_DAYS), "endsAt", "A sale lasts at most 31 days.")
    _require(1 <= len(new.items) <= MAX_ITEMS, "items", "From 1 to 100 items are expected.")
    skus = {item.sku_id for item in new.items}
    _require(len(skus) == len(new.items), "items", "Each SKU has one price.")
    for item in new.items:
        _check_item(item)


def _check_item(item: NewItem) -> None:
    is_payable = 0 <= item.price_fen <= MAX_FEN // MAX_LINE_QUANTITY
    _require(is_payable, "items", "This price is not possible.")
    _require(1 <= item.quantity <= MAX_PIECES, "items", "From 1 to 1,000,000 pieces are expected.")
    limit = item.per_member_limit
    _require(1 <= limit <= MAX_LINE_QUANTITY, "items", "From 1 to 99 pieces are expected.")
    _require(1 <= item.buckets <= MAX_BUCKETS, "items", "From 1 to 64 parts are expected.")


def _require(holds: bool, field: str, problem: str) -> None:
    if not holds:
        raise InvalidInput(path=(field,), problem=problem)


async def _check_goods(new: NewFlashSale, now: datetime) -> None:
    rows = await database.fetch(
        "SELECT id FROM sku WHERE id = ANY($1)", [item.sku_id for item in new.items]
    )
    if len(rows) != len(new.items):
        raise NotFound(thing="SKU", path=("items",))
    codes = {tier.code for tier in (await rule_versions.in_force(now=now)).rules.tiers}
    tiers = {item.min_tier_code for item in new.items} - {None}
    _require(tiers <= codes, "items", "There is no such tier.")


async def publish(sale_id: UUID, stock_gate: StockGate, gate: FlashGate, *, now: datetime) -> None:
    """Set the pieces aside and have the gate know the sale; doing it again has it know it anew.

    Raises:
        NotFound: there is no such sale.
        NotAllowed: it is called off, or closed.
        InvalidInput: it would be over, or fewer pieces are available.
    """
    set_aside = await database.retrying(lambda: _publish(sale_id, now))
    if set_aside:
        await stock_gate.recount(set_aside)
    await warm(sale_id, gate, now=now)


async def _publish(sale_id: UUID, now: datetime) -> list[UUID]:
    """Publish a draft; returns the SKUs that pieces were taken from."""
    async with database.in_transaction():
        sale = await _lock(sale_id)
        if sale["state"] in (FlashSaleState.PUBLISHED, FlashSaleState.PAUSED):
            return []
        if sale["state"] != FlashSaleState.DRAFT:
            raise NotAllowed(path=("flashSaleId",))
        _require(sale["ends_at"] > now, "endsAt", "The end must lie ahead.")
        items = await database.fetch(
            "SELECT id, sku_id, quantity FROM flash_sale_item WHERE sale_id = $1 ORDER BY sku_id",
            sale_id,
        )
        for item in items:
            stock_id = await campaign_stock.set_aside(item["sku_id"], item["quantity"], now=now)
            await database.execute(
                "UPDATE flash_sale_item SET stock_id = $2 WHERE id = $1", item["id"], stock_id
            )
        await database.execute(
            """
            UPDATE flash_sale
            SET state = 'PUBLISHED', published_at = $2, close_due_at = ends_at + $3
            WHERE id = $1
            """,
            sale_id,
            now,
            CLOSES_AFTER,
        )
        return [item["sku_id"] for item in items]


async def warm(sale_id: UUID, gate: FlashGate, *, now: datetime) -> bool:
    """Have the gate count a sale's items; False where Redis is away: a sweep does it then."""
    items = await flash_counts.of_sale(sale_id, now=now)
    done = [await flash_counts.rebuild(item, gate, only_missing=True) for item in items]
    return all(done)


async def pause(sale_id: UUID, gate: FlashGate, *, now: datetime) -> None:
    """Have nobody claim until it is resumed; tickets that were given are honoured.

    Raises:
        NotFound, NotAllowed: there is no such sale, or none that runs or will.
    """
    await _move(sale_id, FlashSaleState.PUBLISHED, FlashSaleState.PAUSED, gate, now)


async def resume(sale_id: UUID, gate: FlashGate, *, now: datetime) -> None:
    """Go on with a paused sale; its end stays.

    Raises:
        NotFound, NotAllowed
    """
    await _move(sale_id, FlashSaleState.PAUSED, FlashSaleState.PUBLISHED, gate, now)


async def _move(
    sale_id: UUID, before: FlashSaleState, after: FlashSaleState, gate: FlashGate, now: datetime
) -> None:
    async with database.in_transaction():
        sale = await _lock(sale_id)
        if sale["state"] not in (before, after):
            raise NotAllowed(path=("flashSaleId",))
        if sale["state"] == before:
            await database.execute(
                """
                UPDATE flash_sale SET state = $2, config_version = config_version + 1
                WHERE id = $1
                """,
                sale_id,
                after,
            )
    await _configure(sale_id, gate, now)


async def extend(sale_id: UUID, ends_at: datetime, gate: FlashGate, *, now: datetime) -> None:
    """Have a published sale end later.

    Raises:
        NotFound, NotAllowed: there is no such sale, or it has been over too long.
        InvalidInput: the end isn't later.
    """
    async with database.in_transaction():
        sale = await _lock(sale_id)
        if sale["state"] not in (FlashSaleState.PUBLISHED, FlashSaleState.PAUSED):
            raise NotAllowed(path=("flashSaleId",))
        _require(ends_at > now, "endsAt", "The end must lie ahead.")
        _require(ends_at >= sale["ends_at"], "endsAt", "A sale can only end later.")
        window = ends_at - sale["starts_at"]
        _require(window <= timedelta(days=MAX_DAYS), "endsAt", "A sale lasts at most 31 days.")
        if ends_at != sale["ends_at"]:
            await database.execute(
                """
                UPDATE flash_sale
                SET ends_at = $2, close_due_at = $3, config_version = config_version + 1
                WHERE id = $1
                """,
                sale_id,
                ends_at,
                ends_at + CLOSES_AFTER,
            )
    await _configure(sale_id, gate, now)


async def cancel(sale_id: UUID, gate: FlashGate, *, now: datetime) -> None:
    """Call a sale off: nobody claims, what waits is rejected, and orders stand.

    What is left goes back to the SKUs a few seconds later, by `flash_sweeps.close_due`.

    Raises:
        NotFound, NotAllowed: there is no such sale, it was never published, or it is closed.
    """
    async with database.in_transaction():
        sale = await _lock(sale_id)
        if sale["state"] in (FlashSaleState.DRAFT, FlashSaleState.CLOSED):
            raise NotAllowed(path=("flashSaleId",))
        if sale["state"] != FlashSaleState.CANCELLED:
            await database.execute(
                """
                UPDATE flash_sale
                SET state = 'CANCELLED', close_due_at = $2, config_version = config_version + 1
                WHERE id = $1
                """,
                sale_id,
                now + CLOSES_AFTER_CANCELLING,
            )
    await _configure(sale_id, gate, now)


async def _lock(sale_id: UUID) -> Any:
    sale = await database.fetch_one(
        "SELECT state, starts_at, ends_at FROM flash_sale WHERE id = $1 FOR UPDATE", sale_id
    )
    if sale is None:
        raise NotFound(thing="flash sale", path=("flashSaleId",))
    return sale


async def _configure(sale_id: UUID, gate: FlashGate, now: datetime) -> None:
    for item in await flash_counts.of_sale(sale_id, now=now):
        await gate.configure(item.config)


async def sales(*, limit: int = 100) -> Sequence[Any]:
    """Return the last sales with their pieces, for operators: those that begin last come first."""
    return await database.fetch(
        """
        SELECT sale.id, sale.name, sale.starts_at, sale.ends_at, sale.state,
               coalesce(sum(item.quantity), 0) AS quantity,
               coalesce(sum(shelf.available), 0) AS available,
               coalesce(sum(shelf.reserved), 0) AS reserved,
               coalesce(sum(shelf.sold), 0) AS sold
        FROM flash_sale AS sale
        LEFT JOIN flash_sale_item AS item ON item.sale_id = sale.id
        LEFT JOIN campaign_stock AS shelf ON shelf.id = item.stock_id
        GROUP BY sale.id ORDER BY sale.starts_at DESC, sale.id DESC LIMIT $1
        """,
        limit,
    )
