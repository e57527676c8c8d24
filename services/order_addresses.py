"""Sending an unpaid order to another address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict, NotAllowed, NotFound
from domain.order_addresses import Shipping, reprice_shipping, shipping_coupon
from domain.orders import DeliveryMethod, OrderStatus
from domain.pricing import discounts_from_json, discounts_to_json
from domain.rules import from_document
from domain.shipping import Parcel
from models import database
from services import coupons, settling
from services.paying import close_attempt, open_attempts
from services.payment_gateway import PaymentGateway
from services.personal_data import PersonalData
from services.sealed_addresses import open_address, seal_snapshot

_ROUNDS = 3
"""A payment may begin while we close the one before; more often means a client gone wild."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrderAddress:
    """A member's wish to have an order sent elsewhere."""

    member_id: UUID
    order_id: UUID
    address_id: UUID


class _PaymentOpen(Exception):
    """Something could still be paid for the old amount."""


async def change_order_address(
    command: ChangeOrderAddress, pay: PaymentGateway, data: PersonalData, *, now: datetime
) -> None:
    """Give an unpaid order another address and that address's shipping; repeating changes nothing.

    When the amount changes, attempts at paying the old one are closed at WeChat first.

    Raises:
        NotFound: the order or the address is not the member's.
        NotAllowed: the order does not await payment, or is picked up.
        AddressNotServed, OrderAlreadyPaid, PaymentUnderWay, WechatUnavailable
    """
    for _ in range(_ROUNDS):
        try:
            await database.retrying(lambda: _change(command, data, now))
        except _PaymentOpen:
            for attempt in await open_attempts(command.order_id):
                await close_attempt(attempt, pay, now=now)
            continue
        return
    raise Conflict(path=("orderId",), retry_after_seconds=5)


async def _change(command: ChangeOrderAddress, data: PersonalData, now: datetime) -> None:
    async with database.in_transaction():
        order = await _lock(command)
        address = await _read_address(command)
        shipping = _shipping(order, address["region_code"])
        payable_fen = order["payable_fen"] - order["shipping_fen"] + shipping.fen
        if payable_fen != order["payable_fen"] and await open_attempts(command.order_id):
            raise _PaymentOpen
        whole = open_address(address["encrypted"], address["region_code"], data)
        await database.execute(
            """
            UPDATE sales_order
            SET address_encrypted = $2, region_code = $3, shipping_fen = $4, payable_fen = $5,
                discounts = $6::jsonb
            WHERE id = $1
            """,
            command.order_id,
            seal_snapshot(whole, data),
            address["region_code"],
            shipping.fen,
            payable_fen,
            database.to_json(discounts_to_json(shipping.discounts)),
        )
        if order["has_shipping_coupon"] and shipping_coupon(shipping.discounts) is None:
            await coupons.release(command.order_id, now=now, shipping_only=True)
        if payable_fen == 0:
            await settling.settle_free(command.order_id, now=now)


async def _lock(command: ChangeOrderAddress) -> Any:
    order = await database.fetch_one(
        """
        SELECT o.status, o.delivery, o.shipping_fen, o.goods_total_fen - o.discount_total_fen
                   - CASE o.kind WHEN 'REDEMPTION' THEN o.points_off_fen ELSE 0 END AS goods_fen,
               o.payable_fen, o.discounts, o.tier_code, rule_version.document,
               (SELECT jsonb_agg(jsonb_build_array(line.quantity, coalesce(sku.weight_grams, 0)))
                FROM order_line AS line LEFT JOIN sku ON sku.id = line.sku_id
                WHERE line.order_id = o.id) AS pieces,
               coupon.id IS NOT NULL AS has_shipping_coupon, terms.max_off_fen
        FROM sales_order AS o JOIN rule_version ON rule_version.id = o.rule_version_id
        LEFT JOIN coupon ON coupon.order_id = o.id AND coupon.is_for_shipping
        LEFT JOIN coupon_terms AS terms ON terms.id = coupon.terms_id
        WHERE o.id = $1 AND o.member_id = $2
        FOR UPDATE OF o
        """,
        command.order_id,
        command.member_id,
    )
    if order is None:
        raise NotFound(thing="order", path=("orderId",))
    if order["status"] != OrderStatus.AWAITING_PAYMENT:
        raise NotAllowed(path=("orderId",))
    if order["delivery"] != DeliveryMethod.EXPRESS:
        raise NotAllowed(path=("orderId",))
    return order


async def _read_address(command: ChangeOrderAddress) -> Any:
    address = await database.fetch_one(
        """
        SELECT encrypted, region_code FROM address
        WHERE id = $1 AND member_id = $2 AND deleted_at IS NULL
        """,
        command.address_id,
        command.member_id,
    )
    if address is None:
        raise NotFound(thing="address", path=("addressId",))
    return address


def _shipping(order: Any, region_code: str) -> Shipping:
    return reprice_shipping(
        discounts_from_json(order["discounts"]),
        goods_fen=order["goods_fen"],
        parcel=Parcel.of(order["pieces"]),
        province=region_code[:2],
        tier_code=order["tier_code"],
        rules=from_document(order["document"]),
        coupon_max_off_fen=order["max_off_fen"],
    )
