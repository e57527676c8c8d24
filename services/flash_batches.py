"""Writing a batch of tickets: the decision on each, its quota and pieces, and whole orders.

A ticket's row decides, once: its id and its order's are the claim's, so that a batch which comes
twice, even to two consumers at once, finds the first one's rows. Locks are taken in one order:
tickets by id, quotas by item and member, purchase counts by SKU and member, shelves by id. Who
cancels an order takes it before these; a batch never waits for an order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.flash_sales import FlashSaleState, TicketReason, TicketStatus
from domain.flash_tickets import Ticket
from domain.orders import DeliveryMethod, OrderEventKind, OrderKind, OrderStatus
from domain.pricing import Quote, discounts_to_json, units_to_json
from models import database
from models.ids import new_id
from services import settling
from services.flash_facts import ItemFacts, Prepared
from services.order_making import order_no


@dataclass(frozen=True, slots=True)
class Terms:
    """What all orders of a batch have in common."""

    rule_version_id: UUID
    placed_at: datetime
    pay_before: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What PostgreSQL says of a claim: the row that stands, whoever wrote it."""

    item_id: UUID
    member_id: UUID
    quantity: int
    claimed_at: datetime
    status: TicketStatus
    reason: TicketReason | None


async def write(batch: Sequence[Prepared], terms: Terms) -> dict[UUID, Standing]:
    """Decide the tickets in one transaction; returns what stands of each claim, by its id.

    No two of them may be of the same claim, or of the same member.
    """
    return await database.retrying(lambda: _write(batch, terms))


async def _write(batch: Sequence[Prepared], terms: Terms) -> dict[UUID, Standing]:
    async with database.in_transaction():
        new = await _insert_tickets(batch, terms.placed_at)
        wanted = [each for each in batch if each.ticket.claim_id in new and each.reason is None]
        lost = await _take(wanted, terms.placed_at)
        if lost:
            await _reject(lost)
        won = [each for each in wanted if each.ticket.claim_id not in lost]
        if won:
            await _insert_orders(won, terms)
            await _settle_free(won, terms.placed_at)
        standing = {
            each.ticket.claim_id: _standing(each, lost)
            for each in batch
            if each.ticket.claim_id in new
        }
        earlier = [each.ticket.claim_id for each in batch if each.ticket.claim_id not in new]
        return standing | await standings(earlier)


def _standing(each: Prepared, lost: dict[UUID, TicketReason]) -> Standing:
    reason = each.reason or lost.get(each.ticket.claim_id)
    return Standing(
        each.item.id,
        each.member_id,
        each.ticket.quantity,
        each.ticket.claimed_at,
        TicketStatus.REJECTED if reason else TicketStatus.ORDERED,
        reason,
    )


