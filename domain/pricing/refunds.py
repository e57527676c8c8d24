"""What refunding some units of a line gives back: their stored shares (rules, section 0)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.pricing.results import UnitShares


class RefundShares(NamedTuple):
    """Money to pay back, points to return, and points and growth to take back."""

    payable_fen: int
    points_spent: int
    points_to_earn: int
    growth_to_earn: int


def refund_shares(
    units: Sequence[UnitShares], already_refunded: int, quantity: int
) -> RefundShares:
    """Return the shares of the next `quantity` units of a line after those already refunded.

    Units go in their stored order, so any sequence of partial refunds adds up to one refund of
    all: each is a difference of two sums over the first units.

    Raises:
        ValueError: the line hasn't that many units left.
    """
    left = sum(unit.pieces for unit in units) - already_refunded
    if already_refunded < 0 or not 0 <= quantity <= left:
        raise ValueError(f"{quantity} units can't be refunded: {left} are left")
    until = _first(units, already_refunded + quantity)
    before = _first(units, already_refunded)
    return RefundShares(*(high - low for high, low in zip(until, before, strict=True)))


def _first(units: Sequence[UnitShares], quantity: int) -> RefundShares:
    """Add up the shares of a line's first units."""
    totals = [0, 0, 0, 0]
    for unit in units:
        pieces = min(unit.pieces, quantity)
        quantity -= pieces
        shares = (
            unit.payable_fen,
            unit.points_spent,
            unit.points_to_earn,
            unit.growth_to_earn,
        )
        for place, share in enumerate(shares):
            totals[place] += pieces * share
    return RefundShares(*totals)
