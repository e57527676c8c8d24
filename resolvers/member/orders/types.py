"""Orders as their member sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from uuid import UUID

import strawberry
from asyncpg import Record

from domain import orders as rules_of_orders
from domain.orders import (
    CancelReason,
    DeliveryMethod,
    OrderAction,
    OrderEventKind,
    OrderFacts,
    OrderKind,
    OrderStatus,
)
from domain.pricing import discounts_from_json
from domain.rules import OrderRules
from executor.fields import BatchInfo, batched, item
from loaders.orders import (
    events_by_order_id,
    lines_by_order_id,
    order_by_id,
    payment_by_order_id,
    rules_by_version_id,
    store_by_id,
)
from resolvers.common.asked import asked_below
from resolvers.common.context import Context, Info
from resolvers.common.errors import UserError
from resolvers.common.messages import Language, translate
from resolvers.common.scalars import Money
from resolvers.common.share import absolute_url
from resolvers.member.catalog.products import Sku, skus_by_ids
from resolvers.member.catalog.stores import Store
from resolvers.member.catalog.viewpoint import viewpoint
from resolvers.member.pricing.types import Discount
from services.personal_data import PersonalData
from services.sealed_addresses import FullAddress, open_snapshot

strawberry.enum(OrderStatus, name="OrderStatus", description="Where an order stands.")
strawberry.enum(OrderKind, name="OrderKind", description="How an order came to be.")
strawberry.enum(OrderAction, name="OrderAction", description="What a member can do with an order.")
strawberry.enum(OrderEventKind, name="OrderEventKind", description="A step of an order.")

EVENT_TITLES: dict[OrderEventKind, str] = {
    OrderEventKind.PLACED: "Order placed",
    OrderEventKind.PAID: "Paid",
    OrderEventKind.TEAM_COMPLETED: "Team completed",
    OrderEventKind.SHIPPED: "Shipped",
    OrderEventKind.READY_FOR_PICKUP: "Ready for pickup",
    OrderEventKind.PICKED_UP: "Picked up",
    OrderEventKind.RECEIVED: "Received",
    OrderEventKind.CANCELLED: "Cancelled",
    OrderEventKind.REFUND_REQUESTED: "Refund requested",
    OrderEventKind.REFUNDED: "Refunded",
    OrderEventKind.COMPLETED: "Completed",
    OrderEventKind.OTHER: "Updated",
}
CANCEL_REASONS: dict[CancelReason, str] = {
    CancelReason.MEMBER: "Cancelled by you",
    CancelReason.TIMEOUT: "Not paid in time",
}


@strawberry.type(description="Where an order goes, as it was when it was placed.")
class OrderAddress:
    name: str = strawberry.field(description="Who gets the parcel.")
    phone: str = strawberry.field(description="Their phone, whole for the order's owner.")
    province: str = strawberry.field(description="The province.")
    city: str = strawberry.field(description="The city.")
    district: str = strawberry.field(description="The district; empty where a city has none.")
    detail: str = strawberry.field(description="Street and door.")

    @classmethod
    def of(cls, address: FullAddress) -> OrderAddress:
        """Show an opened snapshot."""
        return cls(
            name=address.name,
            phone=address.phone,
            province=address.province,
            city=address.city,
            district=address.district,
            detail=address.detail,
        )


@strawberry.type(description="A step on an order's timeline.")
class OrderEvent:
    at: datetime = strawberry.field(description="When.")
    title: str = strawberry.field(description="In words.")
    kind: OrderEventKind = strawberry.field(description="Which step.")

    @classmethod
    def from_row(cls, row: Record, language: Language) -> OrderEvent:
        """Show a row of `order_event`."""
        kind = OrderEventKind(row["kind"])
        return cls(at=row["happened_at"], title=translate(EVENT_TITLES[kind], language), kind=kind)


@strawberry.type(description="For wx.openBusinessView weappOrderConfirm.")
class WechatPaymentRef:
    transaction_id: str = strawberry.field(description="WeChat's number of the payment.")
    merchant_id: str = strawberry.field(description="Our merchant number.")
    merchant_trade_no: str = strawberry.field(description="Our number of the payment.")

    @classmethod
    def from_row(cls, row: Record, merchant_id: str) -> WechatPaymentRef:
        """Show a payment that succeeded."""
        return cls(
            transaction_id=row["transaction_id"],
            merchant_id=merchant_id,
            merchant_trade_no=row["out_trade_no"],
        )


@strawberry.type(description="A line of an order: what was bought, as it was then.")
class OrderLine:
    id: strawberry.ID = item("id", of="row", convert=str, description="The line's id.")
    product_name: str = item("product_name", of="row", description="The product's name then.")
    sku_name: str = item("sku_name", of="row", description="Its options then.")
    quantity: int = item("quantity", of="row", description="Pieces.")
    unit_price: Money = item(
        "unit_price_fen", of="row", description="One piece at list price then."
    )
    discount_total: Money = item(
        "discount_total_fen", of="row", description="Goods discounts, without points."
    )
    payable: Money = item("payable_fen", of="row", description="What was to be paid for the line.")
    points_off: Money = item("points_off_fen", of="row", description="What points took off.")
    row: strawberry.Private[Record]
    base_url: strawberry.Private[str]
    is_refundable: strawberry.Private[bool]
    """Pieces can be given back while their order says so."""

    @strawberry.field(description="Its picture then.")
    def image_url(self) -> str | None:
        image = self.row["image_url"]
        return absolute_url(self.base_url, image) if image else None

    @strawberry.field(description="Pieces that can still be given back.")
    def refundable_quantity(self) -> int:
        return self.pieces_left()

    @strawberry.field(description="What giving them all back would pay.")
    def refundable_amount(self) -> Money:
        left = self.pieces_left()
        return Money(self.row["payable_fen"] - self.row["refunded_fen"] if left else 0)

    @batched(description="Null when it has been deleted; the line keeps its snapshot.")
    @staticmethod
    async def sku(lines: Sequence[OrderLine], info: BatchInfo) -> list[Sku | None]:
        return await skus_by_ids(info, [line.row["sku_id"] for line in lines])

    def pieces_left(self) -> int:
        """Return the pieces that can still be given back."""
        row = self.row
        return int(row["quantity"] - row["refunded_quantity"]) if self.is_refundable else 0


@strawberry.type(description="A member's order.")
class Order:
    id: strawberry.ID = item("id", of="row", convert=str, description="The order's id.")
    order_no: str = item("order_no", of="row", description="The number for people.")
    status: OrderStatus = item(
        "status", of="row", convert=OrderStatus, description="Where it stands."
    )
    kind: OrderKind = item("kind", of="row", convert=OrderKind, description="How it came to be.")
    goods_total: Money = item("goods_total_fen", of="row", description="At list price.")
    discount_total: Money = item(
        "discount_total_fen", of="row", description="Goods discounts, without points."
    )
    shipping: Money = item("shipping_fen", of="row", description="Net of shipping discounts.")
    points_spent: int = item("points_spent", of="row", description="Points that it took.")
    points_off: Money = item("points_off_fen", of="row", description="What they took off.")
    payable: Money = item("payable_fen", of="row", description="What was to be paid.")
    paid: Money = item("paid_fen", of="row", description="What was paid.")
    refunded: Money = item("refunded_fen", of="row", description="What was paid back.")
    points_earned: int = item(
        "points_earned", of="row", description="Points that it earned when it was paid."
    )
    delivery: DeliveryMethod = item(
        "delivery", of="row", convert=DeliveryMethod, description="How the goods reach the member."
    )
    remark: str | None = item("remark", of="row", description="The member's words to the shop.")
    placed_at: datetime = item("placed_at", of="row", description="When it was placed.")
    paid_at: datetime | None = item("paid_at", of="row", description="When it was paid.")
    completed_at: datetime | None = item(
        "completed_at", of="row", description="When it was completed."
    )
    final_at: datetime | None = item(
        "final_at",
        of="row",
        description="When it can no longer be returned: pending points become spendable.",
    )
    row: strawberry.Private[Record]
    context: strawberry.Private[Context]

    @strawberry.field(description="Every fen off, with its cause.")
    def discounts(self) -> list[Discount]:
        language = self.context.language
        return [Discount.of(each, language) for each in discounts_from_json(self.row["discounts"])]

    @strawberry.field(description="What the store asks for; while it awaits pickup.")
    def pickup_code(self) -> str | None:
        code: str | None = self.row["pickup_code"]
        return code if self.row["status"] == OrderStatus.AWAITING_PICKUP else None

    @strawberry.field(description="When it is cancelled by itself; while it awaits payment.")
    def pay_before(self) -> datetime | None:
        instant: datetime = self.row["pay_before"]
        return instant if self.row["status"] == OrderStatus.AWAITING_PAYMENT else None

    @strawberry.field(description="Why it was cancelled, in words.")
    def cancel_reason(self) -> str | None:
        return _cancel_reason(self.row, self.context.language)

    @batched(description="What was bought.")
    @staticmethod
    async def lines(orders: Sequence[Order], info: BatchInfo) -> list[list[OrderLine]]:
        context: Context = info.context
        ids = [order.row["id"] for order in orders]
        found = await context.loaders.read(lines_by_order_id, ids)
        base_url = context.ports.public_base_url
        can_be_returned = [False] * len(orders)
        if asked_below(info).for_any("refundableQuantity", "refundableAmount"):
            can_be_returned = await _are_refundable(orders, context)
        return [
            [OrderLine(row=row, base_url=base_url, is_refundable=can) for row in rows]
            for rows, can in zip(found, can_be_returned, strict=True)
        ]

    @batched(description="Where it goes.")
    @staticmethod
    async def address(orders: Sequence[Order], info: BatchInfo) -> list[OrderAddress | None]:
        keys = info.context.ports.personal_data
        sealed = [order.row["address_encrypted"] for order in orders]
        return [
            None if each is None else OrderAddress.of(open_snapshot(each, keys)) for each in sealed
        ]

    @batched(description="Where it is picked up.")
    @staticmethod
    async def store(orders: Sequence[Order], info: BatchInfo) -> list[Store | None]:
        ids = [order.row["store_id"] for order in orders]
        wanted = [store_id for store_id in ids if store_id is not None]
        rows = await info.context.loaders.read(store_by_id, wanted)
        stores = {row["id"]: Store.from_row(row) for row in rows if row}
        return [stores.get(store_id) for store_id in ids]

    @batched(description="What happened, oldest first.")
    @staticmethod
    async def timeline(orders: Sequence[Order], info: BatchInfo) -> list[list[OrderEvent]]:
        ids = [order.row["id"] for order in orders]
        found = await info.context.loaders.read(events_by_order_id, ids)
        return [[OrderEvent.from_row(row, info.context.language) for row in rows] for rows in found]

    @batched(
        description="What the member can do now, from the transition table; clients compute none."
    )
    @staticmethod
    async def actions(orders: Sequence[Order], info: BatchInfo) -> list[list[OrderAction]]:
        view = await viewpoint(info.context)
        rules = view.rules.orders
        return [rules_of_orders.actions_of(each.facts, rules, now=view.now) for each in orders]

    @batched(
        description="Until when it can be returned for no reason (七天无理由); null before receipt."
    )
    @staticmethod
    async def refundable_until(orders: Sequence[Order], info: BatchInfo) -> list[datetime | None]:
        rules = await _rules_of(orders, info.context)
        return [
            rules_of_orders.refundable_until(order.facts, each)
            for order, each in zip(orders, rules, strict=True)
        ]

    @batched(description="When receipt is confirmed by itself; while it is under way.")
    @staticmethod
    async def auto_receipt_at(orders: Sequence[Order], info: BatchInfo) -> list[datetime | None]:
        rules = await _rules_of(orders, info.context)
        return [
            rules_of_orders.auto_receipt_at(order.facts, each)
            for order, each in zip(orders, rules, strict=True)
        ]

    @batched(description="The payment at WeChat, once there is one.")
    @staticmethod
    async def wechat_payment(
        orders: Sequence[Order], info: BatchInfo
    ) -> list[WechatPaymentRef | None]:
        paid = [order.row["id"] for order in orders if order.row["paid_at"] is not None]
        rows = await info.context.loaders.read(payment_by_order_id, paid)
        merchant_id = info.context.ports.pay.mchid
        found = {
            row["order_id"]: WechatPaymentRef.from_row(row, merchant_id) for row in rows if row
        }
        return [found.get(order.row["id"]) for order in orders]

    @cached_property
    def facts(self) -> OrderFacts:
        """What the rules of orders ask for."""
        row = self.row
        return OrderFacts(
            status=OrderStatus(row["status"]),
            kind=OrderKind(row["kind"]),
            delivery=DeliveryMethod(row["delivery"]),
            pay_before=row["pay_before"],
            shipped_at=row["shipped_at"],
            received_at=row["received_at"],
        )

    @classmethod
    async def load(cls, info: Info, order_id: UUID) -> Order | None:
        """Return the viewer's order of that id; another's is None, as one that isn't there."""
        (found,) = await orders_by_ids(info.context, [order_id])
        return found


