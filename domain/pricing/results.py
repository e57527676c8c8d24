"""What a quote answers: every fen with its cause, per order, line and unit.

Titles, reasons and hints are message templates (English, also the key of their translation, all in
`texts`) with their facts; `domain.errors.render` fills them. Amounts are fen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from domain.errors import ErrorCode
from domain.pricing.inputs import DiscountKind

Facts = Mapping[str, str | int]
"""The values that a message template names; those ending in `_fen` are shown in yuan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """Money off with its cause; `source_id` is the promotion, campaign or coupon behind it."""

    kind: DiscountKind
    title: str
    facts: Facts
    amount_fen: int
    source_id: UUID | None = None

    @property
    def coupon_id(self) -> UUID | None:
        """Return the coupon that caused this, if one did."""
        from_coupon = self.kind in (DiscountKind.COUPON, DiscountKind.SHIPPING)
        return self.source_id if from_coupon else None


class UnitShares(NamedTuple):
    """What each of `pieces` equal neighbouring units of a line got, costs and earns.

    `discounts_fen` runs beside the line's `discounts`, POINTS included, one amount each;
    `points_spent` are the points behind the POINTS share.
    """

    pieces: int
    discounts_fen: tuple[int, ...]
    points_spent: int
    payable_fen: int
    points_to_earn: int
    growth_to_earn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLine:
    """A line's price. `payable_fen` = goods_total − discount_total − points_off.

    `discounts` includes POINTS, `discount_total_fen` does not; `units` cover the quantity in order.
    """

    sku_id: UUID
    quantity: int
    unit_price_fen: int
    goods_total_fen: int
    discounts: tuple[Discount, ...]
    discount_total_fen: int
    points_off_fen: int
    points_spent: int
    payable_fen: int
    points_to_earn: int
    growth_to_earn: int
    units: tuple[UnitShares, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableCoupon:
    """A coupon that would take `off_fen` off this order."""

    coupon_id: UUID
    off_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableCoupon:
    """A coupon that would take nothing off, and why; what is missing when more goods would do."""

    coupon_id: UUID
    reason: str
    facts: Facts
    missing_fen: int | None = None
    missing_pieces: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a little more would bring: 再买 ¥12.00 可用满100减15券."""

    message: str
    facts: Facts
    missing_fen: int | None = None
    missing_pieces: int | None = None
    coupon_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why this order can't be placed as drafted; the fields of a `DomainError`, as a value.

    `path` runs from the draft: ("couponIds", "0").
    """

    code: ErrorCode
    message: str
    path: tuple[str, ...]
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of an order: payable = goods_total − discount_total − points_off + shipping.

    `shipping_fen` is net of its discounts, `shipping_fee_fen` before them. `discounts` holds every
    fen off; but for SHIPPING, the lines' shares of each add up to it. `coupon_ids` are those that
    applied: only they are consumed. With `problems` the order can't be placed; what they name did
    not take part in the price.
    """

    lines: tuple[QuotedLine, ...]
    goods_total_fen: int
    discount_total_fen: int
    points_spent: int
    points_off_fen: int
    shipping_fee_fen: int
    shipping_fen: int
    payable_fen: int
    points_to_earn: int
    growth_to_earn: int
    discounts: tuple[Discount, ...]
    coupon_ids: tuple[UUID, ...]
    usable_coupons: tuple[UsableCoupon, ...]
    unusable_coupons: tuple[UnusableCoupon, ...]
    max_points_to_spend: int
    max_points_off_fen: int
    hints: tuple[Hint, ...]
    problems: tuple[Problem, ...]

    @property
    def goods_payable_fen(self) -> int:
        """Return what is paid for the goods: payable without shipping."""
        return self.payable_fen - self.shipping_fen
