"""The stored form of a line's discounts and units: plain JSON values, units as compact rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict
from uuid import UUID

from domain.pricing.inputs import DiscountKind
from domain.pricing.results import Discount, UnitShares

UnitRow = tuple[int, list[int], int, int, int, int]
"""One `UnitShares`: pieces, fen of each discount, points spent, payable fen, points, growth."""


class StoredDiscount(TypedDict):
    """One `Discount` as stored."""

    kind: str
    title: str
    facts: dict[str, str | int]
    amount_fen: int
    source_id: str | None


def discounts_to_json(discounts: Iterable[Discount]) -> list[StoredDiscount]:
    """Return discounts as plain values."""
    return [
        StoredDiscount(
            kind=discount.kind.value,
            title=discount.title,
            facts=dict(discount.facts),
            amount_fen=discount.amount_fen,
            source_id=str(discount.source_id) if discount.source_id else None,
        )
        for discount in discounts
    ]


def discounts_from_json(stored: Iterable[StoredDiscount]) -> tuple[Discount, ...]:
    """Read stored discounts."""
    return tuple(
        Discount(
            kind=DiscountKind(row["kind"]),
            title=row["title"],
            facts=row["facts"],
            amount_fen=row["amount_fen"],
            source_id=UUID(row["source_id"]) if row["source_id"] else None,
        )
        for row in stored
    )


def units_to_json(units: Iterable[UnitShares]) -> list[UnitRow]:
    """Return units as rows of integers."""
    return [
        (
            unit.pieces,
            list(unit.discounts_fen),
            unit.points_spent,
            unit.payable_fen,
            unit.points_to_earn,
            unit.growth_to_earn,
        )
        for unit in units
    ]


def units_from_json(rows: Iterable[Sequence[Any]]) -> tuple[UnitShares, ...]:
    """Read stored units."""
    return tuple(
        UnitShares(pieces, tuple(discounts_fen), points_spent, payable_fen, points, growth)
        for pieces, discounts_fen, points_spent, payable_fen, points, growth in rows
    )
