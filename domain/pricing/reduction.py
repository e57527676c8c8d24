"""Step 3: full reductions, 满减 (rules, section 5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.pricing import texts
from domain.pricing.greedy import Offer, Round, apply_greedily
from domain.pricing.inputs import DiscountKind, FullReduction
from domain.pricing.results import Hint
from domain.pricing.worksheet import Sheet, SheetLine


def apply_full_reductions(sheet: Sheet, reductions: Iterable[FullReduction]) -> list[Hint]:
    """Take the full reductions off; answers with what their next rungs miss."""
    rounds = apply_greedily(sheet, DiscountKind.FULL_REDUCTION, reductions, _assess)
    return [hint for each in rounds if (hint := _hint(each)) is not None]


def _assess(reduction: FullReduction, lines: Sequence[SheetLine]) -> Offer | None:
    weights = [line.left_fen for line in lines]
    spend_fen = sum(weights)
    reached = [rung.off_fen for rung in reduction.rungs if rung.min_spend_fen <= spend_fen]
    if not reached:
        return None
    return Offer(off_fen=min(max(reached), spend_fen), weights=weights)


def _hint(each: Round[FullReduction]) -> Hint | None:
    better = [
        rung
        for rung in each.promotion.rungs
        if rung.min_spend_fen > each.spend_fen and rung.off_fen > each.off_fen
    ]
    if not better:
        return None
    rung = min(better, key=lambda rung: (rung.min_spend_fen, -rung.off_fen))
    missing_fen = rung.min_spend_fen - each.spend_fen
    return Hint(
        message=texts.HINT_SPEND_FOR_RUNG,
        facts={
            "missing_fen": missing_fen,
            "min_spend_fen": rung.min_spend_fen,
            "off_fen": rung.off_fen,
            "title": each.promotion.title,
        },
        missing_fen=missing_fen,
    )
