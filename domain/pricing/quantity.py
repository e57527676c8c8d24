"""Step 2: quantity discounts, 第2件半价 and 3件8折 (rules, section 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.money import to_pay_fen
from domain.pricing import texts
from domain.pricing.greedy import Offer, Round, apply_greedily
from domain.pricing.inputs import DiscountKind, QuantityDiscount, QuantityRule
from domain.pricing.results import Hint
from domain.pricing.worksheet import Sheet, SheetLine


def apply_quantity_discounts(sheet: Sheet, discounts: Iterable[QuantityDiscount]) -> list[Hint]:
    """Take the quantity discounts off; answers with how many pieces the others miss."""
    rounds = apply_greedily(sheet, DiscountKind.QUANTITY_DISCOUNT, discounts, _assess)
    return [_hint(each) for each in rounds if each.pieces < each.promotion.pieces]


def _assess(discount: QuantityDiscount, lines: Sequence[SheetLine]) -> Offer | None:
    if sum(line.line.quantity for line in lines) < discount.pieces:
        return None
    if discount.rule is QuantityRule.FROM_PIECES:
        return _all_pieces(discount, lines)
    return _every_nth_piece(discount, lines)


def _all_pieces(discount: QuantityDiscount, lines: Sequence[SheetLine]) -> Offer:
    weights = [line.left_fen for line in lines]
    base_fen = sum(weights)
    return Offer(off_fen=base_fen - to_pay_fen(base_fen, discount.pay_bps), weights=weights)


def _every_nth_piece(discount: QuantityDiscount, lines: Sequence[SheetLine]) -> Offer:
    """Discount every n-th piece, dearest first, ties by line.

    The percentage is applied once, to the discounted pieces together. All pieces of full groups
    share what it takes off, so that returning one of a pair gives back neither the whole price nor
    the half one; a piece left over pays its price and shares nothing.
    """
    step = discount.pieces
    grouped = sum(line.line.quantity for line in lines) // step * step
    base_fen, position = 0, 0
    weights = [0] * len(lines)
    for place in sorted(range(len(lines)), key=lambda place: -lines[place].unit_left_fen):
        price_fen, pieces = lines[place].unit_left_fen, lines[place].line.quantity
        end = position + pieces
        base_fen += price_fen * (end // step - position // step)
        weights[place] = price_fen * max(0, min(end, grouped) - position)
        position = end
    return Offer(off_fen=base_fen - to_pay_fen(base_fen, discount.pay_bps), weights=weights)


def _hint(each: Round[QuantityDiscount]) -> Hint:
    missing = each.promotion.pieces - each.pieces
    return Hint(
        message=texts.HINT_ADD_FOR_PROMOTION,
        facts={"missing_pieces": missing, "title": each.promotion.title},
        missing_pieces=missing,
    )
