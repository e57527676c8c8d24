"""Small storms: members by the dozen, while one part of the mall breaks at a seeded moment.

`make soak` has the large ones. What holds is written in `benchmarks/storm/check.py`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from benchmarks.storm import rounds, teams
from benchmarks.storm.faults import Kind, plan
from benchmarks.storm.machine import Machine, machine_on
from benchmarks.storm.proxy import open_proxy
from benchmarks.storm.rounds import Size
from benchmarks.storm.snapshots import look, watched
from models import database as db
from models.database import dsn
from settings import Settings
from tests.factories.shop import a_sku
from tests.support.application import PROJECT
from tests.support.redis import RedisServer

SMALL = Size(members=40, wishes=100, pieces=24, seconds=1.5, connections=16)


@pytest.fixture
async def machine(
    database: str, settings: Settings, redis_server: RedisServer, tmp_path: Path
) -> AsyncIterator[Machine]:
    """The mall's processes on this worker's servers, behind a door that can break."""
    async with machine_on(settings, redis_server, tmp_path, webs=1, seed=1) as machine:
        yield machine


async def test_small_storms(machine: Machine) -> None:
    """One after the other on the same processes, which take longest to start."""
    kinds = [Kind.REDIS_FLUSHED, Kind.POSTGRES_SILENT, Kind.CALLBACKS]
    faults = plan(1, kinds, storm_seconds=SMALL.seconds)
    ordered = await rounds.orders_round(machine, SMALL, seed=1, faults=faults)
    assert ordered.violations == []
    assert machine.proxy.lost_commits > 0
    assert ordered.watch.looks > SMALL.seconds
    assert ordered.counts["placeOrder"]["OUT_OF_STOCK"] > 0
    assert set(ordered.counts["payOrder"]) <= {"OK", "ORDER_ALREADY_PAID"}

    late = teams.LATE_SEATS + 2
    size = Size(members=41, wishes=late, pieces=0, seconds=0.3, connections=16)
    faults = plan(2, [Kind.CALLBACKS], storm_seconds=1)
    teamed = await rounds.teams_round(machine, size, seed=2, faults=faults)
    assert teamed.violations == []
    assert teamed.counts["placeOrder"] == {"OK": 2 + 2 + late, "TEAM_FULL": 38}
    assert teamed.figures["late money"] == {
        "AWAITING_SHIPMENT SUCCEEDED": teams.LATE_SEATS,
        "CANCELLED TEAM_FULL SUCCEEDED SEAT_LAPSED REFUNDED True": 2,
    }

    faults = plan(3, [Kind.REDIS_FLUSHED], storm_seconds=SMALL.seconds)
    claimed = await rounds.flash_round(machine, SMALL, seed=3, faults=faults)
    assert claimed.violations == []
    assert claimed.counts["claimFlashSale"]["CAMPAIGN_SOLD_OUT"] > 0
    assert set(claimed.figures["tickets"]) <= {"ORDERED", "BUSY", "CAMPAIGN_SOLD_OUT"}


async def test_the_reply_to_a_commit_is_lost_and_its_row_is_there(
    database: str, redis_server: RedisServer
) -> None:
    sku = await a_sku(stock=5)
    async with open_proxy(database) as proxy:
        connection = await asyncpg.connect(**dsn(proxy.url))
        proxy.lose_commits(every=1)
        with pytest.raises(asyncpg.PostgresConnectionError):
            async with connection.transaction():
                await connection.execute("UPDATE stock_level SET initial = 7, available = 7")
        assert connection.is_closed()
        assert await db.fetch_value("SELECT available FROM stock_level WHERE id = $1", sku.id) == 7
        proxy.open_again()
        again = await asyncpg.connect(**dsn(proxy.url))
        async with again.transaction():
            assert await again.fetchval("SELECT count(*) FROM stock_level") == 1
        await again.close()
    assert proxy.lost_commits == 1


async def test_a_shut_door_takes_nobody_and_cuts_who_is_inside(database: str) -> None:
    async with open_proxy(database) as proxy:
        connection = await asyncpg.connect(**dsn(proxy.url))
        proxy.is_shut = True
        proxy.cut()
        with pytest.raises((asyncpg.PostgresConnectionError, OSError)):
            await connection.fetch("SELECT 1")
        with pytest.raises((asyncpg.PostgresConnectionError, OSError)):
            await asyncpg.connect(**dsn(proxy.url))


async def test_a_look_finds_what_is_broken_for_a_moment(database: str) -> None:
    sku = await a_sku(stock=5)
    connection = await asyncpg.connect(**dsn(database))
    assert await look(connection, watched()) == []
    await db.execute("UPDATE stock_level SET available = 3, reserved = 2")
    found = await look(connection, watched())
    assert [each.partition(": ")[0] for each in found] == ["stock.reserved"]
    assert str(sku.id) in found[0]
    await connection.close()


async def test_redis_comes_back_with_what_it_held_before(redis_server: RedisServer) -> None:
    from redis.asyncio import Redis

    async with Redis.from_url(redis_server.url) as client:
        await client.set("old", "1")
        redis_server.remember()
        await client.set("new", "1")
    redis_server.kill()
    redis_server.start_with_old_data()
    async with Redis.from_url(redis_server.url) as client:
        assert await client.keys() == [b"old"]
    redis_server.kill()
    redis_server.start()
    async with Redis.from_url(redis_server.url) as client:
        assert await client.keys() == []


LARGE = {
    "orders": ("--members", "400", "--wishes", "900", "--pieces", "300", "--seconds", "6"),
    "teams": ("--members", "201", "--wishes", "50", "--seconds", "3"),
    "flash": ("--members", "400", "--wishes", "900", "--pieces", "300", "--seconds", "6"),
}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("storm", LARGE)
def test_everything_that_can_break_breaks(storm: str, seed: int) -> None:
    """Each part by itself, then three at once, on servers of their own with durable disks."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.storm", storm),
            *("--seed", str(seed), "--matrix", *LARGE[storm]),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=3_600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("0 violations.") == len(Kind) + 2 - (storm != "flash")