async def standings(claim_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Return what stands of claims that have been decided."""
    if not claim_ids:
        return {}
    rows = await database.fetch(
        """
        SELECT id, item_id, member_id, quantity, claimed_at, status, reason
        FROM flash_ticket WHERE id = ANY($1)
        """,
        list(claim_ids),
    )
    return {
        row["id"]: Standing(
            row["item_id"],
            row["member_id"],
            row["quantity"],
            row["claimed_at"],
            TicketStatus(row["status"]),
            TicketReason(row["reason"]) if row["reason"] else None,
        )
        for row in rows
    }


async def lose(tickets: Sequence[Ticket], *, now: datetime) -> None:
    """Reject tickets that no queue has; what has been decided stays."""
    await database.execute(
        """
        INSERT INTO flash_ticket
            (id, item_id, member_id, quantity, claimed_at, status, reason, decided_at)
        SELECT t.id, item.id, member.id, t.quantity, t.claimed_at, 'REJECTED', 'LOST', $6
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[])
            AS t (id, item_id, member_id, quantity, claimed_at)
        JOIN flash_sale_item AS item ON item.id = t.item_id
        JOIN member ON member.id = t.member_id
        ORDER BY t.id
        ON CONFLICT (id) DO NOTHING
        """,
        [each.claim_id for each in tickets],
        [each.item_id for each in tickets],
        [each.member_id for each in tickets],
        [each.quantity for each in tickets],
        [each.claimed_at for each in tickets],
        now,
    )


async def _insert_tickets(batch: Sequence[Prepared], now: datetime) -> set[UUID]:
    """Write the decisions as they are so far; returns the claims that nobody had decided."""
    rows = await database.fetch(
        """
        INSERT INTO flash_ticket
            (id, item_id, member_id, quantity, claimed_at, status, reason, decided_at)
        SELECT t.id, t.item_id, t.member_id, t.quantity, t.claimed_at,
               CASE WHEN t.reason IS NULL THEN 'ORDERED' ELSE 'REJECTED' END, t.reason, $7
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::text[])
            AS t (id, item_id, member_id, quantity, claimed_at, reason)
        ORDER BY t.id
        ON CONFLICT (id) DO NOTHING RETURNING id
        """,
        [each.ticket.claim_id for each in batch],
        [each.item.id for each in batch],
        [each.member_id for each in batch],
        [each.ticket.quantity for each in batch],
        [each.ticket.claimed_at for each in batch],
        [each.reason for each in batch],
        now,
    )
    return {row["id"] for row in rows}


async def _take(wanted: Sequence[Prepared], now: datetime) -> dict[UUID, TicketReason]:
    """Take quota and pieces for the tickets; returns those that got none, which keep neither."""
    lost: dict[UUID, TicketReason] = {}
    if not wanted:
        return lost
    counted = await _count_quotas(wanted)
    for each in wanted:
        if (each.item.id, each.member_id) not in counted:
            lost[each.ticket.claim_id] = TicketReason.LIMIT_REACHED
    left = [each for each in wanted if each.ticket.claim_id not in lost]
    limited = [each for each in left if each.item.purchase_limit is not None]
    bought = await _count_purchases(limited)
    for each in limited:
        if (each.item.sku_id, each.member_id) not in bought:
            lost[each.ticket.claim_id] = TicketReason.PURCHASE_LIMIT_REACHED
    left = [each for each in left if each.ticket.claim_id not in lost]
    lost |= await _reserve(left, now)
    had = [each for each in wanted if each.ticket.claim_id in lost]
    await _uncount(had, counted, bought)
    return lost


async def _count_quotas(wanted: Sequence[Prepared]) -> set[tuple[UUID, UUID]]:
    """Count pieces towards the items' limits; returns the items and members that had room."""
    fit = [each for each in wanted if each.ticket.quantity <= each.item.per_member_limit]
    rows = await database.fetch(
        """
        INSERT INTO flash_quota AS quota (id, item_id, member_id, pieces)
        SELECT w.id, w.item_id, w.member_id, w.pieces
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[])
            AS w (id, item_id, member_id, pieces)
        ORDER BY w.item_id, w.member_id
        ON CONFLICT (item_id, member_id) DO UPDATE SET pieces = quota.pieces + excluded.pieces
        WHERE quota.pieces + excluded.pieces <=
            (SELECT per_member_limit FROM flash_sale_item WHERE id = quota.item_id)
        RETURNING item_id, member_id
        """,
        [new_id() for _ in fit],
        [each.item.id for each in fit],
        [each.member_id for each in fit],
        [each.ticket.quantity for each in fit],
    )
    return {(row["item_id"], row["member_id"]) for row in rows}


async def _count_purchases(limited: Sequence[Prepared]) -> set[tuple[UUID, UUID]]:
    """Count pieces towards the SKUs' own limits; returns the SKUs and members that had room."""
    fit = [each for each in limited if each.ticket.quantity <= (each.item.purchase_limit or 0)]
    if not fit:
        return set()
    rows = await database.fetch(
        """
        INSERT INTO purchase_count AS bought (id, sku_id, member_id, pieces)
        SELECT w.id, w.sku_id, w.member_id, w.pieces
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[])
            AS w (id, sku_id, member_id, pieces)
        ORDER BY w.sku_id, w.member_id
        ON CONFLICT (member_id, sku_id) DO UPDATE SET pieces = bought.pieces + excluded.pieces
        WHERE bought.pieces + excluded.pieces <=
            (SELECT purchase_limit FROM sku WHERE id = bought.sku_id)
        RETURNING sku_id, member_id
        """,
        [new_id() for _ in fit],
        [each.item.sku_id for each in fit],
        [each.member_id for each in fit],
        [each.ticket.quantity for each in fit],
    )
    return {(row["sku_id"], row["member_id"]) for row in rows}


