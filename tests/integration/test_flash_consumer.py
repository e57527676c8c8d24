"""The consumer of tickets: it finds them, tells who follows them, and stops when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from domain.flash_tickets import read_ticket
from gateways.redis.connection import RedisClient
from jobs import tickets
from models import database as db
from services.flash_admin import NewItem
from services.flash_gate import FlashGate
from services.news import Bell, Topic
from services.personal_data import PersonalData
from tests.factories.flash_sales import KEY, FlashMall
from tests.factories.shop import DATA, a_buyer, a_sku

pytestmark = pytest.mark.usefixtures("database")


@dataclass
class Listening:
    """A line that remembers what it was told."""

    wanted: int
    heard: list[Topic] = field(default_factory=list)
    all_told: asyncio.Event = field(default_factory=asyncio.Event)

    def follow(self, topic: Topic) -> AbstractContextManager[Bell]:
        raise AssertionError("nobody follows anything here")

    async def tell(self, topics: Sequence[Topic]) -> None:
        self.heard += topics
        if len(self.heard) >= self.wanted:
            self.all_told.set()


@dataclass
class Consuming:
    """What consuming tickets needs."""

    flash: FlashGate
    news: Listening
    personal_data: PersonalData = DATA


async def test_tickets_become_orders_and_their_followers_hear_of_it(redis: RedisClient) -> None:
    mall = FlashMall(redis)
    [item] = await mall.publish(
        NewItem(sku_id=(await a_sku(stock=20)).id, price_fen=600, quantity=10, buckets=2)
    )
    claims = [await mall.claim(await a_buyer(), item) for _ in range(6)]
    ports, stop = Consuming(mall.flash, Listening(6)), asyncio.Event()

    consuming = asyncio.create_task(tickets.consume(ports, stop=stop))
    await asyncio.wait_for(ports.news.all_told.wait(), 10)
    stop.set()
    await asyncio.wait_for(consuming, 10)

    told = [read_ticket(claim, (KEY,)) for claim in claims]
    assert {topic.id for topic in ports.news.heard} == {str(t.claim_id) for t in told if t}
    assert {topic.kind for topic in ports.news.heard} == {"TICKET"}
    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 6
    assert await mall.counts(item) == (4, 0)


async def test_without_a_sale_it_waits_and_stops_at_once(redis: RedisClient) -> None:
    ports, stop = Consuming(FlashMall(redis).flash, Listening(1)), asyncio.Event()

    consuming = asyncio.create_task(tickets.consume(ports, stop=stop))
    stop.set()
    await asyncio.wait_for(consuming, 10)

    assert ports.news.heard == []
