"""What a member's orders come to, kept in whole numbers beside the mall."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass
class Bought:
    """An order in the notebook: what it took and gave, and what is left of each line."""

    status: str
    spent: int
    goods_fen: int
    shipping_fen: int
    coupons: list[UUID]
    left: list[int]
    skus: list[UUID]
    earned: int = 0
    growth: int = 0
    final_at: datetime | None = None
    is_final: bool = False
    ever_shipped: bool = False
    returned: int = 0
    taken: int = 0
    growth_taken: int = 0
    paid_back: int = 0


@dataclass
class Notebook:
    """Balances, coupons and stock as they should be. `net` is what can be spent less the debt."""

    net: int = 0
    pending: int = 0
    growth: int = 0
    growth_pending: int = 0
    coupons: dict[UUID, str] = field(default_factory=dict)
    ends: dict[UUID, datetime] = field(default_factory=dict)
    available: dict[UUID, int] = field(default_factory=dict)
    reserved: dict[UUID, int] = field(default_factory=dict)
    sold: dict[UUID, int] = field(default_factory=dict)
    orders: dict[UUID, Bought] = field(default_factory=dict)

    def move(self, order: Bought, source: str, target: str) -> None:
        """Move all that is left of an order from one heap of the stock to another."""
        for sku_id, pieces in zip(order.skus, order.left, strict=True):
            getattr(self, source)[sku_id] -= pieces
            getattr(self, target)[sku_id] += pieces

    def let_go(self, order: Bought, now: datetime) -> None:
        """Give an order's coupons back, those that have ended as expired."""
        for coupon_id in order.coupons:
            self.coupons[coupon_id] = "USABLE" if now < self.ends[coupon_id] else "EXPIRED"

    def place(self, order_id: UUID, order: Bought) -> None:
        """Note a new order."""
        self.orders[order_id] = order
        self.net -= order.spent
        for coupon_id in order.coupons:
            self.coupons[coupon_id] = "RESERVED"
        self.move(order, "available", "reserved")

    def cancel(self, order: Bought, now: datetime) -> None:
        """Note that an unpaid order ended."""
        order.status = "CANCELLED"
        self.net += order.spent
        self.let_go(order, now)
        self.move(order, "reserved", "available")

    def pay(self, order: Bought) -> None:
        """Note a payment; the order says what it earns."""
        order.status = "PAID"
        self.pending += order.earned
        self.growth_pending += order.growth
        for coupon_id in order.coupons:
            self.coupons[coupon_id] = "USED"
        self.move(order, "reserved", "sold")

    def finalize(self, now: datetime) -> int:
        """Make orders final whose time has come; returns how many were looked at."""
        due = [
            order
            for order in self.orders.values()
            if order.final_at is not None and order.final_at <= now and not order.is_final
        ]
        for order in due:
            order.is_final = True
            points, growth = order.earned - order.taken, order.growth - order.growth_taken
            self.pending -= points
            self.net += points
            self.growth_pending -= growth
            self.growth += growth
        return len(due)

    def refund(
        self, order: Bought, place: int, pieces: int, *, before_shipment: bool, now: datetime
    ) -> None:
        """Note the pieces of a refund; what they are worth follows by `give_and_take`."""
        order.left[place] -= pieces
        order.ever_shipped |= not before_shipment
        if before_shipment:
            self.sold[order.skus[place]] -= pieces
            self.available[order.skus[place]] += pieces
        if not any(order.left):
            order.status = "REFUNDED"
            if not order.ever_shipped:
                self.let_go(order, now)

    def give_and_take(self, order: Bought, *, returned: int, taken: int, growth: int) -> None:
        """Note what a refund gave back of points, and took back of points and growth."""
        order.returned += returned
        order.taken += taken
        order.growth_taken += growth
        self.net += returned
        if order.is_final:
            self.net -= taken
            self.growth -= growth
        else:
            self.pending -= taken
            self.growth_pending -= growth
