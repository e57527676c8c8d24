"""How points move between lots: spent, given back, taken back (docs/rules.md, section 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of points that were earned together."""

    id: UUID
    remaining: int


@dataclass(frozen=True, slots=True)
class LotPart:
    """So many points of a lot."""

    lot_id: UUID
    points: int


@dataclass(frozen=True, slots=True)
class Use:
    """What a spending took from a lot and has not been given back yet."""

    id: UUID
    lot_id: UUID
    points: int
    expires_at: datetime
    is_written_off: bool


@dataclass(frozen=True, slots=True)
class UsePart:
    """So many points of a use."""

    use_id: UUID
    points: int


@dataclass(frozen=True, slots=True)
class Return:
    """Where points go that are given back: to living lots, and `late` ones to a new lot."""

    uses: tuple[UsePart, ...]
    lots: tuple[LotPart, ...]
    late: int

    @property
    def points(self) -> int:
        """Return how many points come back in all."""
        return sum(part.points for part in self.uses)


@dataclass(frozen=True, slots=True)
class OwnLot:
    """The lot of what is taken back: what is left, and what expired and was not let go yet."""

    id: UUID
    remaining: int
    expired: int


@dataclass(frozen=True, slots=True)
class Claw:
    """How points are taken back: from lots, let go because they had expired, or owed."""

    parts: tuple[LotPart, ...]
    forgiven: int
    debt: int

    @property
    def taken(self) -> int:
        """Return how many points the lots give."""
        return sum(part.points for part in self.parts)


def take(lots: Iterable[Lot], points: int) -> list[LotPart] | None:
    """Share points out over lots in their order; None when they hold too little."""
    parts = []
    for lot in lots:
        part = min(points, lot.remaining)
        if part:
            parts.append(LotPart(lot.id, part))
            points -= part
        if not points:
            break
    return None if points else parts


def give_back_plan(uses: Sequence[Use], points: int, *, now: datetime) -> Return:
    """Plan a return: the lots taken last, those that expire last, come first.

    So any sequence of returns ends where one return of everything would. A lot that has expired
    by `now`, whether a job has written it off or not, gets nothing: its points come late. Asked
    for more than is left, it plans what is left.
    """
    used, back, late = [], [], 0
    for use in sorted(uses, key=lambda use: (use.expires_at, use.lot_id), reverse=True):
        part = min(points, use.points)
        if not part:
            continue
        points -= part
        used.append(UsePart(use.id, part))
        if use.is_written_off or use.expires_at <= now:
            late += part
        else:
            back.append(LotPart(use.lot_id, part))
    return Return(tuple(used), tuple(back), late)


def claw(own: OwnLot | None, others: Iterable[Lot], points: int) -> Claw:
    """Plan taking back points: from their own lot, then from others in their order, then as debt.

    What expired of the own lot is let go, once: it is not taken from elsewhere.
    """
    parts, forgiven = [], 0
    if own is not None:
        part = min(points, own.remaining)
        if part:
            parts.append(LotPart(own.id, part))
        forgiven = min(points - part, own.expired)
        points -= part + forgiven
    for lot in others:
        part = min(points, lot.remaining)
        if part:
            parts.append(LotPart(lot.id, part))
            points -= part
    return Claw(tuple(parts), forgiven, points)


def capped(points: int, given: int, cap: int) -> int:
    """Return how many of the points a cap still lets through, when so many were given before."""
    return max(0, min(points, cap - given))
