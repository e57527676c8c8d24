"""Step 6: the template's fee, then the tier's free shipping (rules, section 5.6)."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import ErrorCode
from domain.orders import DeliveryMethod
from domain.pricing import texts
from domain.pricing.inputs import DiscountKind, QuoteRequest
from domain.pricing.results import Hint, Problem
from domain.pricing.worksheet import Cause
from domain.rules import ShippingRules, TierRules
from domain.shipping import Parcel, is_served, shipping_fee_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How this order travels; `parcel` is None when nothing is sent, or can't be."""

    rules: ShippingRules
    tier: TierRules
    province: str
    parcel: Parcel | None
    problem: Problem | None = None

    @classmethod
    def of(cls, request: QuoteRequest) -> Delivery:
        """Decide whether and where the order is sent; without a served address it costs nothing."""
        parcel = Parcel.of(
            (line.quantity, line.weight_grams) for line in request.lines if line.ships
        )
        rules, tier, province = request.rules.shipping, request.buyer.tier, request.province
        if request.delivery is DeliveryMethod.PICKUP or parcel.pieces == 0:
            return cls(rules=rules, tier=tier, province="", parcel=None)
        if province is not None and is_served(rules, province):
            return cls(rules=rules, tier=tier, province=province, parcel=parcel)
        problem = (
            _problem(ErrorCode.ADDRESS_REQUIRED, texts.ADDRESS_REQUIRED)
            if province is None
            else _problem(ErrorCode.ADDRESS_NOT_SERVED, texts.ADDRESS_NOT_SERVED)
        )
        return cls(rules=rules, tier=tier, province="", parcel=None, problem=problem)

    def fee_fen(self, goods_fen: int) -> int:
        """Return the template's fee for goods payable after step 4."""
        if self.parcel is None:
            return 0
        return shipping_fee_fen(
            self.rules, province=self.province, parcel=self.parcel, goods_fen=goods_fen
        )

    def fee_after_tier_fen(self, goods_fen: int) -> int:
        """Return what is left of the fee after the tier's free shipping."""
        return 0 if self.tier.free_shipping else self.fee_fen(goods_fen)

    @property
    def tier_cause(self) -> Cause:
        """Return the tier's free shipping as the cause of a discount."""
        return Cause(
            kind=DiscountKind.SHIPPING,
            title=texts.TIER_FREE_SHIPPING,
            facts={"tier": self.tier.name, "tier_en": self.tier.name_en},
        )

    def hints(self, *, goods_fen: int, shipping_fen: int) -> list[Hint]:
        """Say how much more makes shipping free, where it is still paid."""
        missing_fen = self.rules.free_from_fen - goods_fen
        if shipping_fen == 0 or missing_fen <= 0:
            return []
        return [
            Hint(
                message=texts.HINT_SPEND_FOR_FREE_SHIPPING,
                facts={"missing_fen": missing_fen},
                missing_fen=missing_fen,
            )
        ]


def _problem(code: ErrorCode, message: str) -> Problem:
    return Problem(code=code, message=message, path=("addressId",), facts={})
