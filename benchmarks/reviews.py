"""`python -m benchmarks.reviews`: a million tiers reviewed on one day, and warned of before.

Half of the members keep their tier, the others go down one level. With `--sightings` it times
instead what the first look at a member costs a request, and every later one of the day. PostgreSQL
runs without waiting for the disk: what is measured is the work.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg

from cli.embedded import acquire, prepare_home
from cli.migrations import apply_migrations
from models import database
from models.database import dsn
from models.ids import new_id
from services import presence, tier_reviews, verification
from services import rules as rule_versions
from services.tier_standings import growth_account

DUE = datetime(2027, 11, 15, 16, 0, tzinfo=UTC)
SINCE = datetime(2026, 11, 15, 6, 0, tzinfo=UTC)
_AT_A_TIME = 50_000
_LOOKS = 200_000

_ENTRIES = """
WITH made AS (
    SELECT account.id AS account_id, gen_random_uuid() AS transaction_id, number,
           CASE number WHEN 1 THEN 6500 ELSE account.balance - 6500 END AS delta,
           CASE number WHEN 1 THEN 6500 ELSE account.balance END AS balance,
           $1::timestamptz + number * interval '1 day' AS at
    FROM ledger_account AS account, generate_series(1, 2) AS number
    WHERE account.kind = 'GROWTH'
), transactions AS (
    INSERT INTO ledger_transaction (id, unit, reason, source_kind, source_id, created_at)
    SELECT transaction_id, 'GROWTH', 'ORDER', 'ORDER_FINALITY', transaction_id, at FROM made
)
INSERT INTO ledger_entry (id, transaction_id, account_id, seq, delta, balance_after, reason,
                          source_kind, source_id, created_at)
SELECT gen_random_uuid(), transaction_id, account_id, number, delta, balance, 'ORDER',
       'ORDER_FINALITY', transaction_id, at FROM made
UNION ALL
SELECT gen_random_uuid(), transaction_id, '00000000-0000-0000-0000-000000000006', NULL, -delta,
       NULL, 'ORDER', 'ORDER_FINALITY', transaction_id, at FROM made
"""
"""What reached the tier, and what was earned in its term."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reviews", description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--sightings", action="store_true")
    given = parser.parse_args()
    began = time.monotonic()
    asyncio.run(_look() if given.sightings else _review(given.members))
    print(f"Done in {time.monotonic() - began:.0f} s.")


@asynccontextmanager
async def _database() -> AsyncIterator[str]:
    """Start a PostgreSQL of our own with our tables, and open the pool; yields its URL."""
    with TemporaryDirectory(prefix="mall-reviews-") as folder:
        home = prepare_home(Path(folder), fallback_is_temporary=True)
        with acquire(home, with_valkey=False, durable=False) as servers:
            await apply_migrations(servers.database_url)
            await database.connect(servers.database_url, statement_timeout_seconds=3_600)
            try:
                yield servers.database_url
            finally:
                await database.close()


async def _review(members: int) -> None:
    async with _database() as url:
        began = time.monotonic()
        await _fill(url, members)
        print(f"{members:,} members, {time.monotonic() - began:.0f} s", flush=True)
        await rule_versions.in_force(now=DUE)
        warned_at = DUE - timedelta(days=30)
        await _timed("warned", members, lambda: tier_reviews.warn_due(warned_at))
        await _timed("reviewed", members, lambda: tier_reviews.review_due(DUE))
        left = await database.fetch(
            "SELECT tier_code, count(*) FROM member GROUP BY tier_code ORDER BY tier_code"
        )
        print(", ".join(f"{row['tier_code']} {row['count']:,}" for row in left))
        broken = [each.check.name for each in await verification.verify() if not each.is_clean]
        assert not broken, broken


async def _timed(done: str, members: int, batch: Callable[[], Awaitable[int]]) -> None:
    """Run batches until none is left, and tell how fast they were."""
    began, total, batches = time.perf_counter(), 0, []
    while True:
        batch_began = time.perf_counter()
        pieces = await batch()
        if not pieces:
            break
        batches.append(time.perf_counter() - batch_began)
        total += pieces
    took = time.perf_counter() - began
    idle = time.perf_counter() - batch_began
    assert total == members
    print(f"{done} {total:,} in {took:.0f} s: {total / took:,.0f} a second, in batches of")
    print(
        f"  {median(batches) * 1_000:.0f} ms ({max(batches) * 1_000:.0f} at most);"
        f" with nothing due {idle * 1_000:.1f} ms",
        flush=True,
    )


async def _fill(url: str, members: int) -> None:
    """Make members of GOLD whose review is due on one day."""
    connection = await asyncpg.connect(**dsn(url))
    try:
        # What refers to a row is written after it: looking each one up would take longer.
        await connection.execute("SET session_replication_role = replica")
        for begin in range(0, members, _AT_A_TIME):
            numbers = range(begin, min(begin + _AT_A_TIME, members))
            ids = [new_id() for _ in numbers]
            await connection.copy_records_to_table(
                "member",
                columns=_MEMBER,
                records=[_member(id_, n) for id_, n in zip(ids, numbers, strict=True)],
            )
            await connection.copy_records_to_table(
                "ledger_account",
                columns=("id", "member_id", "kind", "unit", "balance", "seq", "created_at"),
                records=[
                    (growth_account(id_), id_, "GROWTH", "GROWTH", 6_500 + _earned(n), 2, SINCE)
                    for id_, n in zip(ids, numbers, strict=True)
                ],
            )
        await connection.execute(_ENTRIES, SINCE, timeout=None)
        await connection.execute("VACUUM (ANALYZE)", timeout=None)
    finally:
        await connection.close()


_MEMBER = (
    "id",
    "member_no",
    "status",
    "nickname",
    "gender",
    "invite_code",
    "joined_at",
    "tier_code",
    "tier_since",
    "tier_review_at",
    "tier_since_seq",
    "lifetime_growth",
    "created_at",
    "updated_at",
)


def _earned(number: int) -> int:
    """Return what a member has earned in their term: enough for every second one."""
    return 6_000 if number % 2 else 1_000 + number % 4_000


def _member(member_id: UUID, number: int) -> tuple[object, ...]:
    names = (member_id, f"R{number:011d}", "ACTIVE", "", "UNKNOWN", f"R{number:09d}")
    lifetime = 6_500 + _earned(number)
    return (*names, SINCE, "GOLD", SINCE, DUE, 1, lifetime, SINCE, SINCE)


async def _look() -> None:
    async with _database() as url:
        await _fill(url, 2_000)
        rows = await database.fetch("SELECT id FROM member")
        ids = [row["id"] for row in rows]
        now = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
        await rule_versions.in_force(now=now)
        first = time.perf_counter()
        for id_ in ids:
            await presence.seen(id_, now=now)
        first = (time.perf_counter() - first) / len(ids)
        known = time.perf_counter()
        for number in range(_LOOKS):
            presence.sightings.knows(ids[number % len(ids)], now=now)
        known = (time.perf_counter() - known) / _LOOKS
        print(f"first look {first * 1_000_000:.0f} µs, later looks {known * 1_000_000:.2f} µs")


if __name__ == "__main__":
    main()
