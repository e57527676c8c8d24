"""The shipping template: what carrying an order to a province costs (rules, section 5.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.rules import ProvinceShipping, ShippingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is to be carried. `grams` is None when a piece's weight is unknown."""

    pieces: int
    grams: int | None

    @classmethod
    def of(cls, items: Iterable[tuple[int, int]]) -> Parcel:
        """Pack (quantity, grams of a piece) items; 0 grams is an unknown weight."""
        pieces, grams, weighed = 0, 0, True
        for quantity, weight_grams in items:
            pieces += quantity
            grams += quantity * weight_grams
            weighed = weighed and weight_grams > 0
        return cls(pieces=pieces, grams=grams if weighed else None)


def is_served(rules: ShippingRules, province: str) -> bool:
    """Tell whether we deliver to a province (the first two digits of its division code)."""
    exception = _exception(rules, province)
    return exception is None or exception.served


def shipping_fee_fen(rules: ShippingRules, *, province: str, parcel: Parcel, goods_fen: int) -> int:
    """Return the template's fee in fen, for goods payable after the goods coupon.

    The parcel is weighed when the weight of every piece is known, counted otherwise. An empty one
    costs nothing.
    """
    if parcel.pieces == 0 or goods_fen >= rules.free_from_fen:
        return 0
    fees = _exception(rules, province) or rules
    if parcel.grams is None:
        further = _begun(parcel.pieces - rules.base_pieces, rules.further_pieces)
    else:
        further = _begun(parcel.grams - rules.base_grams, rules.further_grams)
    return fees.base_fen + further * fees.further_fen


def _begun(excess: int, step: int) -> int:
    """Return how many steps an excess has begun; a template without steps has none."""
    return -(-excess // step) if excess > 0 and step > 0 else 0


def _exception(rules: ShippingRules, province: str) -> ProvinceShipping | None:
    return next((each for each in rules.exceptions if province in each.provinces), None)
