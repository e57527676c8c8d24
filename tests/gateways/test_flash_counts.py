"""What a flash sale's counts are read from, and what becomes of tickets: against real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from domain.flash_tickets import mac_key
from gateways.redis.connection import RedisClient, RedisConfig, connect
from gateways.redis.flash_keys import Places, Shard
from services.flash_gate import (
    Given,
    ItemTruth,
    LostClaim,
    Missing,
    Settled,
    SettledAs,
    TicketRefusal,
)
from tests.support.flash_sales import CONFIG, ITEM, FlashShop, claim_of, member
from tests.support.redis import RedisServer


@pytest.fixture(params=["server", "cluster"])
def client(
    request: pytest.FixtureRequest, redis: RedisClient, redis_cluster: RedisClient
) -> RedisClient:
    """One server, then a cluster of three: every script runs on both."""
    return {"server": redis, "cluster": redis_cluster}[request.param]


async def test_a_rebuild_leaves_out_what_open_tickets_hold(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=10, buckets=4, limit=5)
    await shop.publish()
    for who in range(4):
        await shop.given(who, quantity=2)
    await shop.publish()
    assert await shop.counts() == (2, 8)
    assert [await shop.mine(who) for who in range(5)] == [2, 2, 2, 2, 0]

    await shop.work()
    await shop.publish()
    assert await shop.counts() == (2, 0)
    assert [await shop.mine(who) for who in range(5)] == [2, 2, 2, 2, 0]


async def test_a_rebuild_drops_tickets_that_postgresql_has_decided(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=4)
    await shop.publish()
    await shop.given(1)
    await shop.given(2)
    settled = shop.decide(await shop.queued())  # The commit's answer was lost on its way to Redis.
    await shop.publish()
    assert (await shop.counts(), await shop.mine(1)) == ((2, 0), 1)
    await shop.gate.settle(settled)  # And comes at last.
    assert (await shop.counts(), await shop.mine(1)) == ((2, 0), 1)
    assert await shop.queued() == []


async def test_a_rebuild_begins_anew_when_tickets_are_settled_meanwhile(
    client: RedisClient,
) -> None:
    shop = FlashShop(client, pieces=5, buckets=2)
    await shop.publish()
    await shop.given(1)
    readings = 0

    async def slow(claims: Collection[UUID]) -> ItemTruth:
        nonlocal readings
        readings += 1
        truth = await shop.read(claims)
        if readings == 1:
            await shop.work()  # Another process, after PostgreSQL was read.
        return truth

    assert await shop.gate.rebuild(shop.item, slow)
    assert (readings, await shop.counts(), await shop.mine(1)) == (2, (4, 0), 1)


async def test_a_rebuild_begins_anew_when_pieces_come_back_meanwhile(
    client: RedisClient,
) -> None:
    shop = FlashShop(client, pieces=5, buckets=3)
    await shop.publish()
    await shop.given(1)
    await shop.work()
    await client.delete(*[part.item for part in Places(16).parts(shop.item.place)][:1])
    readings = 0

    async def slow(claims: Collection[UUID]) -> ItemTruth:
        nonlocal readings
        readings += 1
        truth = await shop.read(claims)
        if readings == 1:
            await shop.cancel(1)
        return truth

    assert await shop.gate.rebuild(shop.item, slow)
    assert (readings, await shop.counts(), await shop.mine(1)) == (2, (5, 0), 0)


async def test_claims_go_on_after_a_rebuild_in_their_midst(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=30, buckets=4)
    await shop.publish()

    async def claim(who: int) -> bool:
        while (answer := await shop.claim(who)) == Missing():
            pass
        return isinstance(answer, Given)

    claims = [asyncio.create_task(claim(who)) for who in range(60)]
    rebuilt = [shop.gate.rebuild(shop.item, shop.read) for _ in range(5)]
    assert any(await asyncio.gather(*rebuilt))
    given = sum(await asyncio.gather(*claims))
    assert await shop.counts() == (30 - given, given)
    await shop.work()
    assert shop.available == 30 - given
    assert set(shop.rows.values()) == {SettledAs.SOLD}


async def test_of_many_who_miss_an_item_one_reads_postgresql(client: RedisClient) -> None:
    shop = FlashShop(client)
    reading, waiting = asyncio.Event(), asyncio.Event()

    async def read(claims: Collection[UUID]) -> ItemTruth:
        reading.set()
        await waiting.wait()
        return await shop.read(claims)

    first = asyncio.create_task(shop.gate.rebuild(shop.item, read, only_missing=True))
    await reading.wait()
    others = [shop.gate.rebuild(shop.item, read, only_missing=True) for _ in range(20)]
    assert await asyncio.gather(*others) == [False] * 20
    waiting.set()
    assert await first
    assert await shop.gate.rebuild(shop.item, read, only_missing=True)  # Known: not read again.
    assert shop.readings == 1


async def test_a_part_that_is_missing_alone_is_found(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=8, buckets=4)
    await shop.publish()
    part = Places(16).parts(shop.item.place)[2]
    await client.delete(part.item)
    assert await shop.seen() is None
    assert await shop.gate.rebuild(shop.item, shop.read, only_missing=True)
    assert (shop.readings, await shop.counts()) == (2, (8, 0))


async def test_a_part_of_another_rebuild_is_found(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=8, buckets=4)
    await shop.publish()
    part = Places(16).parts(shop.item.place)[2]
    old = await client.dump(part.item)
    await shop.publish()
    assert old is not None
    await client.restore(part.item, 0, old, replace=True)
    assert await shop.seen() is None
    assert await shop.gate.rebuild(shop.item, shop.read, only_missing=True)
    assert await shop.counts() == (8, 0)


async def test_a_rebuild_that_broke_off_stops_claims_until_the_next(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=3)
    await shop.publish()

    class PostgresAwayError(Exception):
        pass

    async def broken(_claims: Collection[UUID]) -> ItemTruth:
        raise PostgresAwayError

    with pytest.raises(PostgresAwayError):
        await shop.gate.rebuild(shop.item, broken)
    await shop.given(1)  # What was known stays known.
    await shop.publish()  # And nobody has to wait for the one who gave up.
    assert await shop.counts() == (2, 1)


async def test_thousands_of_quotas_are_read(redis: RedisClient) -> None:
    shop = FlashShop(redis, pieces=1, buckets=3, limit=2)
    shop.quotas = {member(who): 1 + who % 2 for who in range(2_500)}
    await shop.publish()
    assert [await shop.mine(who) for who in (0, 1, 1_700, 2_499, 2_500)] == [1, 2, 1, 2, 0]
    assert await shop.refusal(1) is TicketRefusal.LIMIT


async def test_more_open_than_available_is_no_reason_to_sell_more(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=3, buckets=2)
    await shop.publish()
    for who in range(3):
        await shop.given(who)
    shop.available = 1  # PostgreSQL has sold two of them; their tickets are not settled yet.
    await shop.publish()
    assert await shop.counts() == (-2, 3)
    assert await shop.refusal(9) is TicketRefusal.SOLD_OUT
    shown = await shop.gate.look([shop.item.place], None)
    assert shown is not None
    assert shown[ITEM].remaining == 0


async def test_a_flush_loses_tickets_and_keeps_orders(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=3, limit=1)
    await shop.publish()
    ordered = await shop.given(1)
    await shop.work()
    lost = await shop.given(2)
    assert await shop.gate.is_open(lost, 1)
    await client.flushall()

    assert await shop.claim(3) == Missing()
    assert not await shop.gate.is_open(lost, 1)
    await shop.publish()
    assert await shop.counts() == (2, 0)
    assert await shop.refusal(1, "b") is TicketRefusal.LIMIT
    # The keys are forgotten; the claim's id is the same, so PostgreSQL finds its row.
    again = await shop.given(2)
    assert again.claim_id == lost.claim_id
    assert ordered.claim_id in shop.rows


async def test_settling_twice_moves_a_count_once(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=5, limit=5)
    await shop.publish()
    for key in "abc":
        await shop.given(1, key)
    one, two, three = await shop.queued()
    settled = [
        Settled(each.entry_id, each.shard, ITEM, each.ticket.claim_id, outcome)
        for each, outcome in zip((one, two, three), SettledAs, strict=True)
    ]
    for _ in range(2):
        await shop.gate.settle(settled)
        # One is sold, one can be claimed again, one never was there.
        assert (await shop.counts(), await shop.mine(1)) == ((3, 0), 1)


async def test_settling_after_a_flush_moves_nothing(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=2)
    await shop.publish()
    await shop.given(1)
    (queued,) = await shop.queued()
    await client.flushall()
    await shop.publish()
    back = Settled(queued.entry_id, queued.shard, ITEM, queued.ticket.claim_id, SettledAs.BACK)
    await shop.gate.settle([back])
    assert await shop.counts() == (2, 0)


async def test_old_data_is_seen_by_two_equal_looks(
    redis_server: RedisServer, redis: RedisClient
) -> None:
    shop = FlashShop(redis, pieces=3, limit=1)
    await shop.publish()
    redis_server.remember()
    for who in (1, 2):
        await shop.given(who)
    await shop.work()
    redis_server.kill()
    redis_server.start_with_old_data()

    look = await shop.seen()
    assert look is not None
    assert look == await shop.seen()
    assert (look.free, look.open, shop.available) == (3, 0, 1)
    # Until it is counted anew it gives tickets that PostgreSQL rejects: their pieces are gone.
    for who in (3, 4, 5):
        await shop.given(who)
    await shop.work()
    assert (shop.available, await shop.counts()) == (0, (0, 0))
    outcomes = [shop.rows[claim_of(who)] for who in (3, 4, 5)]
    assert sorted(outcomes) == [SettledAs.GONE, SettledAs.GONE, SettledAs.SOLD]
    # A key from before is unknown; its row decides.
    await shop.publish()
    assert await shop.refusal(1) is TicketRefusal.LIMIT


async def test_looks_differ_when_something_moved_and_came_back(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=3, limit=1)
    await shop.publish()
    before = await shop.seen()
    await shop.given(1)
    shop.rows[claim_of(1)] = SettledAs.BACK
    await shop.work()
    after = await shop.seen()
    assert before is not None
    assert after is not None
    assert (before.free, before.open) == (after.free, after.open) == (3, 0)
    assert before != after


async def test_tickets_that_no_queue_has_are_told(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=4)
    await shop.publish()
    waiting, lost = await shop.given(1), await shop.given(2)
    part = Places(16).parts(shop.item.place)[0]
    (entry,) = [each for each in await shop.queued() if each.ticket == lost]
    await client.xdel(part.shard.tickets, entry.entry_id)

    seen = await shop.seen()
    assert seen is not None
    assert seen.stale == ()
    shop.now += timedelta(seconds=61)
    seen = await shop.seen()
    assert seen is not None
    assert seen.stale == (LostClaim(lost, part.shard.number),)
    gone = Settled(None, part.shard.number, ITEM, lost.claim_id, SettledAs.BACK)
    await shop.gate.settle([gone])
    assert (await shop.counts(), await shop.mine(2)) == ((3, 1), 0)
    assert await shop.gate.is_open(waiting, 1)


# The queues.


async def test_two_consumers_share_the_tickets(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=20, buckets=8)
    await shop.publish()
    claims = {(await shop.given(who)).claim_id for who in range(20)}
    gate = shop.gate
    reads = await asyncio.gather(
        *(gate.read_tickets(gate.shards, name, limit=160, wait_seconds=0) for name in ("a", "b"))
    )
    read = [each.ticket.claim_id for tickets in reads for each in tickets]
    assert len(read) == 20
    assert set(read) == claims
    assert await shop.queued("c") == []


async def test_a_limit_is_shared_by_full_queues(redis: RedisClient) -> None:
    shop = FlashShop(redis, pieces=100, buckets=4)
    await shop.publish()
    for who in range(100):
        await shop.given(who)
    shards = sorted(shop.gate.shards_of([shop.item.place]))
    read = []
    for _ in range(20):
        tickets = await shop.gate.read_tickets(shards, "a", limit=8, wait_seconds=0)
        read.append(len(tickets))
    assert sum(read) == 100
    assert read[1] == 8  # The first one does not know yet how many queues are full.


async def test_another_consumer_takes_over_what_a_dead_one_left(client: RedisClient) -> None:
    shop = FlashShop(client, config=replace(CONFIG, idle_seconds=0.001))
    await shop.publish()
    ticket = await shop.given(1)
    (first,) = await shop.queued("dead")
    heir = FlashShop(client, config=replace(CONFIG, idle_seconds=0.001))
    shards = heir.gate.shards
    (second,) = await heir.gate.read_tickets(shards, "heir", limit=160, wait_seconds=60)
    assert first == second
    assert first.ticket == ticket
    await heir.gate.settle(heir.decide([second]))
    assert await heir.counts() == (2, 0)


async def test_a_reader_waits_for_the_first_ticket(client: RedisClient) -> None:
    shop = FlashShop(client)
    await shop.publish()
    gate = shop.gate
    waiting = asyncio.create_task(gate.read_tickets(gate.shards, "a", limit=10, wait_seconds=60))
    await asyncio.sleep(0)
    ticket = await shop.given(1)
    (queued,) = await waiting
    assert queued.ticket == ticket


async def test_tickets_under_a_former_secret_are_read_and_unsigned_ones_dropped(
    client: RedisClient,
) -> None:
    former = FlashShop(client)
    await former.publish()
    ticket = await former.given(1)
    new_key = mac_key("another secret, long enough too")
    shop = FlashShop(client, config=replace(CONFIG, ticket_keys=(new_key, *CONFIG.ticket_keys)))
    (queued,) = await shop.queued()
    assert queued.ticket == ticket

    forger = FlashShop(client, config=replace(CONFIG, ticket_keys=(mac_key("x" * 32),)))
    assert isinstance(await forger.claim(2), Given)
    assert await shop.queued() == []
    stream = Places(16).parts(shop.item.place)[0].shard.tickets
    assert await client.xlen(stream) == 1


async def test_queues_outlive_a_redis_that_forgot_them(client: RedisClient) -> None:
    shop = FlashShop(client)
    await shop.publish()
    assert await shop.queued() == []  # The group is made.
    await client.flushall()
    await shop.publish()
    ticket = await shop.given(1)
    (queued,) = await shop.queued()
    assert queued.ticket == ticket
    assert await client.exists(Shard(queued.shard).tickets) == 1


async def test_a_busy_process_keeps_its_connections(redis_server: RedisServer) -> None:
    client = connect(RedisConfig(redis_server.url, max_connections=4))
    shop = FlashShop(client, pieces=100, limit=1)
    await shop.publish()
    answers = await asyncio.gather(*(shop.claim(who) for who in range(200)))
    assert sum(isinstance(answer, Given) for answer in answers) == 100
    await client.aclose()
