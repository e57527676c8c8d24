"""What an order's shipping costs at another address (rules, section 5.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.errors import DomainError, ErrorCode
from domain.pricing import Discount, DiscountKind, texts
from domain.pricing.delivery import Delivery
from domain.rules import Rules
from domain.shipping import Parcel, is_served


class AddressNotServed(DomainError):
    """Nothing is delivered to the province."""

    code = ErrorCode.ADDRESS_NOT_SERVED
    message = texts.ADDRESS_NOT_SERVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """An order's shipping, net of its discounts, and all the order's discounts with it."""

    fen: int
    discounts: tuple[Discount, ...]


def shipping_coupon(discounts: Iterable[Discount]) -> Discount | None:
    """Return what an order's shipping coupon takes off, None without one."""
    return next(
        (
            discount
            for discount in discounts
            if discount.kind is DiscountKind.SHIPPING and discount.source_id is not None
        ),
        None,
    )


def reprice_shipping(
    discounts: Iterable[Discount],
    *,
    goods_fen: int,
    parcel: Parcel,
    province: str,
    tier_code: str,
    rules: Rules,
    coupon_max_off_fen: int | None = None,
) -> Shipping:
    """Price an order's shipping anew, by the rules and tier that it was placed under.

    `goods_fen` is what the goods cost after step 4: before points. A shipping coupon among the
    discounts goes on to take off what it may; it leaves the order where nothing is left for it.

    Raises:
        AddressNotServed
    """
    if not is_served(rules.shipping, province):
        raise AddressNotServed(path=("addressId",))
    delivery = Delivery(
        rules=rules.shipping, tier=rules.tier(tier_code), province=province, parcel=parcel
    )
    fen = delivery.fee_after_tier_fen(goods_fen)
    off_fen = delivery.fee_fen(goods_fen) - fen
    before = list(discounts)
    kept = [discount for discount in before if discount.kind is not DiscountKind.SHIPPING]
    if off_fen:
        kept.append(delivery.tier_cause.discount(off_fen))
    coupon = shipping_coupon(before)
    if coupon is not None and fen:
        off_fen = fen if coupon_max_off_fen is None else min(fen, coupon_max_off_fen)
        kept.append(replace(coupon, amount_fen=off_fen))
        fen -= off_fen
    return Shipping(fen=fen, discounts=tuple(kept))
