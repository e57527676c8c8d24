"""Integer money and points: bounds, the two roundings, and splitting by largest remainder.

Nothing else in the project rounds (rules, section 0). Amounts are whole fen, rates whole basis
points; no float and no Decimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

MAX_FEN = 2**53 - 1
"""The largest amount on the wire, so that a JavaScript client reads it exactly."""

WHOLE_BPS = 10_000
"""Basis points of a whole: 100 % = 10 000."""


class AmountOutOfRange(ValueError):
    """An amount lies beyond ±(2^53 − 1), or below zero where it can't."""


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of fen (CNY) within ±(2^53 − 1); adds to and compares with money only."""

    fen: int

    def __post_init__(self) -> None:
        """Refuse what is not whole fen, or beyond the bound."""
        if type(self.fen) is not int:
            raise TypeError(f"Money is whole fen, not {self.fen!r}")
        if not -MAX_FEN <= self.fen <= MAX_FEN:
            raise AmountOutOfRange(f"{self.fen} fen is beyond ±(2^53 − 1)")

    def __add__(self, other: Self) -> Self:
        """Return the sum."""
        return type(self)(self.fen + other.fen) if type(other) is type(self) else NotImplemented

    def __sub__(self, other: Self) -> Self:
        """Return the difference."""
        return type(self)(self.fen - other.fen) if type(other) is type(self) else NotImplemented

    def __neg__(self) -> Self:
        """Return the opposite amount."""
        return type(self)(-self.fen)


@dataclass(frozen=True, slots=True, order=True)
class Points:
    """A number of points, never below zero; adds to and compares with points only."""

    count: int

    def __post_init__(self) -> None:
        """Refuse what is not a whole number of points."""
        if type(self.count) is not int:
            raise TypeError(f"Points are whole, not {self.count!r}")
        if not 0 <= self.count <= MAX_FEN:
            raise AmountOutOfRange(f"{self.count} points are not between 0 and 2^53 − 1")

    def __add__(self, other: Self) -> Self:
        """Return the sum."""
        return type(self)(self.count + other.count) if type(other) is type(self) else NotImplemented

    def __sub__(self, other: Self) -> Self:
        """Return what is left; fewer than none is refused."""
        return type(self)(self.count - other.count) if type(other) is type(self) else NotImplemented


def to_pay_fen(base_fen: int, pay_bps: int) -> int:
    """Return `pay_bps` of a base, rounded half up to a fen: what is to be paid of it."""
    return (2 * base_fen * pay_bps + WHOLE_BPS) // (2 * WHOLE_BPS)


def floor_bps(base: int, rate_bps: int) -> int:
    """Return a rate of a base, rounded down."""
    return base * rate_bps // WHOLE_BPS


def worth_fen(points: int, per_yuan: int) -> int:
    """Return what points are worth at so many a yuan, rounded half up to a fen."""
    return (2 * 100 * points + per_yuan) // (2 * per_yuan)


def floor_per_yuan(amount_fen: int, per_yuan: int, multipliers_bps: Sequence[int] = ()) -> int:
    """Return what an amount earns at so much a yuan, floored once on the exact product."""
    product, divisor = amount_fen * per_yuan, 100
    for multiplier_bps in multipliers_bps:
        product *= multiplier_bps
        divisor *= WHOLE_BPS
    return product // divisor


def split(amount: int, weights: Sequence[int], caps: Sequence[int] | None = None) -> list[int]:
    """Split an amount in proportion to weights by largest remainder; the shares add up to it.

    Ties go to the earlier share. With `caps`, no share exceeds its cap; what a full share can't
    take is split again over the others.

    Raises:
        ValueError: nothing weighs, or the caps can't hold the amount.
    """
    if caps is None:
        return _split_once(amount, weights)
    shares = [0] * len(weights)
    open_places = list(range(len(weights)))
    left = amount
    while left:
        open_places = [place for place in open_places if shares[place] < caps[place]]
        more = _split_once(left, [weights[place] for place in open_places])
        for place, share in zip(open_places, more, strict=True):
            taken = min(share, caps[place] - shares[place])
            shares[place] += taken
            left -= taken
    return shares


def _split_once(amount: int, weights: Sequence[int]) -> list[int]:
    if amount < 0 or any(weight < 0 for weight in weights):
        raise ValueError("neither an amount to split nor a weight is below zero")
    if amount == 0:
        return [0] * len(weights)
    total = sum(weights)
    if total == 0:
        raise ValueError(f"{amount} can't be split: nothing weighs")
    shares = [amount * weight // total for weight in weights]
    left_over = amount - sum(shares)
    if left_over:
        # Python's sort is stable, so equal remainders stay in order: the earlier one wins.
        by_remainder = sorted(
            range(len(weights)), key=lambda place: -(amount * weights[place] % total)
        )
        for place in by_remainder[:left_over]:
            shares[place] += 1
    return shares


def split_runs(amount: int, runs: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Split an amount over units given as runs of (count, weight of each unit).

    Answers with each run as (count, share of each unit) pieces, in order: exactly what `split`
    gives the units one by one, without spelling them out. At most one run comes in two pieces.

    Raises:
        ValueError: no unit weighs anything.
    """
    if amount == 0:
        return [[(count, 0)] for count, _ in runs]
    total = sum(count * weight for count, weight in runs)
    if total == 0:
        raise ValueError(f"{amount} can't be split: nothing weighs")
    shares = [amount * weight // total for _, weight in runs]
    left_over = amount - sum(count * share for (count, _), share in zip(runs, shares, strict=True))
    extras = [0] * len(runs)
    if left_over:
        for place in sorted(range(len(runs)), key=lambda place: -(amount * runs[place][1] % total)):
            extras[place] = min(left_over, runs[place][0])
            left_over -= extras[place]
            if not left_over:
                break
    return [
        _pieces(count, share, extra)
        for (count, _), share, extra in zip(runs, shares, extras, strict=True)
    ]


def _pieces(count: int, share: int, extra: int) -> list[tuple[int, int]]:
    if extra == 0:
        return [(count, share)]
    if extra == count:
        return [(count, share + 1)]
    return [(extra, share + 1), (count - extra, share)]
