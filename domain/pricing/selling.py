"""Step 1: the selling price, the lowest that applies (rules, section 5.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from domain.money import to_pay_fen
from domain.pricing import texts
from domain.pricing.inputs import DiscountKind, LimitedTimePrice, Line
from domain.pricing.worksheet import Cause, Sheet
from domain.rules import TierRules


@dataclass(frozen=True, slots=True, kw_only=True)
class SellingPrice:
    """What one piece sells for; `cause` is None at list price."""

    price_fen: int
    cause: Cause | None

    @property
    def kind(self) -> DiscountKind | None:
        """Return what made the price lower than list, None at list price."""
        return self.cause.kind if self.cause else None


def member_price_fen(list_price_fen: int, tier: TierRules, tier_price_fen: int | None) -> int:
    """Return what a tier pays for one piece, by its explicit price or its percentage.

    An explicit price stands in place of the percentage, also when it is the higher of the two: the
    brand set it for this SKU on purpose. The answer is never above list.
    """
    if tier_price_fen is not None:
        return min(tier_price_fen, list_price_fen)
    return to_pay_fen(list_price_fen, tier.member_price_bps)


def price_without_offers(list_price_fen: int, member_fen: int) -> tuple[int, DiscountKind | None]:
    """Return the lower of list and member price, and what made it lower than list."""
    if member_fen < list_price_fen:
        return member_fen, DiscountKind.MEMBER_PRICE
    return list_price_fen, None


def limited_time_price_fen(offer: LimitedTimePrice, line: Line) -> int | None:
    """Return what a limited-time offer asks for one piece, None when it doesn't cover the line."""
    named = offer.price_fen_by_sku.get(line.sku_id)
    if named is not None:
        return named
    if offer.pay_bps is None or not offer.scope.covers(line):
        return None
    return to_pay_fen(line.list_price_fen, offer.pay_bps)


def selling_price(
    line: Line, tier: TierRules, limited_time_prices: Iterable[LimitedTimePrice]
) -> SellingPrice:
    """Return the lowest of list, member, limited-time and campaign price.

    Between equal prices the one named first here stands, between limited-time offers the lower id.
    """
    member_fen = member_price_fen(line.list_price_fen, tier, line.tier_price_fen)
    lower_fen, kind = price_without_offers(line.list_price_fen, member_fen)
    best = SellingPrice(price_fen=lower_fen, cause=_member_cause(tier) if kind else None)
    for offer in sorted(limited_time_prices, key=lambda offer: offer.id):
        price_fen = limited_time_price_fen(offer, line)
        if price_fen is not None and price_fen < best.price_fen:
            best = SellingPrice(price_fen=price_fen, cause=_limited_time_cause(offer))
    if line.campaign is not None and line.campaign.price_fen < best.price_fen:
        best = SellingPrice(price_fen=line.campaign.price_fen, cause=_campaign_cause(line))
    return best


def apply_selling_prices(
    sheet: Sheet, tier: TierRules, limited_time_prices: Iterable[LimitedTimePrice]
) -> None:
    """Bring every line from list to its selling price; each cause is one discount of the order."""
    offers = tuple(limited_time_prices)
    totals: dict[tuple[DiscountKind, UUID | None], tuple[Cause, int]] = {}
    for line in sheet.lines:
        selling = selling_price(line.line, tier, offers)
        cause = selling.cause
        if cause is None:
            continue
        off_fen = (line.line.list_price_fen - selling.price_fen) * line.line.quantity
        line.take_off(cause, off_fen)
        key = (cause.kind, cause.source_id)
        totals[key] = (cause, totals[key][1] + off_fen if key in totals else off_fen)
    for cause, off_fen in totals.values():
        sheet.record(cause, off_fen)


def _member_cause(tier: TierRules) -> Cause:
    return Cause(
        kind=DiscountKind.MEMBER_PRICE,
        title=texts.MEMBER_PRICE,
        facts={"tier": tier.name, "tier_en": tier.name_en},
    )


def _limited_time_cause(offer: LimitedTimePrice) -> Cause:
    return Cause(
        kind=DiscountKind.LIMITED_TIME,
        title=texts.OWN_TITLE,
        facts={"title": offer.title},
        source_id=offer.id,
    )


def _campaign_cause(line: Line) -> Cause:
    assert line.campaign is not None
    return Cause(
        kind=line.campaign.kind,
        title=texts.OWN_TITLE,
        facts={"title": line.campaign.title},
        source_id=line.campaign.source_id,
    )
