"""Hostile requests: each gets what it should, a good one still gets its answer, nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from cli.embedded.ports import free_port
from settings import Settings, load
from tests.executor.hostile import documents
from tests.executor.hostile.catalogue import KINDS, NAMES
from tests.executor.hostile.kinds import ENVIRONMENT, Kind
from tests.executor.hostile.wire import Target, post
from tests.support.application import TEST_SECRETS, ServerProcess
from tests.support.redis import RedisServer
from tests.support.simulator import Simulator

PATIENCE_SECONDS = 20.0
GOOD = post(b'{"query":"{ __typename me { id } }"}')
ANSWER = (200, '{"__typename":"Query","me":null}')
MEGABYTE = 1 << 20


@dataclass
class Victim:
    """A running server, and what it holds when nobody asks for anything."""

    target: Target
    server: ServerProcess
    tasks: float = 0.0

    async def figures(self) -> dict[str, float]:
        """Return the figures that it shows, but for those with labels."""
        lines = (await self.server.http.get("/metrics")).text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if "{" not in line and line[0] != "#")
        return {name: float(value) for name, value in pairs}

    async def is_at_rest(self) -> bool:
        """Tell whether no socket is open and no task is left of any request."""
        figures = await self.figures()
        return figures["mall_websocket_sockets"] == 0 and figures["mall_tasks"] <= self.tasks


@pytest.fixture(scope="module")
async def victim(
    database_url: str,
    _broom: asyncpg.Connection,
    _redis_server: RedisServer,
    _simulator_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Victim]:
    # What some answers hold depends on there being no product left of another test.
    await _broom.execute("SELECT testing.reset()")
    folder = tmp_path_factory.mktemp("hostile")
    settings = await _settings(database_url, _redis_server.url, _simulator_url, folder)
    server = await ServerProcess.start(settings, folder / "server.log")
    victim = Victim(Target(settings.port), server)
    assert await victim.target.ask(GOOD) == ANSWER
    victim.tasks = (await victim.figures())["mall_tasks"]
    yield victim
    await server.stop()


async def _settings(database_url: str, redis_url: str, simulator_url: str, home: Path) -> Settings:
    simulator = Simulator(simulator_url)
    wechat = await simulator.get("/config.json")
    await simulator.http.aclose()
    return load(
        MALL_PROFILE="test",
        MALL_HOME=home,
        port=free_port(),
        database_url=database_url,
        redis_url=redis_url,
        simulator_url=simulator_url,
        sms_sender="simulator",
        **TEST_SECRETS,
        **{name.lower(): value for name, value in wechat.items()},
        **{name.lower(): value for name, value in ENVIRONMENT.items()},
    )


def test_there_are_many_kinds() -> None:
    assert len(NAMES) >= 60
    assert len({kind.id for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
async def test_a_kind(victim: Victim, kind: Kind) -> None:
    seen = await kind.act(victim.target)
    assert kind.is_as_expected(seen), (seen, kind.expected)
    assert await victim.target.ask(GOOD) == ANSWER
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await victim.is_at_rest():  # noqa: ASYNC110 (another process, which tells nothing)
            await asyncio.sleep(0.02)


async def test_no_memory_is_left(victim: Victim) -> None:
    """After some rounds that warm caches and the allocator up, further ones take no more.

    Documents are kept on purpose, to a size; that they are is proven where they are kept.
    """
    kept = {kind.id for kind in documents.KINDS}
    quick = [each for each in KINDS if not (each.waits or each.crowds or each.id in kept)]
    held = []
    for _ in range(15):
        for kind in quick:
            await kind.act(victim.target)
        held.append((await victim.figures())["process_resident_memory_bytes"])
    # If each of the two hundred left a few kilobytes, that would be more.
    assert min(held[12:]) - min(held[6:9]) < 4 * MEGABYTE, held
