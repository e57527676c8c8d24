"""Orders as their member sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast
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
from executor.fields import BatchInfo, batched, derived, item
from loaders.along import Row
from loaders.orders import (
    events_by_order_id,
    lines_by_order_id,
    order_by_id,
    payment_by_order_id,
    rules_by_version_id,
    store_by_id,
)
from models.order_rows import (
    AT_A_GLANCE,
    ON_A_CARD,
    ON_ITS_PAGE,
    ORDER_COLUMNS,
    ORDER_LINE_COLUMNS,
    SNAPSHOT,
    WHOLE_LINE,
    WITH_DEADLINES,
)
from resolvers.common.asked import asked_below
from resolvers.common.context import Context, Info
from resolvers.common.enums import member_of
from resolvers.common.errors import UserError
from resolvers.common.messages import Language, translate
from resolvers.common.scalars import Money
from resolvers.common.share import absolute_url
from resolvers.member.catalog.products import Sku, skus_by_ids
from resolvers.member.catalog.stores import Store
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.group_buys.views import teams_of_orders
from resolvers.member.pricing.types import Discount
from services.sealed_addresses import FullAddress, open_snapshot

if TYPE_CHECKING:
    from resolvers.member.group_buys.teams import GroupBuyTeam

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
    CancelReason.TEAM_FULL: "Paid when the team was full; all of it goes back to you",
    CancelReason.TEAM_CLOSED: "Paid when the team had ended; all of it goes back to you",
    CancelReason.TEAM_ALREADY_JOINED: "Paid when you had a seat; all of it goes back to you",
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


_line_at = ORDER_LINE_COLUMNS.index
_LINE_IMAGE, _LINE_SKU = _line_at("image_url"), _line_at("sku_id")
_QUANTITY, _REFUNDED_QUANTITY = _line_at("quantity"), _line_at("refunded_quantity")
_LINE_PAYABLE, _LINE_REFUNDED = _line_at("payable_fen"), _line_at("refunded_fen")
_IS_REFUNDABLE = len(ORDER_LINE_COLUMNS)
"""Whether its order's lines can be given back; it stands in the row where that is asked."""


def _line_image_url(line: Row, context: Context) -> str | None:
    image = line[_LINE_IMAGE]
    return absolute_url(context.ports.public_base_url, image) if image else None


def _refundable_quantity(line: Row, _context: Context) -> int:
    return int(line[_QUANTITY] - line[_REFUNDED_QUANTITY]) if line[_IS_REFUNDABLE] else 0


def _refundable_amount(line: Row, context: Context) -> int:
    pieces = _refundable_quantity(line, context)
    return int(line[_LINE_PAYABLE] - line[_LINE_REFUNDED]) if pieces else 0


@strawberry.type(description="A line of an order: what was bought, as it was then.")
class OrderLine:
    """Its source is a row: `ORDER_LINE_COLUMNS`, or the first of them, and `_IS_REFUNDABLE`."""

    id: strawberry.ID = item(_line_at("id"), convert=str, description="The line's id.")
    product_name: str = item(_line_at("product_name"), description="The product's name then.")
    sku_name: str = item(_line_at("sku_name"), description="Its options then.")
    image_url: str | None = derived(_line_image_url, description="Its picture then.")
    quantity: int = item(_QUANTITY, description="Pieces.")
    unit_price: Money = item(
        _line_at("unit_price_fen"), description="One piece at list price then."
    )
    discount_total: Money = item(
        _line_at("discount_total_fen"), description="Goods discounts, without points."
    )
    payable: Money = item(_LINE_PAYABLE, description="What was to be paid for the line.")
    points_off: Money = item(_line_at("points_off_fen"), description="What points took off.")
    refundable_quantity: int = derived(
        _refundable_quantity, description="Pieces that can still be given back."
    )
    refundable_amount: Money = derived(
        _refundable_amount, description="What giving them all back would pay."
    )

    @batched(description="Null when it has been deleted; the line keeps its snapshot.")
    @staticmethod
    async def sku(lines: Sequence[Row], info: BatchInfo) -> list[Sku | None]:
        return await skus_by_ids(info, [line[_LINE_SKU] for line in lines])


