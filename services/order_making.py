"""Writing a new order: the row, its lines and first event, and what leaves the cart, at once.

Whoever makes an order has priced it, and reserves its coupons, stock and points afterwards in the
same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.clock import business_day
from domain.errors import Conflict
from domain.orders import DeliveryMethod, OrderEventKind, OrderKind, OrderStatus
from domain.pricing import Discount, UnitShares, discounts_to_json, units_to_json
from models import database
from models.ids import new_id, number_code
from services.personal_data import PersonalData
from services.quoting import AddressRow
from services.sealed_addresses import open_address, seal_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line as the order keeps it: a snapshot, its price, and each unit's shares.

    `cart_line_id` is the cart's line that it empties. Its pieces are the SKU's own, or those that a
    campaign has set aside as `campaign_stock_id`.
    """

    sku_id: UUID
    product_id: UUID
    product_name: str
    sku_name: str
    image_url: str | None
    quantity: int
    unit_price_fen: int
    discount_total_fen: int
    points_off_fen: int
    payable_fen: int
    discounts: tuple[Discount, ...]
    units: tuple[UnitShares, ...]
    cart_line_id: UUID | None = None
    campaign_stock_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to be written, awaiting its payment until `pay_before`.

    payable = goods_total − discount_total − points_off + shipping; the lines add up to it. An
    order of 0 fen is paid by `settling.settle_free` in the same transaction. A group buy's order
    names its team, whose seat is taken next.
    """

    id: UUID
    member_id: UUID
    kind: OrderKind
    delivery: DeliveryMethod
    store_id: UUID | None
    address_encrypted: bytes | None
    region_code: str | None
    remark: str | None
    goods_total_fen: int
    discount_total_fen: int
    shipping_fen: int
    points_spent: int
    points_off_fen: int
    payable_fen: int
    discounts: tuple[Discount, ...]
    tier_code: str
    rule_version_id: UUID
    placed_at: datetime
    pay_before: datetime
    lines: tuple[NewLine, ...]
    team_id: UUID | None = None


async def insert_order(order: NewOrder) -> None:
    """Write the order inside the open transaction, in one statement.

    Raises:
        Conflict: the cart's lines have changed since they were priced, by another order perhaps.
    """
    lines = order.lines
    from_cart = [line for line in lines if line.cart_line_id is not None]
    emptied = await database.fetch_value(
        _INSERT,
        order.id,
        order_no(order.placed_at),
        order.member_id,
        order.kind,
        OrderStatus.AWAITING_PAYMENT,
        order.delivery,
        order.store_id,
        order.address_encrypted,
        order.region_code,
        order.remark,
        order.goods_total_fen,
        order.discount_total_fen,
        order.shipping_fen,
        order.points_spent,
        order.points_off_fen,
        order.payable_fen,
        database.to_json(discounts_to_json(order.discounts)),
        order.tier_code,
        order.rule_version_id,
        order.placed_at,
        order.pay_before,
        [new_id() for _ in lines],
        [line.sku_id for line in lines],
        [line.product_id for line in lines],
        [line.product_name for line in lines],
        [line.sku_name for line in lines],
        [line.image_url for line in lines],
        [line.quantity for line in lines],
        [line.unit_price_fen for line in lines],
        [line.discount_total_fen for line in lines],
        [line.points_off_fen for line in lines],
        [line.payable_fen for line in lines],
        [database.to_json(discounts_to_json(line.discounts)) for line in lines],
        [database.to_json(units_to_json(line.units)) for line in lines],
        [line.campaign_stock_id for line in lines],
        new_id(),
        OrderEventKind.PLACED,
        [line.cart_line_id for line in from_cart],
        [line.quantity for line in from_cart],
        order.team_id,
    )
    if emptied != len(from_cart):
        raise Conflict(path=("fromCart",))


_INSERT = """
WITH placed AS (
    INSERT INTO sales_order
        (id, order_no, member_id, kind, status, delivery, store_id, address_encrypted, region_code,
         remark, goods_total_fen, discount_total_fen, shipping_fen, points_spent, points_off_fen,
         payable_fen, paid_fen, refunded_fen, points_earned, growth_earned, discounts, tier_code,
         rule_version_id, placed_at, pay_before, timeout_due_at, team_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0, 0, 0,
            $17::jsonb, $18, $19, $20, $21, $21, $40)
), lines AS (
    INSERT INTO order_line
        (id, order_id, position, sku_id, product_id, product_name, sku_name, image_url, quantity,
         refunded_quantity, unit_price_fen, discount_total_fen, points_off_fen, payable_fen,
         refunded_fen, discounts, units, campaign_stock_id)
    SELECT line.id, $1, line.place - 1, line.sku_id, line.product_id, line.product_name,
           line.sku_name, line.image_url, line.quantity, 0, line.unit_price, line.discount_total,
           line.points_off, line.payable, 0, line.discounts, line.units, line.stock_id
    FROM unnest($22::uuid[], $23::uuid[], $24::uuid[], $25::text[], $26::text[], $27::text[],
                $28::int[], $29::bigint[], $30::bigint[], $31::bigint[], $32::bigint[],
                $33::jsonb[], $34::jsonb[], $35::uuid[])
        WITH ORDINALITY
        AS line (id, sku_id, product_id, product_name, sku_name, image_url, quantity, unit_price,
                 discount_total, points_off, payable, discounts, units, stock_id, place)
), event AS (
    INSERT INTO order_event (id, order_id, kind, happened_at) VALUES ($36, $1, $37, $20)
), emptied AS (
    DELETE FROM cart_line USING unnest($38::uuid[], $39::int[]) AS bought (id, quantity)
    WHERE cart_line.id = bought.id AND cart_line.quantity = bought.quantity
        AND cart_line.member_id = $3
    RETURNING cart_line.id
)
SELECT count(*) FROM emptied
"""


def sealed_address(address: AddressRow | None, data: PersonalData) -> bytes | None:
    """Seal an address as it is now, for an order to keep."""
    if address is None:
        return None
    return seal_snapshot(open_address(address.encrypted, address.region_code, data), data)


def order_no(now: datetime) -> str:
    """Return a number for people, fit for WeChat: the day in Shanghai and 14 random digits.

    A million orders a day meet with odds of 1 in 200; the unique key then refuses the later one,
    and its retry gets another number.
    """
    return f"{business_day(now):%y%m%d}{number_code(14)}"