async def _reserve(wanted: Sequence[Prepared], now: datetime) -> dict[UUID, TicketReason]:
    """Reserve the pieces in the order of the claims as long as there are any; returns who lost.

    Batches of one item wait for each other here, and nowhere else. The shelf is locked before its
    orders are written: each line's foreign key looks at it, which is quick for who holds the lock,
    and took five times as long where two batches shared the row.
    """
    rows = await database.fetch(
        """
        SELECT shelf.id, shelf.available, sale.state
        FROM campaign_stock AS shelf
        JOIN flash_sale_item AS item ON item.stock_id = shelf.id
        JOIN flash_sale AS sale ON sale.id = item.sale_id
        WHERE shelf.id = ANY($1) AND shelf.closed_at IS NULL
        ORDER BY shelf.id FOR UPDATE OF shelf
        """,
        list({each.item.stock_id for each in wanted}),
    )
    shelves = {row["id"]: row for row in rows}
    left = {row["id"]: row["available"] for row in rows}
    lost: dict[UUID, TicketReason] = {}
    taken: defaultdict[UUID, int] = defaultdict(int)
    for each in wanted:
        stock_id, pieces = each.item.stock_id, each.ticket.quantity
        shelf = shelves.get(stock_id)
        if shelf is not None and shelf["state"] == FlashSaleState.CANCELLED:
            lost[each.ticket.claim_id] = TicketReason.CANCELLED
        elif shelf is None or left[stock_id] < pieces:
            lost[each.ticket.claim_id] = TicketReason.SOLD_OUT
        else:
            left[stock_id] -= pieces
            taken[stock_id] += pieces
    if taken:
        await database.execute(
            """
            UPDATE campaign_stock AS shelf
            SET available = shelf.available - taken.pieces,
                reserved = shelf.reserved + taken.pieces, updated_at = $3
            FROM unnest($1::uuid[], $2::bigint[]) AS taken (id, pieces)
            WHERE shelf.id = taken.id
            """,
            list(taken),
            list(taken.values()),
            now,
        )
    return lost


async def _uncount(
    lost: Iterable[Prepared],
    counted: set[tuple[UUID, UUID]],
    bought: set[tuple[UUID, UUID]],
) -> None:
    """Take back what was counted for tickets that lost later; the rows are locked already."""
    quotas = [each for each in lost if (each.item.id, each.member_id) in counted]
    if quotas:
        await database.execute(
            """
            UPDATE flash_quota AS quota SET pieces = quota.pieces - w.pieces
            FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS w (item_id, member_id, pieces)
            WHERE quota.item_id = w.item_id AND quota.member_id = w.member_id
            """,
            [each.item.id for each in quotas],
            [each.member_id for each in quotas],
            [each.ticket.quantity for each in quotas],
        )
    purchases = [each for each in lost if (each.item.sku_id, each.member_id) in bought]
    if purchases:
        await database.execute(
            """
            UPDATE purchase_count AS bought SET pieces = bought.pieces - w.pieces
            FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS w (sku_id, member_id, pieces)
            WHERE bought.sku_id = w.sku_id AND bought.member_id = w.member_id
            """,
            [each.item.sku_id for each in purchases],
            [each.member_id for each in purchases],
            [each.ticket.quantity for each in purchases],
        )


async def _reject(lost: dict[UUID, TicketReason]) -> None:
    await database.execute(
        """
        UPDATE flash_ticket SET status = 'REJECTED', reason = lost.reason
        FROM unnest($1::uuid[], $2::text[]) AS lost (id, reason) WHERE flash_ticket.id = lost.id
        """,
        list(lost),
        list(lost.values()),
    )