SNAPSHOT_FIELDS = frozenset(
    {"__typename", "id", "productName", "skuName", "imageUrl", "quantity", "unitPrice"}
)
"""The fields of a line that `SNAPSHOT` is enough for."""


_REFUNDABLE_FIELDS = frozenset({"refundableQuantity", "refundableAmount"})
"""The fields of a line that tell something of its order."""


def line_columns_for(asked: frozenset[str]) -> int:
    """Return how many columns of lines are read for these fields of theirs."""
    return SNAPSHOT if asked <= SNAPSHOT_FIELDS else WHOLE_LINE


_at = ORDER_COLUMNS.index
_ID, _STATUS, _KIND, _DELIVERY = _at("id"), _at("status"), _at("kind"), _at("delivery")
_PAY_BEFORE, _PAID_AT = _at("pay_before"), _at("paid_at")
_SHIPPED_AT, _RECEIVED_AT = _at("shipped_at"), _at("received_at")
_RULES, _STORE, _ADDRESS = _at("rule_version_id"), _at("store_id"), _at("address_encrypted")
_DISCOUNTS, _PICKUP_CODE = _at("discounts"), _at("pickup_code")
_CANCEL_REASON, _CANCEL_NOTE = _at("cancel_reason"), _at("cancel_note")
_status_of, _kind_of = member_of(OrderStatus), member_of(OrderKind)
_delivery_of = member_of(DeliveryMethod)


def _facts(order: Row) -> OrderFacts:
    """Return what the member can do with an order depends on."""
    return OrderFacts(
        _status_of(order[_STATUS]),
        _kind_of(order[_KIND]),
        _delivery_of(order[_DELIVERY]),
        order[_PAY_BEFORE],
    )


def _facts_on_its_way(order: Row) -> OrderFacts:
    """Return what its deadlines depend on as well."""
    facts = _facts(order)
    return facts._replace(shipped_at=order[_SHIPPED_AT], received_at=order[_RECEIVED_AT])


def _discounts(order: Row, context: Context) -> list[Discount]:
    return [Discount.of(each, context.language) for each in discounts_from_json(order[_DISCOUNTS])]


def _pickup_code(order: Row, _context: Context) -> str | None:
    code: str | None = order[_PICKUP_CODE]
    return code if order[_STATUS] == OrderStatus.AWAITING_PICKUP else None


def _pay_before(order: Row, _context: Context) -> datetime | None:
    instant: datetime = order[_PAY_BEFORE]
    return instant if order[_STATUS] == OrderStatus.AWAITING_PAYMENT else None


def _cancel_reason(order: Row, context: Context) -> str | None:
    if order[_CANCEL_REASON] is None:
        return None
    note: str | None = order[_CANCEL_NOTE]
    reason = CANCEL_REASONS[CancelReason(order[_CANCEL_REASON])]
    return note or translate(reason, context.language)


def _address(order: Row, context: Context) -> OrderAddress | None:
    sealed: bytes | None = order[_ADDRESS]
    if sealed is None:
        return None
    return OrderAddress.of(open_snapshot(sealed, context.ports.personal_data))


async def _rules_in_force(_orders: Sequence[Row], info: BatchInfo) -> None:
    await viewpoint(info.context)


def _actions(order: Row, context: Context) -> list[OrderAction]:
    view = view_of(context)
    return rules_of_orders.actions_of(_facts(order), view.rules.orders, now=view.now)


