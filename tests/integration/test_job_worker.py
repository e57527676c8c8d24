"""The job worker is started again when PostgreSQL was away, and ends when it is told to."""

import asyncio
from collections.abc import Callable
from typing import Any

import procrastinate
import pytest

from jobs import worker
from settings import Settings


class Ending:
    """Stands for procrastinate's app: each run of its worker ends in the next of these ways."""

    def __init__(self, *ways: Callable[[], None]) -> None:
        self._ways = list(ways)
        self.runs = 0

    async def run_worker_async(self, **_: Any) -> None:
        self.runs += 1
        if self._ways:
            self._ways.pop(0)()
        else:
            await asyncio.Event().wait()


def _by_itself() -> None:
    """As when a heartbeat fails, and PostgreSQL is back for the farewell."""


def _with_an_error() -> None:
    raise procrastinate.exceptions.ConnectorException from OSError("refused")


def _by_our_fault() -> None:
    raise ZeroDivisionError


async def _run(app: Ending, settings: Settings, stop: asyncio.Event) -> None:
    await worker.run_jobs(app, settings, stop=stop)  # type: ignore[arg-type]  # Quacks like one.


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RECONNECT_SECONDS", 0)


async def test_it_is_started_again_however_it_ended(settings: Settings) -> None:
    app = Ending(_by_itself, _with_an_error, _with_an_error)
    running = asyncio.create_task(_run(app, settings, asyncio.Event()))
    async with asyncio.timeout(5):
        while app.runs < 4:  # noqa: ASYNC110 (each run ends at once)
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_it_ends_when_told_to_though_postgresql_is_away(settings: Settings) -> None:
    stop = asyncio.Event()

    def told_to_stop() -> None:
        stop.set()
        _with_an_error()

    app = Ending(told_to_stop)
    await asyncio.wait_for(_run(app, settings, stop), 5)
    assert app.runs == 1


async def test_a_fault_of_ours_ends_the_process(settings: Settings) -> None:
    with pytest.raises(ZeroDivisionError):
        await _run(Ending(_by_our_fault), settings, asyncio.Event())
