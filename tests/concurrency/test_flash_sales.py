"""Flash sales under fire: many claims for few pieces, consumers at once, changes meanwhile."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.flash_tickets import read_ticket
from domain.orders import CancelReason
from gateways.redis.connection import RedisClient
from models import database as db
from services import flash_admin, flash_orders, verification
from services.cancelling import cancel_unpaid
from services.flash_admin import NewItem
from services.flash_gate import QueuedTicket
from tests.factories.flash_sales import (
    KEY,
    RUNNING,
    START,
    FlashMall,
    a_sale_of,
    a_ticket,
    sale_of,
    shelf_of_item,
)
from tests.factories.shop import DATA, NOW, a_buyer, a_sku

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def mall(redis: RedisClient) -> FlashMall:
    return FlashMall(redis)


async def books_agree() -> None:
    broken = [each.check.name for each in await verification.verify() if not each.is_clean]
    assert broken == []


async def buyers(count: int) -> list[UUID]:
    return [await a_buyer() for _ in range(count)]


async def all_decided(mall: FlashMall, claims: dict[str, UUID]) -> Counter[str]:
    """Return how the tickets ended: every one of them did, with an order or a reason."""
    ends: Counter[str] = Counter()
    for ticket, member in claims.items():
        end = await mall.ticket(ticket, member)
        assert end is not None
        status, problem = end
        assert (status == "ORDERED") == (problem is None)
        ends[problem or status] += 1
    return ends


@pytest.mark.parametrize("buckets", [1, 4])
async def test_many_claims_for_few_pieces(mall: FlashMall, buckets: int) -> None:
    item_facts = NewItem(
        sku_id=(await a_sku(stock=50)).id,
        price_fen=600,
        quantity=20,
        per_member_limit=2,
        buckets=buckets,
    )
    [item] = await mall.publish(item_facts)
    members, late = await buyers(40), await buyers(4)
    claims: dict[str, UUID] = {}
    refusals: Counter[str] = Counter()

    async def shop(member: UUID) -> None:
        for number in range(3):
            said = await mall.claim(member, item, key=f"k{number}")
            if len(said) == 96:
                claims[said] = member
                # An answer that was lost: the same key finds the same ticket.
                assert await mall.claim(member, item, key=f"k{number}") == said
            else:
                refusals[said] += 1

    done = asyncio.Event()

    async def consumer() -> None:
        while await mall.consume() or not done.is_set():
            pass

    consumers = [asyncio.create_task(consumer()) for _ in range(2)]
    await asyncio.gather(*map(shop, members))
    # Pieces on their way to another part could not be had; whoever comes now gets them.
    for member in late:
        await shop(member)
    done.set()
    await asyncio.gather(*consumers)

    assert set(refusals) <= {"CAMPAIGN_SOLD_OUT", "PURCHASE_LIMIT_REACHED"}
    assert (await all_decided(mall, claims)) == {"ORDERED": 20}
    assert await mall.counts(item) == (0, 0)
    assert await shelf_of_item(item) == {"available": 0, "reserved": 20, "sold": 0, "returned": 0}
    most = await db.fetch_value("SELECT max(pieces) FROM flash_quota")
    assert most <= 2
    assert await mall.reconcile() == 0
    await books_agree()


async def decide(queued: Sequence[QueuedTicket]) -> list[str]:
    settled = await flash_orders.decide(queued, DATA, now=NOW)
    return [each.outcome.value for each in settled]


async def test_two_consumers_of_the_same_tickets_make_one_order_each() -> None:
    item = await a_sale_of(await a_sku(stock=50), 12)
    tickets = [a_ticket(item, member) for member in await buyers(20)]
    orders = [random.Random(seed).sample(tickets, len(tickets)) for seed in range(4)]

    await asyncio.gather(*(decide(tickets) for tickets in orders))

    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 12
    rejected = await db.fetch_value("SELECT count(*) FROM flash_ticket WHERE status = 'REJECTED'")
    assert rejected == 8
    again = Counter(await decide(tickets))
    assert again == {"SOLD": 12, "GONE": 8}
    assert await shelf_of_item(item) == {"available": 0, "reserved": 12, "sold": 0, "returned": 0}
    await books_agree()


async def test_batches_of_several_items_never_wait_for_each_other_in_a_circle() -> None:
    items = [await a_sale_of(await a_sku(stock=50, limit=2), 30, limit=2) for _ in range(3)]
    members = await buyers(10)
    chance = random.Random(7)
    batches = []
    for number in range(8):
        wanted = [
            a_ticket(item, member, key=f"{number}-{item}")
            for item in items
            for member in members
            if chance.random() < 0.5
        ]
        chance.shuffle(wanted)
        batches.append(wanted)

    await asyncio.gather(*(decide(batch) for batch in batches))

    tickets = await db.fetch_value("SELECT count(*) FROM flash_ticket")
    assert tickets == sum(map(len, batches))
    assert await db.fetch_value("SELECT max(pieces) FROM flash_quota") <= 2
    assert await db.fetch_value("SELECT max(pieces) FROM purchase_count") <= 2
    await books_agree()


class NoPayments:
    """Nobody asked WeChat for money, so nobody asks it now."""

    mchid = "1900000001"

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: these orders were never sent to WeChat")


async def test_what_comes_back_sells_to_the_claims_that_follow(mall: FlashMall) -> None:
    """Orders run out of time while others claim and batches are written: nothing is left over."""
    [item] = await mall.publish(
        NewItem(sku_id=(await a_sku(stock=50, limit=3)).id, price_fen=600, quantity=8)
    )
    first, later = await buyers(8), await buyers(16)
    tickets = [await mall.claim(member, item) for member in first]
    await mall.consume()
    claims: dict[str, UUID] = {}

    async def cancel(ticket: str) -> None:
        told = read_ticket(ticket, (KEY,))
        assert told is not None
        await cancel_unpaid(
            told.claim_id, NoPayments(), mall.gates, reason=CancelReason.TIMEOUT, now=RUNNING
        )

    async def claim(member: UUID) -> None:
        for number in range(200):
            said = await mall.claim(member, item, key=f"k{number}")
            if len(said) == 96:
                claims[said] = member
                return
            if said != "CAMPAIGN_SOLD_OUT" or len(claims) == len(first):
                return
            await mall.consume()

    await asyncio.gather(*map(cancel, tickets), *map(claim, later))
    await mall.consume()

    assert (await all_decided(mall, claims)) == {"ORDERED": 8}
    assert await shelf_of_item(item) == {"available": 0, "reserved": 8, "sold": 0, "returned": 0}
    assert await mall.counts(item) == (0, 0)
    await books_agree()


@pytest.mark.parametrize("change", ["pause", "extend", "cancel", "close"])
async def test_a_change_while_many_claim(mall: FlashMall, change: str) -> None:
    [item] = await mall.publish(
        NewItem(sku_id=(await a_sku(stock=50)).id, price_fen=600, quantity=25)
    )
    sale, members = await sale_of(item), await buyers(30)
    claims: dict[str, UUID] = {}

    async def claim(member: UUID) -> None:
        said = await mall.claim(member, item)
        if len(said) == 96:
            claims[said] = member
        await mall.consume()

    async def operate() -> None:
        if change == "pause":
            await flash_admin.pause(sale, mall.flash, now=RUNNING)
            await flash_admin.resume(sale, mall.flash, now=RUNNING)
        elif change == "extend":
            await flash_admin.extend(sale, START + timedelta(hours=2), mall.flash, now=RUNNING)
        elif change == "cancel":
            await flash_admin.cancel(sale, mall.flash, now=RUNNING)
        else:
            await mall.close_due(now=START + timedelta(hours=2))

    half = len(members) // 2
    await asyncio.gather(*map(claim, members[:half]), operate(), *map(claim, members[half:]))
    while await mall.consume():
        pass

    ends = await all_decided(mall, claims)
    shelf = await shelf_of_item(item)
    assert sum(ends.values()) == len(claims)
    assert shelf["reserved"] == ends["ORDERED"] <= 25
    if change != "close":
        assert await mall.counts(item) == (shelf["available"], 0)
        assert set(ends) <= {"ORDERED", "CAMPAIGN_ENDED"}
    else:
        assert shelf["available"] == 0
        assert set(ends) <= {"ORDERED", "CAMPAIGN_SOLD_OUT"}
    await books_agree()
