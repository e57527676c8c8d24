"""Orders as their member sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry

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
from executor.fields import BatchInfo, batched
from loaders.orders import (
    events_by_order_id,
    lines_by_order_id,
    order_by_id,
    payment_by_order_id,
    rules_by_version_id,
    store_by_id,
)
from models.order_rows import OrderLineRow, OrderRow
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.messages import Language, translate
from resolvers.common.scalars import Money
from resolvers.common.share import absolute_url
from resolvers.member.catalog.products import Sku, skus_by_ids
from resolvers.member.catalog.stores import Store
from resolvers.member.catalog.viewpoint import viewpoint
from resolvers.member.pricing.types import Discount
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


@strawberry.type(description="For wx.openBusinessView weappOrderConfirm.")
class WechatPaymentRef:
    transaction_id: str = strawberry.field(description="WeChat's number of the payment.")
    merchant_id: str = strawberry.field(description="Our merchant number.")
    merchant_trade_no: str = strawberry.field(description="Our number of the payment.")


@strawberry.type(description="A line of an order: what was bought, as it was then.")
class OrderLine:
    id: strawberry.ID = strawberry.field(description="The line's id.")
    product_name: str = strawberry.field(description="The product's name then.")
    sku_name: str = strawberry.field(description="Its options then.")
    image_url: str | None = strawberry.field(description="Its picture then.")
    quantity: int = strawberry.field(description="Pieces.")
    unit_price: Money = strawberry.field(description="One piece at list price then.")
    discount_total: Money = strawberry.field(description="Goods discounts, without points.")
    payable: Money = strawberry.field(description="What was to be paid for the line.")
    refundable_quantity: int = strawberry.field(description="Pieces that can still be given back.")
    refundable_amount: Money = strawberry.field(description="What giving them all back would pay.")
    points_off: Money = strawberry.field(description="What points took off.")
    sku_id: strawberry.Private[UUID | None]

    @batched(description="Null when it has been deleted; the line keeps its snapshot.")
    @staticmethod
    async def sku(lines: Sequence[OrderLine], info: BatchInfo) -> list[Sku | None]:
        return await skus_by_ids(info.context, [line.sku_id for line in lines])

    @classmethod
    def from_row(cls, row: OrderLineRow, *, base_url: str, is_refundable: bool) -> OrderLine:
        """Show a line; pieces can be given back while their order says so."""
        left = row.quantity - row.refunded_quantity if is_refundable else 0
        return cls(
            id=strawberry.ID(str(row.id)),
            product_name=row.product_name,
            sku_name=row.sku_name,
            image_url=absolute_url(base_url, row.image_url) if row.image_url else None,
            quantity=row.quantity,
            unit_price=Money(row.unit_price_fen),
            discount_total=Money(row.discount_total_fen),
            payable=Money(row.payable_fen),
            refundable_quantity=left,
            refundable_amount=Money(row.payable_fen - row.refunded_fen if left else 0),
            points_off=Money(row.points_off_fen),
            sku_id=row.sku_id,
        )


@strawberry.type(description="A member's order.")
class Order:
    id: strawberry.ID = strawberry.field(description="The order's id.")
    order_no: str = strawberry.field(description="The number for people.")
    status: OrderStatus = strawberry.field(description="Where it stands.")
    kind: OrderKind = strawberry.field(description="How it came to be.")
    goods_total: Money = strawberry.field(description="At list price.")
    discount_total: Money = strawberry.field(description="Goods discounts, without points.")
    shipping: Money = strawberry.field(description="Net of shipping discounts.")
    points_spent: int = strawberry.field(description="Points that it took.")
    points_off: Money = strawberry.field(description="What they took off.")
    payable: Money = strawberry.field(description="What was to be paid.")
    paid: Money = strawberry.field(description="What was paid.")
    refunded: Money = strawberry.field(description="What was paid back.")
    points_earned: int = strawberry.field(description="Points that it earned when it was paid.")
    discounts: list[Discount] = strawberry.field(description="Every fen off, with its cause.")
    delivery: DeliveryMethod = strawberry.field(description="How the goods reach the member.")
    pickup_code: str | None = strawberry.field(
        description="What the store asks for; while it awaits pickup."
    )
    remark: str | None = strawberry.field(description="The member's words to the shop.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    pay_before: datetime | None = strawberry.field(
        description="When it is cancelled by itself; while it awaits payment."
    )
    paid_at: datetime | None = strawberry.field(description="When it was paid.")
    completed_at: datetime | None = strawberry.field(description="When it was completed.")
    cancel_reason: str | None = strawberry.field(description="Why it was cancelled, in words.")
    final_at: datetime | None = strawberry.field(
        description="When it can no longer be returned: pending points become spendable."
    )
    row: strawberry.Private[OrderRow]

    @strawberry.field(description="What was bought.")
    async def lines(self, info: Info) -> list[OrderLine]:
        rows = await info.context.loaders.of(lines_by_order_id).load(self.row.id)
        rules = await self._rules(info)
        is_refundable = rules_of_orders.is_refundable(self._facts, rules, now=info.context.now)
        base_url = info.context.ports.public_base_url
        return [
            OrderLine.from_row(row, base_url=base_url, is_refundable=is_refundable) for row in rows
        ]

    @strawberry.field(description="Where it goes.")
    async def address(self, info: Info) -> OrderAddress | None:
        sealed = self.row.address_encrypted
        if sealed is None:
            return None
        return OrderAddress.of(open_snapshot(sealed, info.context.ports.personal_data))

    @strawberry.field(description="Where it is picked up.")
    async def store(self, info: Info) -> Store | None:
        if self.row.store_id is None:
            return None
        row = await info.context.loaders.of(store_by_id).load(self.row.store_id)
        return Store.from_row(row) if row else None

    @strawberry.field(description="What happened, oldest first.")
    async def timeline(self, info: Info) -> list[OrderEvent]:
        rows = await info.context.loaders.of(events_by_order_id).load(self.row.id)
        return [
            OrderEvent(
                at=row["happened_at"],
                title=translate(EVENT_TITLES[row["kind"]], info.context.language),
                kind=OrderEventKind(row["kind"]),
            )
            for row in rows
        ]

    @strawberry.field(
        description="What the member can do now, from the transition table; clients compute none."
    )
    async def actions(self, info: Info) -> list[OrderAction]:
        view = await viewpoint(info.context)
        return rules_of_orders.actions_of(self._facts, view.rules.orders, now=view.now)

    @strawberry.field(
        description="Until when it can be returned for no reason (七天无理由); null before receipt."
    )
    async def refundable_until(self, info: Info) -> datetime | None:
        return rules_of_orders.refundable_until(self._facts, await self._rules(info))

    @strawberry.field(description="When receipt is confirmed by itself; while it is under way.")
    async def auto_receipt_at(self, info: Info) -> datetime | None:
        return rules_of_orders.auto_receipt_at(self._facts, await self._rules(info))

    @strawberry.field(description="The payment at WeChat, once there is one.")
    async def wechat_payment(self, info: Info) -> WechatPaymentRef | None:
        if self.row.paid_at is None:
            return None
        row = await info.context.loaders.of(payment_by_order_id).load(self.row.id)
        if row is None:
            return None
        return WechatPaymentRef(
            transaction_id=row["transaction_id"],
            merchant_id=info.context.ports.pay.mchid,
            merchant_trade_no=row["out_trade_no"],
        )

    @property
    def _facts(self) -> OrderFacts:
        return OrderFacts(
            status=self.status,
            kind=self.kind,
            delivery=self.delivery,
            pay_before=self.row.pay_before,
            shipped_at=self.row.shipped_at,
            received_at=self.row.received_at,
        )

    async def _rules(self, info: Info) -> OrderRules:
        """Return the rules it was placed under; read only when a deadline has begun to run."""
        row = self.row
        if row.rule_version_id is None or (row.shipped_at or row.received_at) is None:
            return (await viewpoint(info.context)).rules.orders
        return (await info.context.loaders.of(rules_by_version_id).load(row.rule_version_id)).orders

    @classmethod
    def from_row(cls, row: OrderRow, language: Language) -> Order:
        """Show an order to its member."""
        status = OrderStatus(row.status)
        awaits_payment = status is OrderStatus.AWAITING_PAYMENT
        return cls(
            id=strawberry.ID(str(row.id)),
            order_no=row.order_no,
            status=status,
            kind=OrderKind(row.kind),
            goods_total=Money(row.goods_total_fen),
            discount_total=Money(row.discount_total_fen),
            shipping=Money(row.shipping_fen),
            points_spent=row.points_spent,
            points_off=Money(row.points_off_fen),
            payable=Money(row.payable_fen),
            paid=Money(row.paid_fen),
            refunded=Money(row.refunded_fen),
            points_earned=row.points_earned,
            discounts=[
                Discount.of(discount, language) for discount in discounts_from_json(row.discounts)
            ],
            delivery=DeliveryMethod(row.delivery),
            pickup_code=row.pickup_code if status is OrderStatus.AWAITING_PICKUP else None,
            remark=row.remark,
            placed_at=row.placed_at,
            pay_before=row.pay_before if awaits_payment else None,
            paid_at=row.paid_at,
            completed_at=row.completed_at,
            cancel_reason=_cancel_reason(row, language),
            final_at=row.final_at,
            row=row,
        )

    @classmethod
    async def load(cls, info: Info, order_id: UUID) -> Order | None:
        """Return the viewer's order of that id; another's is None, as one that isn't there."""
        context = info.context
        loader = context.loaders.of(order_by_id, viewer_id=context.member_id)
        row = await loader.load(order_id)
        return None if row is None else cls.from_row(row, context.language)


def _cancel_reason(row: OrderRow, language: Language) -> str | None:
    if row.cancel_reason is None:
        return None
    return row.cancel_note or translate(CANCEL_REASONS[CancelReason(row.cancel_reason)], language)


@strawberry.type(description="What waits for a member.")
class MemberCounts:
    orders_awaiting_payment: int = strawberry.field(description="Orders to pay.")
    orders_awaiting_shipment: int = strawberry.field(description="Orders that we will ship.")
    orders_awaiting_receipt: int = strawberry.field(
        description="Orders under way, or ready to be picked up."
    )
    cart_pieces: int = strawberry.field(description="Pieces in the cart.")


@strawberry.type(description="The order after a change.")
class OrderPayload:
    order: Order | None = strawberry.field(default=None, description="The order as it stands.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )
