"""The quote: the steps of section 5, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.errors import DomainError, ErrorCode
from domain.money import MAX_FEN, split, split_runs
from domain.pricing import texts
from domain.pricing.choice import choose_coupons, refusal_of_chosen
from domain.pricing.coupons import (
    ShippingCoupon,
    Verdict,
    coupon_hints,
    judge_goods_coupon,
    unusable_coupons,
    usable_coupons,
)
from domain.pricing.delivery import Delivery
from domain.pricing.inputs import (
    Coupon,
    DiscountKind,
    FullReduction,
    LimitedTimePrice,
    QuantityDiscount,
    QuoteRequest,
)
from domain.pricing.points import spend_points, with_earnings
from domain.pricing.quantity import apply_quantity_discounts
from domain.pricing.reduction import apply_full_reductions
from domain.pricing.results import Discount, Hint, Problem, Quote, QuotedLine, UnitShares
from domain.pricing.selling import apply_selling_prices
from domain.pricing.worksheet import Sheet, SheetLine


class OrderTooLarge(DomainError):
    """An amount of the order lies beyond 2^53 − 1 and can't be put on the wire."""

    code = ErrorCode.INVALID_INPUT
    message = texts.ORDER_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(path=("lines",))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShippingPrice:
    """Step 6: the template's fee, what came off it, and what every shipping coupon would do."""

    fee_fen: int
    discounts: tuple[Discount, ...]
    verdicts: Sequence[Verdict]
    coupon: Verdict | None

    @property
    def shipping_fen(self) -> int:
        """Return what is left to pay."""
        return self.fee_fen - sum(discount.amount_fen for discount in self.discounts)


def quote(request: QuoteRequest) -> Quote:
    """Return the price of an order, every fen off with its cause; the same in, the same out.

    Raises:
        OrderTooLarge: an amount is beyond 2^53 − 1.
    """
    sheet = Sheet(request.lines)
    goods_total_fen = _bounded(sheet.left_fen)
    hints = _apply_promotions(request, sheet)  # Steps 1 to 3.

    delivery = Delivery.of(request)
    goods_verdicts = _judge_goods_coupons(request, sheet)
    shipping_coupons = [
        ShippingCoupon.of(coupon, sheet.lines)
        for coupon in request.coupons
        if coupon.is_for_shipping
    ]
    choice = choose_coupons(request, sheet, delivery, goods_verdicts, shipping_coupons)
    goods_coupon = _verdict_on(choice.goods, goods_verdicts)
    _apply_goods_coupon(sheet, goods_coupon)  # Step 4.
    goods_fen = sheet.left_fen

    # Step 6 goes by what step 4 left, and points take nothing off shipping: so it can be priced
    # here, before step 5 changes the sheet.
    shipping = _price_shipping(sheet, delivery, shipping_coupons, choice.shipping)
    spending = spend_points(request, goods_fen)
    sheet.take_off(spending.cause, spending.off_fen, sheet.lines)  # Step 5.

    hints += coupon_hints(goods_verdicts, _off_fen(goods_coupon))
    hints += coupon_hints(shipping.verdicts, _off_fen(shipping.coupon))
    hints += delivery.hints(goods_fen=goods_fen, shipping_fen=shipping.shipping_fen)
    problems = [
        *choice.problems,
        *refusal_of_chosen(request, goods_coupon),
        *refusal_of_chosen(request, shipping.coupon),
        *_given(spending.problem),
        *_given(delivery.problem),
    ]
    earned = with_earnings(_paid_units(sheet, spending.points), request.buyer, request.rules)
    verdicts = [*goods_verdicts, *shipping.verdicts]
    return Quote(
        lines=tuple(map(_quoted_line, sheet.lines, earned.lines)),
        goods_total_fen=goods_total_fen,
        discount_total_fen=goods_total_fen - goods_fen,
        points_spent=spending.points,
        points_off_fen=spending.off_fen,
        shipping_fee_fen=shipping.fee_fen,
        shipping_fen=shipping.shipping_fen,
        payable_fen=_bounded(sheet.left_fen + shipping.shipping_fen),
        points_to_earn=_bounded(earned.points),
        growth_to_earn=_bounded(earned.growth),
        discounts=(*sheet.discounts, *shipping.discounts),
        coupon_ids=tuple(
            verdict.coupon.id
            for verdict in (goods_coupon, shipping.coupon)
            if verdict is not None and verdict.off_fen
        ),
        usable_coupons=usable_coupons(verdicts),
        unusable_coupons=unusable_coupons(verdicts),
        max_points_to_spend=spending.max_points,
        max_points_off_fen=spending.max_off_fen,
        hints=tuple(hints),
        problems=tuple(problems),
    )


def _bounded(amount: int) -> int:
    if amount > MAX_FEN:
        raise OrderTooLarge
    return amount


def _apply_promotions(request: QuoteRequest, sheet: Sheet) -> list[Hint]:
    """Take steps 1 to 3 off, each promotion in its own step; answers with what they hint at."""
    limited, by_quantity, reductions = [], [], []
    for promotion in request.promotions:
        match promotion:
            case LimitedTimePrice():
                limited.append(promotion)
            case QuantityDiscount():
                by_quantity.append(promotion)
            case FullReduction():
                reductions.append(promotion)
    apply_selling_prices(sheet, request.buyer.tier, limited)
    return [
        *apply_quantity_discounts(sheet, by_quantity),
        *apply_full_reductions(sheet, reductions),
    ]


def _judge_goods_coupons(request: QuoteRequest, sheet: Sheet) -> list[Verdict]:
    return [
        judge_goods_coupon(coupon, sheet.lines)
        for coupon in request.coupons
        if not coupon.is_for_shipping
    ]


def _apply_goods_coupon(sheet: Sheet, verdict: Verdict | None) -> None:
    if verdict:
        lines = [sheet.lines[place] for place in verdict.places]
        sheet.take_off(verdict.cause, verdict.off_fen, lines)


def _price_shipping(
    sheet: Sheet, delivery: Delivery, coupons: Sequence[ShippingCoupon], chosen: Coupon | None
) -> _ShippingPrice:
    """Price step 6 on the sheet as step 4 left it."""
    goods_fen = sheet.left_fen
    fee_fen = delivery.fee_fen(goods_fen)
    after_tier_fen = delivery.fee_after_tier_fen(goods_fen)
    lefts = [line.left_fen for line in sheet.lines]
    verdicts = [each.judge(lefts, after_tier_fen) for each in coupons]
    coupon = _verdict_on(chosen, verdicts)
    discounts = []
    if fee_fen > after_tier_fen:
        discounts.append(delivery.tier_cause.discount(fee_fen - after_tier_fen))
    if coupon and coupon.off_fen:
        discounts.append(coupon.cause.discount(coupon.off_fen))
    return _ShippingPrice(
        fee_fen=fee_fen, discounts=tuple(discounts), verdicts=verdicts, coupon=coupon
    )


def _verdict_on(coupon: Coupon | None, verdicts: Iterable[Verdict]) -> Verdict | None:
    return next((verdict for verdict in verdicts if verdict.coupon is coupon), None)


def _off_fen(verdict: Verdict | None) -> int:
    return verdict.off_fen if verdict else 0


def _given(problem: Problem | None) -> tuple[Problem, ...]:
    return (problem,) if problem else ()


def _paid_units(sheet: Sheet, points_spent: int) -> list[list[UnitShares]]:
    """Turn the sheet's runs into units, the points spent split as the money they took off is."""
    points_by_line = split(points_spent, [_points_off_fen(line) for line in sheet.lines])
    return [
        [
            UnitShares(pieces, run.shares_fen, points, run.left_fen, 0, 0)
            for run, parts in zip(line.runs, _points_of_runs(line, line_points), strict=True)
            for pieces, points in parts
        ]
        for line, line_points in zip(sheet.lines, points_by_line, strict=True)
    ]


def _points_of_runs(line: SheetLine, points: int) -> list[list[tuple[int, int]]]:
    if points == 0:
        return [[(run.pieces, 0)] for run in line.runs]
    return split_runs(points, [(run.pieces, run.shares_fen[-1]) for run in line.runs])


def _points_off_fen(line: SheetLine) -> int:
    """Return what points took off a line: theirs is the last step on the sheet."""
    last = line.discounts[-1] if line.discounts else None
    return last.amount_fen if last and last.kind is DiscountKind.POINTS else 0


def _quoted_line(line: SheetLine, units: tuple[UnitShares, ...]) -> QuotedLine:
    goods_total_fen = line.line.list_price_fen * line.line.quantity
    points_off_fen = _points_off_fen(line)
    return QuotedLine(
        sku_id=line.line.sku_id,
        quantity=line.line.quantity,
        unit_price_fen=line.line.list_price_fen,
        goods_total_fen=goods_total_fen,
        discounts=tuple(line.discounts),
        discount_total_fen=goods_total_fen - line.left_fen - points_off_fen,
        points_off_fen=points_off_fen,
        points_spent=sum(unit.pieces * unit.points_spent for unit in units),
        payable_fen=line.left_fen,
        points_to_earn=sum(unit.pieces * unit.points_to_earn for unit in units),
        growth_to_earn=sum(unit.pieces * unit.growth_to_earn for unit in units),
        units=units,
    )
