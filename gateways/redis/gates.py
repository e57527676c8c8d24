"""The stock gate and the flash gate behind one port: who frees pieces needn't tell them apart."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from domain.stock_gate import Claimable, Freed, StockDrift, StockHold
from gateways.redis.stock_gate import StockGate


class ClaimedPieces(Protocol):
    """The side of the flash gate that pieces of cancelled orders come back to."""

    async def give_back(self, claimable: Claimable) -> None:
        """Make pieces claimable again, and take them off the member's; never fails."""


class Gates:
    """What orders hold, at the stock gate; what they free, at the gate that has it."""

    def __init__(self, stock: StockGate, flash: ClaimedPieces) -> None:
        self._stock = stock
        self._flash = flash

    async def hold(self, hold_id: str, quantities: Mapping[UUID, int]) -> StockHold:
        """Hold all the pieces or none, once for each hold id."""
        return await self._stock.hold(hold_id, quantities)

    async def commit(self, hold: StockHold) -> None:
        """Tell the gate that PostgreSQL has committed the reservation."""
        await self._stock.commit(hold)

    async def release(self, hold: StockHold) -> None:
        """Give back what the hold took, since no order was made."""
        await self._stock.release(hold)

    async def free(self, freed: Freed) -> None:
        """Add pieces that PostgreSQL has made available or claimable again."""
        await asyncio.gather(
            self._stock.free(freed), *(self._flash.give_back(each) for each in freed.claimable)
        )

    async def recount(self, sku_ids: Collection[UUID]) -> None:
        """Have these counts read anew: PostgreSQL refused what the gate held."""
        await self._stock.recount(sku_ids)

    async def reconcile(self) -> list[StockDrift]:
        """Compare every SKU's count with PostgreSQL; drop and return those that are wrong.

        Items of flash sales are compared by their own sweep.
        """
        return await self._stock.reconcile()
