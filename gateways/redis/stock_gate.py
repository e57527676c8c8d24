"""The stock gate: counts in Redis that turn away orders for what is sold out.

It owns the keys `gate:{sku:<id>}` (a hash, described in `lua/gate_hold.lua`; it lives a day after
its last hold). PostgreSQL is the truth: a missing count is read from there, and when Redis is dead
or slow the gate answers UNAVAILABLE and PostgreSQL alone decides (rules, section 6).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from domain.stock_gate import Freed, GateAnswer, StockDrift, StockHold
from gateways.breaker import Breaker
from gateways.redis.connection import RedisClient
from gateways.redis.scripts import Script, run

AvailableOf = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, int]]]
"""Reads what PostgreSQL has available of each SKU; leaves out those it does not know."""

_Arguments = Sequence[str | int]

_LOG = structlog.get_logger(__name__)

_HOLD = Script.load("gate_hold")
_COMMIT = Script.load("gate_commit")
_RELEASE = Script.load("gate_release")
_GIVE_BACK = Script.load("gate_give_back")
_REBUILD = Script.load("gate_rebuild")
_INSPECT = Script.load("gate_inspect")
_DROP = Script.load("gate_drop")

_READINGS = 3
"""How often PostgreSQL is read again when reservations commit meanwhile."""
_SCAN_BATCH = 500


class _Unreachable(Exception):
    """Redis did not answer in time, or is being left alone."""


@dataclass(frozen=True, slots=True)
class StockGateConfig:
    """`hold_seconds` is how long an operation may take between its hold and its commit."""

    timeout_seconds: float = 0.1
    breaker_seconds: float = 1.0
    hold_seconds: int = 60
    idle_seconds: int = 86_400


class StockGate:
    """Holds pieces of SKUs while an order is being made; fails open, never oversells."""

    def __init__(
        self,
        client: RedisClient,
        available_of: AvailableOf,
        config: StockGateConfig | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._available_of = available_of
        self._config = config or StockGateConfig()
        self._clock = clock
        self._breaker = Breaker(self._config.breaker_seconds)

    @property
    def is_bypassed(self) -> bool:
        """Tell whether Redis is being left alone after a failure."""
        return self._breaker.is_open

    async def hold(self, hold_id: str, quantities: Mapping[UUID, int]) -> StockHold:
        """Hold all the pieces or none, once for each hold id.

        Every SKU that is short is named in `left`. Whatever the answer, pass the hold to `commit`
        or `release`; a REFUSED one has been given back already.
        """
        try:
            replies = await self._take(hold_id, quantities)
        except _Unreachable:
            # What did arrive is unknown; `release` then tries to give all of it back.
            return StockHold(hold_id, GateAnswer.UNAVAILABLE, quantities, frozenset(quantities))
        taken = frozenset(sku for sku, reply in replies.items() if reply[0] == "HELD")
        left = {sku: max(0, reply[1]) for sku, reply in replies.items() if reply[0] == "REFUSED"}
        if left:
            hold = StockHold(hold_id, GateAnswer.REFUSED, quantities, taken, left)
            await self.release(hold)
            return hold
        unknown = any(reply[0] == "MISSING" for reply in replies.values())
        answer = GateAnswer.UNAVAILABLE if unknown else GateAnswer.HELD
        return StockHold(hold_id, answer, quantities, taken)

    async def commit(self, hold: StockHold) -> None:
        """Tell the gate that PostgreSQL has committed the reservation; never fails."""
        await self._tell(_COMMIT, hold.quantities, hold.id, self._idle_ms)

    async def release(self, hold: StockHold) -> None:
        """Give back what this hold took, since no order was made; never fails."""
        await self._tell(_RELEASE, hold.taken, hold.id)

    async def free(self, freed: Freed) -> None:
        """Add pieces that PostgreSQL has made available again; never fails."""
        calls = {sku: (quantity, self._idle_ms) for sku, quantity in freed.pieces.items()}
        await self._try(_GIVE_BACK, calls)

    async def recount(self, sku_ids: Collection[UUID]) -> None:
        """Have these counts read anew: PostgreSQL refused what the gate held; never fails."""
        await self._tell(_DROP, sku_ids, self._idle_ms)

    async def reconcile(self) -> list[StockDrift]:
        """Compare every count with PostgreSQL; drop and return those that are certainly wrong.

        Holds overdue since their process died are ended on the way. A SKU that is being ordered
        while we look is left for the next time. Returns nothing while Redis is away.
        """
        return await self._look_through(mends=True)

    async def compare(self) -> list[StockDrift]:
        """Return the counts that are certainly wrong, and change none; nothing without Redis."""
        return await self._look_through(mends=False)

    async def recount_all(self) -> int:
        """Have every count read anew, and return how many there were; 0 without Redis."""
        counts = 0
        with suppress(_Unreachable):
            async for sku_ids in self._counted():
                await self._ask(_DROP, dict.fromkeys(sku_ids, (self._idle_ms,)))
                counts += len(sku_ids)
        return counts

    async def _look_through(self, *, mends: bool) -> list[StockDrift]:
        drifts: list[StockDrift] = []
        with suppress(_Unreachable):
            async for sku_ids in self._counted():
                drifts += await self._compare(sku_ids, mends=mends)
        return drifts

    async def _take(self, hold_id: str, quantities: Mapping[UUID, int]) -> dict[UUID, Any]:
        """Answer each SKU's last reply; MISSING where PostgreSQL kept changing while being read."""
        replies = await self._hold(hold_id, quantities)
        for _ in range(_READINGS):
            versions = {sku: reply[1] for sku, reply in replies.items() if reply[0] == "MISSING"}
            if not versions:
                break
            known = await self._read(versions)
            again = {sku: quantities[sku] for sku in known}
            replies = {sku: reply for sku, reply in replies.items() if sku not in versions}
            # What PostgreSQL does not know is refused there, with the right error.
            replies |= await self._hold(hold_id, again)
        return replies

    async def _hold(self, hold_id: str, quantities: Mapping[UUID, int]) -> dict[UUID, Any]:
        now = self._now_ms()
        deadline = now + self._config.hold_seconds * 1000
        calls = {
            sku: (hold_id, quantity, deadline, now, self._idle_ms)
            for sku, quantity in quantities.items()
        }
        return await self._ask(_HOLD, calls)

    async def _read(self, versions: Mapping[UUID, int]) -> Collection[UUID]:
        """Set missing counts from PostgreSQL; return the SKUs that it knows."""
        available = await self._available_of(versions.keys())
        now = self._now_ms()
        calls = {
            sku: (pieces, versions[sku], now, self._idle_ms) for sku, pieces in available.items()
        }
        await self._ask(_REBUILD, calls)
        return available.keys()

    async def _counted(self) -> AsyncIterator[list[UUID]]:
        """Walk the SKUs that have a key, in batches."""
        batch: list[UUID] = []
        keys = self._client.scan_iter(match="gate:{sku:*", count=_SCAN_BATCH)
        try:
            async for key in keys:
                batch.append(UUID(key[len("gate:{sku:") : -1]))
                if len(batch) == _SCAN_BATCH:
                    yield batch
                    batch = []
        except (RedisError, OSError) as error:
            raise self._unreachable(error) from error
        if batch:
            yield batch

    async def _compare(self, sku_ids: Collection[UUID], *, mends: bool) -> list[StockDrift]:
        seen = await self._inspect(sku_ids, mends=mends)
        available = await self._available_of(seen.keys())
        gone = [sku for sku in seen if sku not in available]
        suspects = {
            sku: drift
            for sku, pieces in available.items()
            if sku in seen and (drift := _drift(seen[sku], pieces))
        }
        # Between the two readings an order may have passed; then the difference means nothing.
        unmoved = await self._inspect(suspects.keys(), mends=mends)
        certain = {sku: drift for sku, drift in suspects.items() if unmoved.get(sku) == seen[sku]}
        if mends:
            await self._tell(_DROP, [*certain, *gone], self._idle_ms)
        return [StockDrift(sku, drift) for sku, drift in certain.items()]

    async def _inspect(self, sku_ids: Collection[UUID], *, mends: bool) -> dict[UUID, list[int]]:
        arguments = (self._now_ms(), self._idle_ms if mends else 0)
        replies = await self._ask(_INSPECT, dict.fromkeys(sku_ids, arguments))
        return {sku: reply for sku, reply in replies.items() if reply}

    async def _tell(self, script: Script, sku_ids: Collection[UUID], *arguments: str | int) -> None:
        await self._try(script, dict.fromkeys(sku_ids, arguments))

    async def _try(self, script: Script, calls: Mapping[UUID, _Arguments]) -> None:
        """Run a script whose loss is mended by deadlines and the reconciler."""
        with suppress(_Unreachable):
            await self._ask(script, calls)

    async def _ask(self, script: Script, calls: Mapping[UUID, _Arguments]) -> dict[UUID, Any]:
        """Run the script on each SKU's key within the time allowed.

        Raises:
            _Unreachable: when Redis is dead, slow or being left alone.
        """
        if not calls:
            return {}
        if not self._breaker.allows():
            raise _Unreachable
        keyed = [(f"gate:{{sku:{sku}}}", arguments) for sku, arguments in calls.items()]
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                replies = await run(self._client, script, keyed)
        except (RedisError, OSError) as error:
            raise self._unreachable(error) from error
        self._breaker.succeeded()
        return dict(zip(calls, replies, strict=True))

    def _unreachable(self, error: Exception) -> _Unreachable:
        if not self._breaker.is_open:
            _LOG.warning("stock_gate_bypassed", error=type(error).__name__)
        self._breaker.failed()
        return _Unreachable()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    @property
    def _idle_ms(self) -> int:
        return self._config.idle_seconds * 1000


def _drift(seen: list[int], available: int) -> int:
    """Return how far the count is outside what the holds in flight can explain."""
    free, held, _version = seen
    # A hold in flight may or may not have been committed in PostgreSQL already.
    lowest, highest = available - held, available
    return free - highest if free > highest else min(0, free - lowest)
