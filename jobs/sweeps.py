"""Due work on a schedule: each sweep does batches until none is left, then rests.

Many workers may run the same sweeps: each batch is leased with SKIP LOCKED. A sweep that fails is
logged, counted, and tried again after its rest.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter, Gauge

from domain.errors import Busy

log = structlog.get_logger(__name__)

pieces_total = Counter("mall_sweep_pieces_total", "Pieces of due work taken on.", ["sweep"])
failures_total = Counter("mall_sweep_failures_total", "Batches that failed as a whole.", ["sweep"])
last_run = Gauge("mall_sweep_last_run_seconds", "Unix time of the last full run.", ["sweep"])

Batch = Callable[[datetime], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A name, what does one batch and returns the pieces it took, and the rest between runs."""

    name: str
    batch: Batch
    every_seconds: float


async def run_once(sweep: Sweep, *, stop: asyncio.Event | None = None) -> int:
    """Do batches until one finds nothing, or until told to stop; returns the pieces."""
    done = 0
    while pieces := await sweep.batch(datetime.now(UTC)):
        if stop is not None and stop.is_set():
            return done + pieces
        done += pieces
        pieces_total.labels(sweep.name).inc(pieces)
    last_run.labels(sweep.name).set_to_current_time()
    return done


async def run_forever(sweep: Sweep, *, stop: asyncio.Event, wake: asyncio.Event) -> None:
    """Run the sweep, rest, and run it again, or earlier when woken, until told to stop."""
    while not stop.is_set():
        wake.clear()
        try:
            await run_once(sweep, stop=stop)
        except Busy as busy:
            failures_total.labels(sweep.name).inc()
            cause = type(busy.__cause__).__name__
            log.warning("sweep_waits_for_postgresql", sweep=sweep.name, cause=cause)
        except Exception:
            failures_total.labels(sweep.name).inc()
            log.exception("sweep_failed", sweep=sweep.name)
        await _rest(sweep.every_seconds, stop=stop, wake=wake)


async def _rest(seconds: float, *, stop: asyncio.Event, wake: asyncio.Event) -> None:
    """Wait for the clock, a wake-up or the end; a little chance keeps workers apart."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, wake)]
    pause = seconds * random.uniform(0.9, 1.1)  # noqa: S311 (no secret)
    await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
