"""`python -m benchmarks.ledger`: the book of points as it grows, plain and in partitions.

Fills books of 10^4 to 10^7 entries, in which members and their histories grow alike, and times what
a member asks of theirs: the balance, a page of entries, points earned and spent. Two layouts take
turns: the table as it is, and the same in 16 partitions by account. With `--expiry` it writes off
so many lots. PostgreSQL runs without waiting for the disk: what is measured is the work.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Column, Table

from cli.embedded import acquire, prepare_home
from cli.migrations import apply_migrations
from domain.ledger import AccountKind, EntryReason, SourceKind, member_account
from loaders.points import POINTS_COLUMNS, POINTS_JOINS
from models import database
from models.database import dsn
from models.ids import new_id
from services import ledger, points, points_book, points_expiry
from services.entries import entries_of
from services.pages import PageRequest

PLAIN, HASH16 = "plain", "hash16"
LAYOUTS = (PLAIN, HASH16)
LIVING = 20
"""Lots that a member of the books holds at most: what was earned before them is spent."""

_LOTS_EACH = 10
"""Lots of each member that are written off by `--expiry`."""

_FILL = Path(__file__).with_name("ledger.sql")
_BALANCE = f"SELECT {POINTS_COLUMNS} FROM member {POINTS_JOINS} WHERE member.id = ANY($1)"
_WIDTH = 170


@dataclass(frozen=True, slots=True)
class Book:
    """A filled book: where it is, its members, and how many transactions each has."""

    url: str
    members: list[UUID]
    transactions: int

    @property
    def entries(self) -> int:
        """Return how many entries it began with: two for each transaction."""
        return 2 * len(self.members) * self.transactions


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--sizes", default="4,5,6,7", help="powers of ten, of entries")
    parser.add_argument("--layouts", default=",".join(LAYOUTS))
    parser.add_argument("--operations", type=int, default=1_000, help="of one kind in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--expiry", type=int, default=0, help="lots to write off, instead")
    given = parser.parse_args()
    began = time.monotonic()
    asyncio.run(_expire(given.expiry) if given.expiry else _measure(given))
    print(f"Done in {time.monotonic() - began:.0f} s.")


async def _measure(given: argparse.Namespace) -> None:
    layouts = given.layouts.split(",")
    table = Table(
        Column("entries", justify="right"),
        "layout",
        *(Column(name, justify="right") for name in (*_OPERATIONS, "proof s", "liability ms")),
        title="ms for one operation, medians of the rounds (fastest, slowest)",
    )
    for power in map(int, given.sizes.split(",")):
        async with _servers() as server:
            members = round((2 * 10**power) ** 0.5)
            size = members, round(10**power / 2 / members)
            books = {layout: await _filled(server, layout, *size) for layout in layouts}
            figures: dict[str, list[dict[str, float]]] = {layout: [] for layout in layouts}
            for _ in range(given.rounds + 1):  # The first warms up.
                for layout, book in books.items():
                    figures[layout].append(await _round(book, given.operations))
            for layout, book in books.items():
                spreads = [_spread(figures[layout][1:], name) for name in _OPERATIONS]
                table.add_row(f"{book.entries:,}", layout, *spreads, *await _whole(book))
        Console(width=_WIDTH).print(table)


@asynccontextmanager
async def _servers() -> AsyncIterator[str]:
    """Start a PostgreSQL of our own; yields its URL."""
    with TemporaryDirectory(prefix="mall-ledger-") as folder:
        home = prepare_home(Path(folder), fallback_is_temporary=True)
        with acquire(home, with_valkey=False, durable=False) as servers:
            yield servers.database_url


async def _filled(server: str, layout: str, members: int, transactions: int) -> Book:
    """Make a book of so many members with so many transactions each."""
    url = urlunsplit(urlsplit(server)._replace(path=f"/book_{layout}"))
    administer = await asyncpg.connect(**dsn(server))
    await administer.execute(f'CREATE DATABASE "book_{layout}"')
    await administer.close()
    await apply_migrations(url)
    book = Book(url, [new_id() for _ in range(members)], transactions)
    began = time.monotonic()
    connection = await asyncpg.connect(**dsn(url))
    try:
        # What refers to a row is written after it: looking each one up would take longer.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_FILL.read_text("utf-8"))
        if layout == HASH16:
            await connection.execute("SELECT pg_temp.partition_entries(16)")
        await connection.execute(
            "SELECT pg_temp.fill($1, $2, $3, $4)",
            book.members,
            [member_account(each, AccountKind.SPENDABLE) for each in book.members],
            book.transactions,
            LIVING,
            timeout=None,
        )
    finally:
        await connection.close()
    await database.connect(url, statement_timeout_seconds=1_800)
    await ledger.open_accounts(book.members, now=datetime.now(UTC))
    await database.execute("VACUUM (ANALYZE)")
    await database.close()
    print(f"{layout}: {book.entries:,} entries, {time.monotonic() - began:.0f} s", flush=True)
    return book


async def _balance(_book: Book, member_id: UUID) -> None:
    assert await database.fetch(_BALANCE_NOW, [member_id], datetime.now(UTC))


_BALANCE_NOW = _BALANCE.replace("SELECT", "SELECT $2::timestamptz AS told_at,", 1)


async def _page(_book: Book, member_id: UUID) -> None:
    page = await entries_of(member_id, AccountKind.SPENDABLE, PageRequest(20))
    assert page.rows


async def _deep_page(book: Book, member_id: UUID) -> None:
    request = PageRequest(20, (max(2, book.transactions // 2),))
    assert (await entries_of(member_id, AccountKind.SPENDABLE, request)).rows


async def _earn(_book: Book, member_id: UUID) -> None:
    source = (SourceKind.ADJUSTMENT, new_id())
    await points.grant(
        member_id, 10, reason=EntryReason.ADJUSTMENT, source=source, now=datetime.now(UTC)
    )


async def _spend(_book: Book, member_id: UUID) -> None:
    source = (SourceKind.ADJUSTMENT, new_id())
    await points.spend(
        member_id, 10, reason=EntryReason.REDEMPTION, source=source, now=datetime.now(UTC)
    )


_OPERATIONS: dict[str, Callable[[Book, UUID], Awaitable[None]]] = {
    "balance": _balance,
    "page": _page,
    "page half-way": _deep_page,
    "earn": _earn,
    "spend": _spend,
}


async def _round(book: Book, operations: int) -> dict[str, float]:
    """Time each operation on members by chance; returns milliseconds for one."""
    await database.connect(book.url, reuse_plans=True)
    # The same members for all: who earns spends it again.
    asked = random.Random(operations).choices(book.members, k=operations)
    took = {}
    try:
        for name, operation in _OPERATIONS.items():
            began = time.perf_counter()
            for member_id in asked:
                await operation(book, member_id)
            took[name] = (time.perf_counter() - began) / operations * 1_000
    finally:
        await database.close()
    return took


def _spread(rounds: list[dict[str, float]], name: str) -> str:
    times = [took[name] for took in rounds]
    return f"{median(times):.2f} ({min(times):.2f}, {max(times):.2f})"


async def _whole(book: Book) -> list[str]:
    """Time the proof of the whole book, and the liability once its entries are rolled up."""
    await database.connect(book.url, statement_timeout_seconds=1_800)
    now = datetime.now(UTC)
    try:
        began = time.perf_counter()
        broken = [each.check.name for each in await points_book.proof() if not each.is_clean]
        assert not broken, broken
        proof = time.perf_counter() - began
        await points_book.roll_up(now, older_than=timedelta(0))
        began = time.perf_counter()
        assert (await points_book.liability(now)).agrees
        return [f"{proof:.1f}", f"{(time.perf_counter() - began) * 1_000:.0f}"]
    finally:
        await database.close()


async def _expire(lots: int) -> None:
    """Write off so many lots that have ended."""
    async with _servers() as server:
        book = await _filled(server, PLAIN, lots // _LOTS_EACH, _LOTS_EACH)
        await database.connect(book.url, statement_timeout_seconds=1_800)
        try:
            ended = await database.fetch_value(
                "WITH due AS (UPDATE points_lot SET expires_at = created_at"
                " WHERE remaining > 0 RETURNING 1) SELECT count(*) FROM due"
            )
            began, done, batches = time.perf_counter(), 0, []
            while True:
                batch_began = time.perf_counter()
                written_off = await points_expiry.expire_due(datetime.now(UTC))
                if not written_off:
                    break
                batches.append(time.perf_counter() - batch_began)
                done += written_off
            took = time.perf_counter() - began
            assert done == ended
            print(f"{done:,} lots in {took:.0f} s: {done / took:,.0f} a second,")
            print(
                f"batches of {median(batches) * 1_000:.0f} ms, {max(batches) * 1_000:.0f} at most"
            )
            broken = [each.check.name for each in await points_book.proof() if not each.is_clean]
            assert not broken, broken
        finally:
            await database.close()


if __name__ == "__main__":
    main()