async def _insert_orders(won: Sequence[Prepared], terms: Terms) -> None:
    """Write orders, lines and first events in one statement; what they cost is sent once each."""
    prices: dict[int, tuple[int, Prepared]] = {}
    for each in won:
        prices.setdefault(id(each.price), (len(prices) + 1, each))
    await database.execute(
        _INSERT_ORDERS,
        terms.rule_version_id,
        terms.placed_at,
        terms.pay_before,
        OrderKind.FLASH_SALE,
        OrderStatus.AWAITING_PAYMENT,
        OrderEventKind.PLACED,
        *zip(*(_price_row(each.item, each.price) for _, each in prices.values()), strict=True),
        *zip(*(_order_row(each, prices[id(each.price)][0], terms) for each in won), strict=True),
    )


def _price_row(item: ItemFacts, price: Quote | None) -> tuple[Any, ...]:
    assert price is not None, "only what has a price becomes an order"
    [line] = price.lines
    return (
        item.sku_id,
        item.product_id,
        item.product_name,
        item.sku_name,
        item.image_url,
        item.stock_id,
        line.quantity,
        line.unit_price_fen,
        price.goods_total_fen,
        price.discount_total_fen,
        price.shipping_fen,
        price.payable_fen,
        database.to_json(discounts_to_json(price.discounts)),
        line.payable_fen,
        database.to_json(discounts_to_json(line.discounts)),
        database.to_json(units_to_json(line.units)),
    )


def _order_row(each: Prepared, price: int, terms: Terms) -> tuple[Any, ...]:
    return (
        each.ticket.claim_id,
        order_no(terms.placed_at),
        each.member_id,
        each.delivery,
        each.store_id,
        each.address_encrypted,
        each.region_code,
        each.tier_code,
        price,
        new_id(),
        new_id(),
    )


_INSERT_ORDERS = """
WITH price AS (
    SELECT * FROM unnest($7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::uuid[],
                         $13::int[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
                         $18::bigint[], $19::jsonb[], $20::bigint[], $21::jsonb[], $22::jsonb[])
        WITH ORDINALITY
        AS price (sku_id, product_id, product_name, sku_name, image_url, stock_id, quantity,
                  unit_price, goods_total, discount_total, shipping, payable, discounts,
                  line_payable, line_discounts, units, place)
), made AS MATERIALIZED (
    SELECT *
    FROM unnest($23::uuid[], $24::text[], $25::uuid[], $26::text[], $27::uuid[], $28::bytea[],
                $29::text[], $30::text[], $31::int[], $32::uuid[], $33::uuid[])
        AS o (id, order_no, member_id, delivery, store_id, address, region_code, tier_code,
              price_place, line_id, event_id)
    JOIN price ON price.place = o.price_place
), placed AS (
    INSERT INTO sales_order
        (id, order_no, member_id, kind, status, delivery, store_id, address_encrypted, region_code,
         goods_total_fen, discount_total_fen, shipping_fen, points_spent, points_off_fen,
         payable_fen, paid_fen, refunded_fen, points_earned, growth_earned, discounts, tier_code,
         rule_version_id, placed_at, pay_before, timeout_due_at)
    SELECT id, order_no, member_id, $4, $5, delivery, store_id, address, region_code,
           goods_total, discount_total, shipping, 0, 0, payable, 0, 0, 0, 0, discounts, tier_code,
           $1, $2, $3, $3
    FROM made
), lines AS (
    INSERT INTO order_line
        (id, order_id, position, sku_id, product_id, product_name, sku_name, image_url, quantity,
         refunded_quantity, unit_price_fen, discount_total_fen, points_off_fen, payable_fen,
         refunded_fen, discounts, units, campaign_stock_id)
    SELECT line_id, id, 0, sku_id, product_id, product_name, sku_name, image_url, quantity,
           0, unit_price, discount_total, 0, line_payable, 0, line_discounts, units, stock_id
    FROM made
)
INSERT INTO order_event (id, order_id, kind, happened_at) SELECT event_id, id, $6, $2 FROM made
"""


async def _settle_free(won: Iterable[Prepared], now: datetime) -> None:
    """Pay the orders that cost nothing; one that needs an address first costs its shipping yet."""
    for each in won:
        assert each.price is not None, "it has become an order"
        goes_nowhere = each.delivery is DeliveryMethod.EXPRESS and each.address_encrypted is None
        if each.price.payable_fen == 0 and not goes_nowhere:
            await settling.settle_free(each.ticket.claim_id, now=now)
