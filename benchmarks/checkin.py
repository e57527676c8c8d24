"""`python -m benchmarks.checkin`: check-ins a second over the service, in this one process.

Every member checks in on one day after the other, so that streaks, rewards and growth go on; some
reach a coupon. Then everybody taps a second time, which is told what stands. Everything runs on a
PostgreSQL of our own; `--durable` has it wait for the disk at every commit.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import uvloop

from cli.embedded import acquire, prepare_home
from cli.migrations import apply_migrations
from models import database
from services import checkin, consents, verification
from tests.factories.members import JOINING, agreements
from tests.factories.shop import NOW, a_member

DAY = timedelta(days=1)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkin", description=__doc__)
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=16, help="taps on their way at a time")
    parser.add_argument("--durable", action="store_true")
    uvloop.run(_run(parser.parse_args()))


@asynccontextmanager
async def a_database(connections: int, *, durable: bool) -> AsyncIterator[None]:
    """Have an empty database of our own, and the pool open on it, as long as the block runs."""
    with TemporaryDirectory(prefix="mall-checkin-") as folder:
        home = prepare_home(Path(folder), fallback_is_temporary=True)
        with acquire(home, with_valkey=False, durable=durable) as servers:
            await apply_migrations(servers.database_url)
            await database.connect(servers.database_url, max_size=connections, reuse_plans=True)
            try:
                yield
            finally:
                await database.close()


async def _run(given: argparse.Namespace) -> None:
    async with a_database(given.at_once, durable=given.durable):
        members = [await _joined() for _ in range(given.members)]
        for number in range(given.days):
            now = NOW + number * DAY
            rate, new = await _tap(members, now, given.at_once)
            assert new == len(members), "each of them checks in once"
            print(f"day {number + 1}: {rate:,.0f} check-ins a second", flush=True)
        rate, new = await _tap(members, now, given.at_once)
        assert new == 0, "nobody checks in twice"
        print(f"second taps: {rate:,.0f} a second")
        broken = [each.check.name for each in await verification.verify() if not each.is_clean]
        assert not broken, broken


async def _joined() -> UUID:
    await agreements()
    member_id = await a_member()
    await consents.record(member_id, JOINING, now=NOW)
    return member_id


async def _tap(members: list[UUID], now: datetime, at_once: int) -> tuple[float, int]:
    """Have all members tap, so many at a time; returns the rate and how many days are new."""
    waiting = iter(members)
    new = 0

    async def one_after_the_other() -> None:
        nonlocal new
        for member_id in waiting:
            done = await checkin.check_in(member_id, now=now)
            new += done.is_new

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return len(members) / (time.perf_counter() - began), new


if __name__ == "__main__":
    main()
