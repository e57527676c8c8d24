"""Making an order while the gate holds its pieces: early no, then PostgreSQL's word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from domain.stock_gate import GateAnswer
from models import database
from services.stock import Quantities, StockGate


class SoldOut(Exception):
    """There are fewer pieces than wanted; `left` says how many, by SKU that is short."""

    def __init__(self, left: Mapping[UUID, int]) -> None:
        super().__init__("sold out")
        self.left = left


async def held(
    gate: StockGate,
    hold_id: str,
    quantities: Quantities,
    made_id: UUID,
    write: Callable[[], Awaitable[UUID]],
) -> UUID:
    """Hold the pieces, run `write` (repeated after a deadlock), and tell the gate how it ended.

    `write` answers with `made_id`, or with what an earlier request under its key made; then, and
    when it raises, the hold gives its pieces back.

    Raises:
        SoldOut: the gate said so, or `write` did: then the gate counts these SKUs anew.
    """
    hold = await gate.hold(hold_id, quantities)
    if hold.answer is GateAnswer.REFUSED:
        raise SoldOut(hold.left)
    try:
        made = await database.retrying(write)
    except SoldOut as sold_out:
        await gate.release(hold)
        await gate.recount(sold_out.left)
        raise
    except BaseException:
        await gate.release(hold)
        raise
    await (gate.commit(hold) if made == made_id else gate.release(hold))
    return made
