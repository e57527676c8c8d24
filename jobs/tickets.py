"""The consumer of flash-sale tickets: reads them, has them decided, tells the gate and the members.

Any number of processes may run it. A ticket that one of them dies with goes to another after some
seconds, and is still decided once (`services/flash_batches.py`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
import uvloop
from prometheus_client import Counter, Gauge, start_http_server

from domain.errors import Busy
from services import flash_counts, flash_orders
from services.flash_claims import topic_of
from services.flash_gate import FlashGate, ItemConfig, QueuedTicket
from services.news import NewsLine
from services.personal_data import PersonalData
from settings import Settings
from wiring.logs import set_up_logs
from wiring.process import process

LOOPS = 2
"""While one waits for PostgreSQL, the other reads and prices."""

LIMIT = flash_orders.BATCH
_WAIT_SECONDS = 1.0
_LOOK_SECONDS = 5.0
"""How often it looks which sales have begun, and into the queues of those that haven't."""

_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)

tickets_total = Counter("mall_flash_tickets_total", "Tickets that were decided.", ["outcome"])
longest_wait = Gauge(
    "mall_flash_ticket_wait_seconds", "How long a ticket of the last batch had waited at most."
)
failures_total = Counter("mall_flash_batches_failed_total", "Batches that failed as a whole.")


def run(settings: Settings) -> None:
    """Consume tickets until SIGTERM or SIGINT, then let what is under way come to its end."""
    set_up_logs(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port)
    async with process(
        settings, application_name="membermall-tickets", reuse_plans=True
    ) as running:
        log.info("tickets_ready")
        await consume(running.ports, stop=stop)
    log.info("tickets_stopped")


class TicketPorts(Protocol):
    """What of `Ports` consuming tickets needs."""

    @property
    def flash(self) -> FlashGate:
        """Return the gate with the queues."""

    @property
    def news(self) -> NewsLine:
        """Return the line to those who follow their tickets."""

    @property
    def personal_data(self) -> PersonalData:
        """Return what opens and seals addresses."""


async def consume(ports: TicketPorts, *, stop: asyncio.Event) -> None:
    """Turn tickets into orders until told to stop; whatever fails is logged and tried again."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    async with asyncio.TaskGroup() as group:
        for number in range(LOOPS):
            group.create_task(_consume(ports, f"{name}:{number}", stop))


async def _consume(ports: TicketPorts, consumer: str, stop: asyncio.Event) -> None:
    watch = _Shards(ports)
    while not stop.is_set():
        try:
            queued = await ports.flash.read_tickets(
                await watch.to_read(), consumer, limit=LIMIT, wait_seconds=_WAIT_SECONDS
            )
            if queued:
                await decide(queued, ports)
            elif not watch.has_open_sales:
                await _rest(stop, _WAIT_SECONDS)
        except Busy as busy:
            log.warning("tickets_wait_for_postgresql", cause=type(busy.__cause__).__name__)
            await _rest(stop, _PAUSE_SECONDS)
        except Exception:
            failures_total.inc()
            log.exception("tickets_failed")
            await _rest(stop, _PAUSE_SECONDS)


async def decide(queued: Sequence[QueuedTicket], ports: TicketPorts) -> None:
    """Decide tickets, tell the gate, then whoever follows them."""
    now = datetime.now(UTC)
    settled = await flash_orders.decide(queued, ports.personal_data, now=now)
    await ports.flash.settle(settled)
    await ports.news.tell([topic_of(each.claim_id) for each in settled])
    longest_wait.set(max((now - each.ticket.claimed_at).total_seconds() for each in queued))
    for each in settled:
        tickets_total.labels(each.outcome.value).inc()


class _Shards:
    """Which queues to read: those of sales that have begun, and now and then all of them."""

    def __init__(self, ports: TicketPorts) -> None:
        self._gate = ports.flash
        self._open: Collection[int] = ()
        self._look_at = 0.0

    @property
    def has_open_sales(self) -> bool:
        """Tell whether any queue may get tickets now."""
        return bool(self._open)

    async def to_read(self) -> Collection[int]:
        """Return the shards to read now."""
        moment = asyncio.get_running_loop().time()
        if moment < self._look_at:
            return self._open
        now = datetime.now(UTC)
        items = await flash_counts.of_open_sales(now=now)
        begun = (item.config for item in items if _has_begun(item.config, now))
        self._open = self._gate.shards_of([config.place for config in begun])
        self._look_at = moment + _LOOK_SECONDS
        return self._gate.shards


def _has_begun(item: ItemConfig, now: datetime) -> bool:
    """Tell whether anybody may claim, or may before the next look."""
    early = timedelta(minutes=max(item.early_minutes.values(), default=0))
    return item.starts_at - early <= now + timedelta(seconds=_LOOK_SECONDS)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