@strawberry.type(description="A member's order.")
class Order:
    """Its source is a row: `ORDER_COLUMNS`, or as many of the first as its fields need."""

    id: strawberry.ID = item(_ID, convert=str, description="The order's id.")
    order_no: str = item(_at("order_no"), description="The number for people.")
    status: OrderStatus = item(_STATUS, convert=_status_of, description="Where it stands.")
    kind: OrderKind = item(_KIND, convert=_kind_of, description="How it came to be.")
    goods_total: Money = item(_at("goods_total_fen"), description="At list price.")
    discount_total: Money = item(
        _at("discount_total_fen"), description="Goods discounts, without points."
    )
    shipping: Money = item(_at("shipping_fen"), description="Net of shipping discounts.")
    points_spent: int = item(_at("points_spent"), description="Points that it took.")
    points_off: Money = item(_at("points_off_fen"), description="What they took off.")
    payable: Money = item(_at("payable_fen"), description="What was to be paid.")
    paid: Money = item(_at("paid_fen"), description="What was paid.")
    refunded: Money = item(_at("refunded_fen"), description="What was paid back.")
    points_earned: int = item(
        _at("points_earned"), description="Points that it earned when it was paid."
    )
    discounts: list[Discount] = derived(_discounts, description="Every fen off, with its cause.")
    delivery: DeliveryMethod = item(
        _DELIVERY, convert=_delivery_of, description="How the goods reach the member."
    )
    address: OrderAddress | None = derived(_address, description="Where it goes.")
    pickup_code: str | None = derived(
        _pickup_code, description="What the store asks for; while it awaits pickup."
    )
    remark: str | None = item(_at("remark"), description="The member's words to the shop.")
    placed_at: datetime = item(_at("placed_at"), description="When it was placed.")
    pay_before: datetime | None = derived(
        _pay_before, description="When it is cancelled by itself; while it awaits payment."
    )
    paid_at: datetime | None = item(_PAID_AT, description="When it was paid.")
    completed_at: datetime | None = item(_at("completed_at"), description="When it was completed.")
    final_at: datetime | None = item(
        _at("final_at"),
        description="When it can no longer be returned: pending points become spendable.",
    )
    cancel_reason: str | None = derived(
        _cancel_reason, description="Why it was cancelled, in words."
    )
    actions: list[OrderAction] = derived(
        _actions,
        needs=_rules_in_force,
        description="What the member can do now, from the transition table; clients compute none.",
    )
    group_buy_team: (
        Annotated[GroupBuyTeam, strawberry.lazy("resolvers.member.group_buys.teams")] | None
    ) = batched(description="GROUP_BUY: the team that it was placed for.")(teams_of_orders)

    @batched(description="What was bought.")
    @staticmethod
    async def lines(orders: Sequence[Row], info: BatchInfo) -> list[list[OrderLine]]:
        context: Context = info.context
        asked = asked_below(info)
        ids = [order[_ID] for order in orders]
        columns = line_columns_for(asked.directly())
        found = await context.loaders.read(lines_by_order_id, ids, columns=columns)
        if asked.directly() & _REFUNDABLE_FIELDS:
            can_be_returned = await _are_refundable(orders, context)
            found = [
                [(*line, can) for line in lines]
                for lines, can in zip(found, can_be_returned, strict=True)
            ]
        return cast("list[list[OrderLine]]", found)

    @batched(description="Where it is picked up.")
    @staticmethod
    async def store(orders: Sequence[Row], info: BatchInfo) -> list[Store | None]:
        ids = [order[_STORE] for order in orders]
        wanted = [store_id for store_id in ids if store_id is not None]
        rows = await info.context.loaders.read(store_by_id, wanted)
        stores = {row["id"]: Store.from_row(row) for row in rows if row}
        return [stores.get(store_id) for store_id in ids]

    @batched(description="What happened, oldest first.")
    @staticmethod
    async def timeline(orders: Sequence[Row], info: BatchInfo) -> list[list[OrderEvent]]:
        ids = [order[_ID] for order in orders]
        found = await info.context.loaders.read(events_by_order_id, ids)
        return [[OrderEvent.from_row(row, info.context.language) for row in rows] for rows in found]

    @batched(
        description="Until when it can be returned for no reason (七天无理由); null before receipt."
    )
    @staticmethod
    async def refundable_until(orders: Sequence[Row], info: BatchInfo) -> list[datetime | None]:
        rules = await _rules_of(orders, info.context)
        return [
            rules_of_orders.refundable_until(_facts_on_its_way(order), each)
            for order, each in zip(orders, rules, strict=True)
        ]

    @batched(description="When receipt is confirmed by itself; while it is under way.")
    @staticmethod
    async def auto_receipt_at(orders: Sequence[Row], info: BatchInfo) -> list[datetime | None]:
        rules = await _rules_of(orders, info.context)
        return [
            rules_of_orders.auto_receipt_at(_facts_on_its_way(order), each)
            for order, each in zip(orders, rules, strict=True)
        ]

    @batched(description="The payment at WeChat, once there is one.")
    @staticmethod
    async def wechat_payment(
        orders: Sequence[Row], info: BatchInfo
    ) -> list[WechatPaymentRef | None]:
        paid = [order[_ID] for order in orders if order[_PAID_AT] is not None]
        rows = await info.context.loaders.read(payment_by_order_id, paid)
        merchant_id = info.context.ports.pay.mchid
        found = {
            row["order_id"]: WechatPaymentRef.from_row(row, merchant_id) for row in rows if row
        }
        return [found.get(order[_ID]) for order in orders]

    @classmethod
    async def load(cls, info: Info, order_id: UUID) -> Order | None:
        """Return the viewer's order of that id; another's is None, as one that isn't there."""
        (found,) = await orders_by_ids(info.context, [order_id])
        return found


