"""How the campaigns of one step share the lines: greedily (rules, section 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.pricing import texts
from domain.pricing.inputs import DiscountKind, FullReduction, QuantityDiscount
from domain.pricing.worksheet import Cause, Sheet, SheetLine

PromotionT = TypeVar("PromotionT", QuantityDiscount, FullReduction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a promotion would take off some lines; `weights` say how the lines share it."""

    off_fen: int
    weights: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round(Generic[PromotionT]):
    """A promotion after its step: the lines it had, or could have had, and what it took off."""

    promotion: PromotionT
    spend_fen: int
    pieces: int
    off_fen: int


Assess = Callable[[PromotionT, Sequence[SheetLine]], Offer | None]
"""Says what a promotion would take off the free lines in its scope; None when it doesn't apply."""


def apply_greedily(
    sheet: Sheet,
    kind: DiscountKind,
    promotions: Iterable[PromotionT],
    assess: Assess[PromotionT],
) -> list[Round[PromotionT]]:
    """Apply a step's promotions: most off first, ties to the lower id, until none applies.

    A line takes part in one promotion of a step; campaign lines in none. Answers with every
    promotion that had a line free in scope, applied or not, for the hints.
    """
    free = [line for line in sheet.lines if not line.is_campaign]
    waiting = {
        promotion.id: (promotion, [line for line in free if promotion.scope.covers(line.line)])
        for promotion in sorted(promotions, key=lambda promotion: promotion.id)
    }
    rounds: list[Round[PromotionT]] = []
    while True:
        best: tuple[PromotionT, list[SheetLine], Offer] | None = None
        for promotion, lines in waiting.values():
            offer = assess(promotion, lines) if lines else None
            if offer and offer.off_fen and (best is None or offer.off_fen > best[2].off_fen):
                best = (promotion, lines, offer)
        if best is None:
            break
        promotion, lines, offer = best
        rounds.append(_round(promotion, lines, offer.off_fen))
        sheet.take_off(_cause(kind, promotion), offer.off_fen, lines, offer.weights)
        del waiting[promotion.id]
        taken = set(lines)
        waiting = {
            key: (other, [line for line in lines if line not in taken])
            for key, (other, lines) in waiting.items()
        }
    rounds.extend(_round(promotion, lines, 0) for promotion, lines in waiting.values() if lines)
    return rounds


def _round(promotion: PromotionT, lines: Sequence[SheetLine], off_fen: int) -> Round[PromotionT]:
    return Round(
        promotion=promotion,
        spend_fen=sum(line.left_fen for line in lines),
        pieces=sum(line.line.quantity for line in lines),
        off_fen=off_fen,
    )


def _cause(kind: DiscountKind, promotion: QuantityDiscount | FullReduction) -> Cause:
    return Cause(
        kind=kind,
        title=texts.OWN_TITLE,
        facts={"title": promotion.title},
        source_id=promotion.id,
    )
