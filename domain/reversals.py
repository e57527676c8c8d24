"""What refunding pieces of an order reverses: their stored shares (rules, section 0)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.errors import InvalidInput
from domain.pricing import RefundShares, UnitShares, refund_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversibleLine:
    """A paid line: how much of it was refunded, and of that never left the house (withdrawn)."""

    id: UUID
    sku_id: UUID | None
    quantity: int
    refunded_quantity: int
    withdrawn_quantity: int
    units: Sequence[UnitShares]


@dataclass(frozen=True, slots=True)
class LineReversal:
    """Pieces of a line and their shares."""

    line_id: UUID
    quantity: int
    shares: RefundShares


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPlan:
    """What a refund reverses, in fen, points and growth.

    `is_whole` tells that the order has nothing left after it; `is_unshipped` that, besides, none
    of its goods ever left the house. `stock` are the pieces by SKU that are on the shelf again.
    """

    lines: tuple[LineReversal, ...]
    goods_fen: int
    points_spent: int
    points_earned: int
    growth_earned: int
    stock: Mapping[UUID, int]
    is_whole: bool
    is_unshipped: bool


class NothingLeftToRefund(InvalidInput):
    """So many pieces of this line are not left, or it is no line of the order."""

    def __init__(self) -> None:
        super().__init__(path=("lines",), problem="These pieces can't be refunded.")


def plan_reversal(
    lines: Sequence[ReversibleLine], quantities: Mapping[UUID, int], *, before_shipment: bool
) -> ReversalPlan:
    """Plan the refund of the next so many pieces of some lines.

    Any sequence of plans adds up to one plan of everything: a line's units go in stored order.

    Raises:
        NothingLeftToRefund
    """
    by_id = {line.id: line for line in lines}
    if not quantities or not quantities.keys() <= by_id.keys():
        raise NothingLeftToRefund
    parts = tuple(_reverse(by_id[line_id], pieces) for line_id, pieces in quantities.items())
    left = sum(line.quantity - line.refunded_quantity for line in lines)
    is_whole = left == sum(part.quantity for part in parts)
    withdrawn = all(line.withdrawn_quantity == line.refunded_quantity for line in lines)
    return ReversalPlan(
        lines=parts,
        goods_fen=sum(part.shares.payable_fen for part in parts),
        points_spent=sum(part.shares.points_spent for part in parts),
        points_earned=sum(part.shares.points_to_earn for part in parts),
        growth_earned=sum(part.shares.growth_to_earn for part in parts),
        stock=_by_sku(by_id, quantities) if before_shipment else {},
        is_whole=is_whole,
        is_unshipped=is_whole and withdrawn and before_shipment,
    )


def _reverse(line: ReversibleLine, pieces: int) -> LineReversal:
    if not 1 <= pieces <= line.quantity - line.refunded_quantity:
        raise NothingLeftToRefund
    return LineReversal(line.id, pieces, refund_shares(line.units, line.refunded_quantity, pieces))


def _by_sku(
    lines: Mapping[UUID, ReversibleLine], quantities: Mapping[UUID, int]
) -> dict[UUID, int]:
    pieces: defaultdict[UUID, int] = defaultdict(int)
    for line_id, quantity in quantities.items():
        sku_id = lines[line_id].sku_id
        if sku_id is not None:
            pieces[sku_id] += quantity
    return dict(pieces)
