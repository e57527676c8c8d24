"""What an order's shipping costs at another address (rules, section 5.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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


def reprice_shipping(
    discounts: Iterable[Discount],
    *,
    goods_fen: int,
    parcel: Parcel,
    province: str,
    tier_code: str,
    rules: Rules,
) -> Shipping:
    """Price an order's shipping anew, by the rules and tier that it was placed under.

    `goods_fen` is what the goods cost after step 4: before points.

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
    kept = [discount for discount in discounts if discount.kind is not DiscountKind.SHIPPING]
    if off_fen:
        kept.append(delivery.tier_cause.discount(off_fen))
    return Shipping(fen=fen, discounts=tuple(kept))