_GLANCE_FIELDS = frozenset(
    {"__typename", "id", "orderNo", "status", "payable", "placedAt", "lines", "timeline"}
)
_CARD_FIELDS = _GLANCE_FIELDS | {"kind", "delivery", "payBefore", "actions", "groupBuyTeam"}
_DEADLINE_FIELDS = _CARD_FIELDS | {
    *("paidAt", "store", "paid", "wechatPayment", "refundableUntil", "autoReceiptAt")
}
_COLUMNS = (
    (_GLANCE_FIELDS, AT_A_GLANCE),
    (_CARD_FIELDS, ON_A_CARD),
    (_DEADLINE_FIELDS, WITH_DEADLINES),
)
"""Fields of an order, and how many of its columns are enough for them."""


def order_columns_for(asked: frozenset[str], *, of_lines: frozenset[str]) -> int:
    """Return how many columns of orders are read for these fields of theirs and of their lines."""
    if of_lines & _REFUNDABLE_FIELDS:
        asked |= {"refundableUntil"}
    enough = (columns for fields, columns in _COLUMNS if asked <= fields)
    return next(enough, ON_ITS_PAGE)


async def orders_by_ids(context: Context, ids: Sequence[UUID]) -> list[Order | None]:
    """Return the viewer's orders of these ids; another's is None, as one that isn't there."""
    rows = await context.loaders.read(order_by_id, ids, viewer_id=context.member_id)
    return cast("list[Order | None]", rows)


async def _are_refundable(orders: Sequence[Row], context: Context) -> list[bool]:
    return [
        rules_of_orders.is_refundable(_facts_on_its_way(order), rules, now=context.now)
        for order, rules in zip(orders, await _rules_of(orders, context), strict=True)
    ]


async def _rules_of(orders: Sequence[Row], context: Context) -> list[OrderRules]:
    """Return the rules each was placed under; read only when a deadline has begun to run."""
    today = (await viewpoint(context)).rules.orders
    versions = [_version_that_counts(order) for order in orders]
    wanted = [version for version in versions if version is not None]
    read = await context.loaders.read(rules_by_version_id, wanted)
    rules = dict(zip(wanted, read, strict=True))
    return [today if version is None else rules[version].orders for version in versions]


def _version_that_counts(order: Row) -> UUID | None:
    has_begun = order[_SHIPPED_AT] is not None or order[_RECEIVED_AT] is not None
    version: UUID | None = order[_RULES]
    return version if has_begun else None


@strawberry.type(description="What waits for a member.")
class MemberCounts:
    """Its source is the member's row, read with what is asked here."""

    orders_awaiting_payment: int = item("awaiting_payment", description="Orders to pay.")
    orders_awaiting_shipment: int = item(
        "awaiting_shipment", description="Orders that we will ship."
    )
    orders_awaiting_receipt: int = item(
        "awaiting_receipt", description="Orders under way, or ready to be picked up."
    )
    unread_messages: int = item(
        "unread_messages", description="Messages that are not marked as read."
    )
    coupons_usable: int = item("usable", description="Coupons that can be used now.")
    coupons_used: int = item("used", description="Coupons that paid orders used.")
    coupons_expired: int = item("expired", description="Coupons whose time is over.")
    cart_pieces: int = item("cart_pieces", description="Pieces in the cart.")


@strawberry.type(description="The order after a change.")
class OrderPayload:
    order: Order | None = strawberry.field(default=None, description="The order as it stands.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )
