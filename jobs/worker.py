"""`mall worker`: sweeps over due work, jobs that transactions enqueued, tickets of flash sales."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import asyncpg
import procrastinate
import structlog
import uvloop
from prometheus_client import start_http_server

from jobs.app import job_app
from jobs.schedule import INBOX, Wakers, sweeps
from jobs.sweeps import run_forever
from jobs.tasks import register
from jobs.tickets import consume
from models.database import dsn
from services.inbox import CHANNEL
from settings import Settings
from wiring.logs import set_up_logs
from wiring.process import process

RECONNECT_SECONDS = 2

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then let what is under way come to its end."""
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
    async with process(settings, application_name="membermall-worker") as running:
        planned = sweeps(running.ports)
        wakers = Wakers(planned)
        app = job_app(settings)
        register(app, wakers)
        async with app.open_async(), asyncio.TaskGroup() as group:
            running_sweeps = [
                group.create_task(run_forever(sweep, stop=stop, wake=wakers.event(sweep.name)))
                for sweep in planned
            ]
            listener = group.create_task(_listen(settings, wakers))
            jobs = group.create_task(run_jobs(app, settings, stop=stop))
            if settings.worker_tickets:
                group.create_task(consume(running.ports, stop=stop))
            log.info("worker_ready", sweeps=[sweep.name for sweep in planned])
            await stop.wait()
            listener.cancel()
            jobs.cancel()
            # What is cut off was leased, and comes again.
            _, late = await asyncio.wait(running_sweeps, timeout=settings.shutdown_grace_seconds)
            for sweep_task in late:
                sweep_task.cancel()
    log.info("worker_stopped")


async def run_jobs(app: procrastinate.App, settings: Settings, *, stop: asyncio.Event) -> None:
    """Run jobs until cancelled after `stop`.

    procrastinate's worker ends by itself when PostgreSQL stays away: with an error, or even without
    one. The sweeps go on, so the jobs must too: it is started again.
    """
    while not stop.is_set():
        try:
            await app.run_worker_async(
                concurrency=settings.worker_concurrency,
                install_signal_handlers=False,
                shutdown_graceful_timeout=settings.shutdown_grace_seconds,
            )
        except procrastinate.exceptions.ConnectorException as error:
            log.warning("job_worker_lost_postgresql", error=type(error.__cause__ or error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)


async def _listen(settings: Settings, wakers: Wakers) -> None:
    """Wake the inbox's sweep when PostgreSQL tells of a callback; the clock covers the rest."""
    while True:
        try:
            await _listen_once(settings, wakers)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("inbox_listener_lost", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)


async def _listen_once(settings: Settings, wakers: Wakers) -> None:
    """Listen until the connection is lost."""
    connection = await asyncpg.connect(**dsn(settings.postgres_url))
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _connection: lost.set())
    try:
        await connection.add_listener(CHANNEL, lambda *_news: wakers.wake(INBOX))
        wakers.wake(INBOX)  # Something may have come before we listened.
        await lost.wait()
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=1)
