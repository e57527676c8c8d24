"""The sheet that the steps of a quote write on: what is left on each line and unit, and why.

The one mutable thing in pricing; it lives as long as one `quote` call. Units are kept as runs of
equal neighbours, so that 99 pieces cost no more than a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.money import split, split_runs
from domain.pricing.inputs import DiscountKind, Line
from domain.pricing.results import Discount, Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why money comes off: a `Discount` without its amount."""

    kind: DiscountKind
    title: str
    facts: Facts
    source_id: UUID | None = None

    def discount(self, amount_fen: int) -> Discount:
        """Return this cause with the amount it took off."""
        return Discount(
            kind=self.kind,
            title=self.title,
            facts=self.facts,
            amount_fen=amount_fen,
            source_id=self.source_id,
        )


@dataclass(slots=True)
class UnitRun:
    """Equal neighbouring units of a line: what is left on each, and its share of each discount."""

    pieces: int
    left_fen: int
    shares_fen: tuple[int, ...] = ()


class SheetLine:
    """One line as the steps leave it: `left_fen` on the whole line and on each of its units."""

    __slots__ = ("discounts", "left_fen", "line", "runs")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.left_fen = line.list_price_fen * line.quantity
        self.runs = [UnitRun(line.quantity, line.list_price_fen)]
        self.discounts: list[Discount] = []

    @property
    def is_campaign(self) -> bool:
        """Tell whether this is a line of a flash sale or group buy."""
        return self.line.campaign is not None

    @property
    def unit_left_fen(self) -> int:
        """Return what is left on the dearest unit."""
        return max(run.left_fen for run in self.runs)

    def take_off(self, cause: Cause, off_fen: int) -> None:
        """Take an amount off this line, split over its units by what is left on each."""
        assert 0 <= off_fen <= self.left_fen, "a discount never exceeds what is left on its line"
        if off_fen == 0:
            return
        pieces_by_run = split_runs(off_fen, [(run.pieces, run.left_fen) for run in self.runs])
        self.runs = [
            UnitRun(pieces, run.left_fen - share, (*run.shares_fen, share))
            for run, parts in zip(self.runs, pieces_by_run, strict=True)
            for pieces, share in parts
        ]
        self.left_fen -= off_fen
        self.discounts.append(cause.discount(off_fen))


class Sheet:
    """All lines of the order, and the discounts of the whole order in the order they came."""

    __slots__ = ("discounts", "lines")

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = [SheetLine(line) for line in lines]
        self.discounts: list[Discount] = []

    @property
    def left_fen(self) -> int:
        """Return what is left to pay for all goods."""
        return sum(line.left_fen for line in self.lines)

    def take_off(
        self,
        cause: Cause,
        off_fen: int,
        lines: Sequence[SheetLine],
        weights: Sequence[int] | None = None,
    ) -> None:
        """Take an amount off these lines, split over them by what is left or by given weights.

        A weight must not exceed what is left on its line, and all together must hold the amount.
        """
        if weights is None:
            weights = [line.left_fen for line in lines]
        for line, share in zip(lines, split(off_fen, weights), strict=True):
            line.take_off(cause, share)
        self.record(cause, off_fen)

    def record(self, cause: Cause, off_fen: int) -> None:
        """Note a discount of the whole order; one that took nothing off leaves no trace."""
        if off_fen:
            self.discounts.append(cause.discount(off_fen))