async def orders_by_ids(context: Context, ids: Sequence[UUID]) -> list[Order | None]:
    """Return the viewer's orders of these ids; another's is None, as one that isn't there."""
    rows = await context.loaders.read(order_by_id, ids, viewer_id=context.member_id)
    return [None if row is None else Order(row=row, context=context) for row in rows]


async def _are_refundable(orders: Sequence[Order], context: Context) -> list[bool]:
    return [
        rules_of_orders.is_refundable(order.facts, rules, now=context.now)
        for order, rules in zip(orders, await _rules_of(orders, context), strict=True)
    ]


async def _rules_of(orders: Sequence[Order], context: Context) -> list[OrderRules]:
    """Return the rules each was placed under; read only when a deadline has begun to run."""
    today = (await viewpoint(context)).rules.orders
    versions = [_version_that_counts(order.row) for order in orders]
    wanted = [version for version in versions if version is not None]
    read = await context.loaders.read(rules_by_version_id, wanted)
    rules = dict(zip(wanted, read, strict=True))
    return [today if version is None else rules[version].orders for version in versions]


def _address_of(sealed: bytes | None, keys: PersonalData) -> OrderAddress | None:
    return None if sealed is None else OrderAddress.of(open_snapshot(sealed, keys))


def _version_that_counts(row: Record) -> UUID | None:
    has_begun = row["shipped_at"] is not None or row["received_at"] is not None
    version: UUID | None = row["rule_version_id"]
    return version if has_begun else None


def _cancel_reason(row: Record, language: Language) -> str | None:
    if row["cancel_reason"] is None:
        return None
    note: str | None = row["cancel_note"]
    return note or translate(CANCEL_REASONS[CancelReason(row["cancel_reason"])], language)


@strawberry.type(description="What waits for a member.")
class MemberCounts:
    orders_awaiting_payment: int = item("awaiting_payment", of="row", description="Orders to pay.")
    orders_awaiting_shipment: int = item(
        "awaiting_shipment", of="row", description="Orders that we will ship."
    )
    orders_awaiting_receipt: int = item(
        "awaiting_receipt", of="row", description="Orders under way, or ready to be picked up."
    )
    cart_pieces: int = item("cart_pieces", of="row", description="Pieces in the cart.")
    row: strawberry.Private[Record]


@strawberry.type(description="The order after a change.")
class OrderPayload:
    order: Order | None = strawberry.field(default=None, description="The order as it stands.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )
