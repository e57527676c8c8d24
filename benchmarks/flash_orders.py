"""`python -m benchmarks.flash_orders`: flash-sale tickets into whole orders, on our own servers.

Members claim until so many tickets wait in Redis; then the worker's consumer turns all of them into
orders: read, priced, written with their lines and events, told to the gate. PostgreSQL waits for
the disk at every commit. In the end the books are verified.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import uvloop

from cli.embedded.home import prepare_home
from cli.embedded.share import acquire
from cli.migrations import apply_migrations
from domain.flash_tickets import mac_key
from gateways.redis.connection import RedisConfig, connect
from gateways.redis.flash_gate import FlashGate, FlashGateConfig
from gateways.redis.gates import Gates
from gateways.redis.news import NewsLine, Topic
from gateways.redis.stock_gate import StockGate
from jobs import tickets
from models import database
from services import flash_admin, flash_claims, verification
from services.flash_admin import NewFlashSale, NewItem
from services.flash_claims import ClaimFlashSale
from services.personal_data import PersonalData
from services.stock import available_of
from tests.factories.shop import DATA, a_sku, an_address

_AT_ONCE = 64


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flash_orders", description=__doc__)
    parser.add_argument("--tickets", type=int, default=20_000, help="of one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=1, help="that the tickets are for")
    uvloop.run(_run(parser.parse_args()))


class _CountedNews(NewsLine):
    """The real line, which also knows when every ticket has been told of."""

    def expect(self, tickets: int) -> None:
        """Count anew."""
        self._missing, self.all_told = tickets, asyncio.Event()

    async def tell(self, topics: Sequence[Topic]) -> None:
        """Tell, and count what was told."""
        await super().tell(topics)
        self._missing -= len(topics)
        if self._missing <= 0:
            self.all_told.set()


@dataclass(frozen=True, slots=True)
class _Ports:
    """What consuming tickets needs."""

    flash: FlashGate
    news: _CountedNews
    personal_data: PersonalData
    gates: Gates


async def _run(given: argparse.Namespace) -> None:
    async with _mall() as ports:
        members = await _members(given.tickets)
        rates = []
        for number in range(given.rounds):
            # Twice as many pieces as claims: none is refused while the last ones change parts.
            items = await _sale(ports, 2 * given.tickets, given.items)
            await _claim_all(ports, members, items)
            rates.append(await _consume_all(ports, given.tickets))
            print(f"round {number + 1}: {rates[-1]:,.0f} orders a second")
            assert await _orders(items) == given.tickets
        print(f"median of {given.rounds}: {sorted(rates)[len(rates) // 2]:,.0f} orders a second")
        broken = [each.check.name for each in await verification.verify() if not each.is_clean]
        assert not broken, broken


@asynccontextmanager
async def _mall() -> AsyncIterator[_Ports]:
    with TemporaryDirectory(prefix="mall-flash-orders-") as folder:
        home = prepare_home(Path(folder), fallback_is_temporary=True)
        with acquire(home, durable=True) as servers:
            await apply_migrations(servers.database_url)
            await database.connect(servers.database_url, max_size=8, reuse_plans=True)
            redis = connect(RedisConfig(servers.redis_url, timeout_seconds=5.0))
            news = _CountedNews(redis)
            config = FlashGateConfig(ticket_keys=(mac_key("benchmarks"),), timeout_seconds=5.0)
            flash = FlashGate(redis, config)
            try:
                yield _Ports(flash, news, DATA, Gates(StockGate(redis, available_of), flash))
            finally:
                await news.aclose()
                await redis.aclose()
                await database.close()


async def _members(count: int) -> list[UUID]:
    """Make members, each with an address."""
    rows = await database.fetch(_MEMBERS, count, datetime.now(UTC))
    members = [row["id"] for row in rows]
    address_id = await an_address(members[0])
    await database.execute(_ADDRESSES, address_id)
    await database.execute("ANALYZE member, address")
    return members


_MEMBERS = """
INSERT INTO member (id, member_no, status, nickname, gender, invite_code, joined_at, tier_code,
                    tier_since, lifetime_growth, created_at, updated_at)
SELECT gen_random_uuid(), 'flash-' || number, 'ACTIVE', '', 'UNKNOWN', 'flash-' || number, $2,
       'REGULAR', $2, 0, $2, $2
FROM generate_series(1, $1::int) AS number
RETURNING id
"""
_ADDRESSES = """
INSERT INTO address (id, member_id, encrypted, region_code, is_default, created_at, updated_at)
SELECT gen_random_uuid(), member.id, address.encrypted, address.region_code, true,
       address.created_at, address.updated_at
FROM address JOIN member ON member.id <> address.member_id WHERE address.id = $1
"""


async def _sale(ports: _Ports, pieces: int, items: int) -> list[UUID]:
    """Publish a running sale with so many pieces of each item; returns the items."""
    now = datetime.now(UTC)
    skus = [await a_sku(2_000, stock=pieces) for _ in range(items)]
    new = NewFlashSale(
        name="整点秒杀",
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=1),
        items=tuple(
            NewItem(sku_id=sku.id, price_fen=990, quantity=pieces, buckets=8) for sku in skus
        ),
    )
    sale_id = await flash_admin.draft(new, now=now)
    await flash_admin.publish(sale_id, ports.gates, ports.flash, now=now)
    rows = await database.fetch("SELECT id FROM flash_sale_item WHERE sale_id = $1", sale_id)
    return [row["id"] for row in rows]


async def _claim_all(ports: _Ports, members: Sequence[UUID], items: Sequence[UUID]) -> None:
    """Have every member claim one piece; the tickets wait."""
    waiting = iter(enumerate(members))

    async def one_after_the_other() -> None:
        for number, member_id in waiting:
            item_id = items[number % len(items)]
            command = ClaimFlashSale(
                member_id=member_id,
                item_id=item_id,
                quantity=1,
                idempotency_key=str(item_id),
                client_ip="203.0.113.7",
            )
            await flash_claims.claim(command, ports.flash, None, now=datetime.now(UTC))

    await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))


async def _consume_all(ports: _Ports, count: int) -> float:
    """Run the consumer until every ticket is decided; returns orders a second."""
    stop = asyncio.Event()
    ports.news.expect(count)
    began = time.perf_counter()
    consuming = asyncio.create_task(tickets.consume(ports, stop=stop))
    await ports.news.all_told.wait()
    rate = count / (time.perf_counter() - began)
    stop.set()
    await consuming
    return rate


async def _orders(items: Sequence[UUID]) -> int:
    count: int = await database.fetch_value(
        """
        SELECT count(*) FROM flash_ticket AS ticket JOIN sales_order AS o ON o.id = ticket.id
        WHERE ticket.item_id = ANY($1) AND ticket.status = 'ORDERED'
        """,
        list(items),
    )
    return count


if __name__ == "__main__":
    main()
