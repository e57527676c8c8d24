"""Which coupons an order uses: the member's choice, or the best pair (rules, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.errors import ErrorCode
from domain.money import split
from domain.pricing import texts
from domain.pricing.coupons import ShippingCoupon, Verdict
from domain.pricing.delivery import Delivery
from domain.pricing.inputs import Coupon, QuoteRequest
from domain.pricing.points import spend_points
from domain.pricing.results import Facts, Problem
from domain.pricing.worksheet import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """At most one goods coupon and one shipping coupon; one may turn out to take nothing off."""

    goods: Coupon | None = None
    shipping: Coupon | None = None
    problems: tuple[Problem, ...] = ()


def choose_coupons(
    request: QuoteRequest,
    sheet: Sheet,
    delivery: Delivery,
    goods: Sequence[Verdict],
    shipping: Sequence[ShippingCoupon],
) -> Choice:
    """Choose the coupons of an order as steps 1 to 3 left it; `goods` judges the goods coupons."""
    if not request.buyer.may_use_what_they_have:
        return _without_consent(request)
    if request.best_coupons:
        return _best(request, sheet, delivery, goods, shipping)
    return _chosen(request)


def _without_consent(request: QuoteRequest) -> Choice:
    """Take none: coupons need the agreements that points need."""
    if request.best_coupons or not request.coupon_ids:
        return Choice()
    return Choice(problems=(_problem(0, ErrorCode.CONSENT_REQUIRED, texts.COUPONS_NEED_CONSENT),))


def _chosen(request: QuoteRequest) -> Choice:
    """Take the member's choice; a repeated id counts once, a second of a kind is a problem."""
    by_id = {coupon.id: coupon for coupon in request.coupons}
    places: dict[bool, Coupon] = {}
    problems = []
    for index, coupon_id in enumerate(request.coupon_ids):
        coupon = by_id.get(coupon_id)
        if coupon is None:
            problems.append(_problem(index, ErrorCode.NOT_FOUND, texts.COUPON_NOT_FOUND))
            continue
        if places.setdefault(coupon.is_for_shipping, coupon) is not coupon:
            message = (
                texts.ONE_SHIPPING_COUPON if coupon.is_for_shipping else texts.ONE_GOODS_COUPON
            )
            problems.append(_problem(index, ErrorCode.COUPON_NOT_APPLICABLE, message))
    return Choice(goods=places.get(False), shipping=places.get(True), problems=tuple(problems))


def refusal_of_chosen(request: QuoteRequest, verdict: Verdict | None) -> list[Problem]:
    """Say that a chosen coupon may not be used; finding nothing left to take off is no problem."""
    if verdict is None or verdict.reason is None or not verdict.is_refusal:
        return []
    index = request.coupon_ids.index(verdict.coupon.id)
    code = ErrorCode.COUPON_NOT_APPLICABLE
    return [_problem(index, code, verdict.reason, verdict.facts)]


def _problem(index: int, code: ErrorCode, message: str, facts: Facts | None = None) -> Problem:
    return Problem(code=code, message=message, path=("couponIds", str(index)), facts=facts or {})


class _Rank(NamedTuple):
    """How good a set of coupons is, smallest first; compared field by field.

    Points the member asked for stay usable if any set allows it; then the lowest payable. Of
    equals, the one that consumes fewer coupons, expires earliest, has the lowest ids.
    """

    loses_points: bool
    payable_fen: int
    coupons: int
    expiries: tuple[datetime, ...]
    ids: tuple[UUID, ...]


def _best(
    request: QuoteRequest,
    sheet: Sheet,
    delivery: Delivery,
    goods: Sequence[Verdict],
    shipping: Sequence[ShippingCoupon],
) -> Choice:
    """Try every set of coupons that each take something off, and none: the true optimum."""
    _, best = min(
        _sets(sheet, delivery, goods, shipping),
        key=lambda candidate: _rank(request, delivery, *candidate),
    )
    coupons = {verdict.coupon.is_for_shipping: verdict.coupon for verdict in best}
    return Choice(goods=coupons.get(False), shipping=coupons.get(True))


def _sets(
    sheet: Sheet,
    delivery: Delivery,
    goods: Sequence[Verdict],
    shipping: Sequence[ShippingCoupon],
) -> Iterator[tuple[int, tuple[Verdict, ...]]]:
    """Give the sets of coupons worth comparing, with the goods payable after step 4 each leaves.

    Beside one goods coupon, or none, only the best shipping coupon can be part of the best set.
    """
    before = [line.left_fen for line in sheet.lines]
    for goods_coupon in (None, *(verdict for verdict in goods if verdict.off_fen)):
        chosen = (goods_coupon,) if goods_coupon else ()
        lefts = _lefts_after(before, goods_coupon) if goods_coupon else before
        after = sum(lefts)
        yield after, chosen
        fee_fen = delivery.fee_after_tier_fen(after)
        best = _best_for_shipping(shipping, lefts, fee_fen) if fee_fen else None
        if best is not None:
            yield after, (*chosen, best.judge(lefts, fee_fen))


def _best_for_shipping(
    coupons: Sequence[ShippingCoupon], lefts: Sequence[int], fee_fen: int
) -> ShippingCoupon | None:
    """Return the one that takes most off; of equals the one that expires first, has the lowest id.

    It is asked for beside every goods coupon, so no reasons are made here.
    """
    offs = [(each.off_fen(lefts, fee_fen), each) for each in coupons]
    most = max((off_fen for off_fen, _ in offs), default=0)
    if not most:
        return None
    return min(
        (each for off_fen, each in offs if off_fen == most),
        key=lambda each: (each.coupon.valid_until, each.coupon.id),
    )


def _lefts_after(lefts: Sequence[int], verdict: Verdict) -> list[int]:
    after = list(lefts)
    weights = [lefts[place] for place in verdict.places]
    for place, share in zip(verdict.places, split(verdict.off_fen, weights), strict=True):
        after[place] -= share
    return after


def _rank(
    request: QuoteRequest, delivery: Delivery, goods_fen: int, chosen: tuple[Verdict, ...]
) -> _Rank:
    spending = spend_points(request, goods_fen)
    shipping_off_fen = sum(v.off_fen for v in chosen if v.coupon.is_for_shipping)
    fee_fen = delivery.fee_after_tier_fen(goods_fen)
    return _Rank(
        loses_points=spending.problem is not None,
        payable_fen=goods_fen - spending.off_fen + fee_fen - shipping_off_fen,
        coupons=len(chosen),
        expiries=tuple(sorted(verdict.coupon.valid_until for verdict in chosen)),
        ids=tuple(sorted(verdict.coupon.id for verdict in chosen)),
    )
