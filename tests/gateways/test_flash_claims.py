"""Claims of a flash sale against real servers: what the script gives, refuses and remembers."""

from __future__ import annotations

import asyncio
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest
from redis.asyncio.cluster import RedisCluster

from domain.orders import DeliveryMethod
from domain.stock_gate import Claimable
from gateways.redis.connection import RedisClient, RedisConfig, connect
from gateways.redis.flash_keys import Part, Places
from gateways.redis.limits import Limit
from services.flash_gate import (
    ClaimWish,
    GateAway,
    Given,
    ItemPlace,
    Missing,
    Refused,
    Shown,
    TicketRefusal,
)
from tests.support.flash_sales import CONFIG, ITEM, START, FlashShop, claim_of, member
from tests.support.redis import RedisServer


@pytest.fixture(params=["server", "cluster"])
def client(
    request: pytest.FixtureRequest, redis: RedisClient, redis_cluster: RedisClient
) -> RedisClient:
    """One server, then a cluster of three: every script runs on both."""
    return {"server": redis, "cluster": redis_cluster}[request.param]


async def _pages(*pages: dict[UUID, int]) -> AsyncIterator[dict[UUID, int]]:
    for page in pages:
        yield page


async def test_a_claim_takes_pieces_and_queues_its_ticket(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=3)
    await shop.publish()
    address = UUID(int=7)
    wish = replace(shop.wish(1, "a", 2), address_id=address, delivery=DeliveryMethod.PICKUP)
    assert isinstance(await shop.gate.claim(wish), Given)
    assert await shop.counts() == (1, 2)

    (queued,) = await shop.queued()
    ticket = queued.ticket
    assert (ticket.claim_id, ticket.item_id) == (claim_of(1, "a"), ITEM)
    assert (ticket.member_id, ticket.quantity) == (member(1), 2)
    assert ticket.claimed_at == shop.now
    assert (queued.address_id, queued.delivery) == (address, DeliveryMethod.PICKUP)
    assert (queued.store_id, queued.digest) == (None, wish.digest)


async def test_a_ticket_with_one_bit_changed_is_nobodys(redis: RedisClient) -> None:
    shop = FlashShop(redis)
    await shop.publish()
    answer = await shop.claim(1)
    assert isinstance(answer, Given)
    ticket = shop.gate.ticket_of(answer.ticket)
    assert ticket is not None
    assert (ticket.claim_id, ticket.member_id) == (claim_of(1), member(1))
    whole = urlsafe_b64decode(answer.ticket)
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        assert shop.gate.ticket_of(urlsafe_b64encode(changed).decode()) is None


async def test_an_unknown_item_is_neither_empty_nor_unlimited(client: RedisClient) -> None:
    shop = FlashShop(client)
    assert await shop.claim(1) == Missing()
    await shop.publish()
    assert isinstance(await shop.claim(1), Given)


async def test_a_repetition_finds_its_ticket_whatever_the_sale_says_now(
    client: RedisClient,
) -> None:
    limited = replace(CONFIG, member_limit=Limit(1, 60))
    shop = FlashShop(client, pieces=1, limit=1, config=limited)
    await shop.publish()
    first = await shop.claim(1)
    assert isinstance(first, Given)

    await shop.configure(is_closed=True)
    shop.now += timedelta(hours=2)
    assert [await shop.claim(1) for _ in range(3)] == [first] * 3
    assert await shop.counts() == (0, 1)
    assert len(await shop.queued()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        lambda wish: replace(wish, quantity=2),
        lambda wish: replace(wish, address_id=UUID(int=1)),
        lambda wish: replace(wish, store_id=UUID(int=1)),
        lambda wish: replace(wish, delivery=DeliveryMethod.PICKUP),
    ],
)
async def test_a_key_belongs_to_one_request(
    redis: RedisClient, changed: Callable[[ClaimWish], ClaimWish]
) -> None:
    shop = FlashShop(redis)
    await shop.publish()
    await shop.given(1)
    assert await shop.gate.claim(changed(shop.wish(1))) == Refused(TicketRefusal.KEY_REUSED)
    assert await shop.counts() == (2, 1)


async def test_two_members_may_use_the_same_key(client: RedisClient) -> None:
    shop = FlashShop(client)
    await shop.publish()
    assert (await shop.given(1)).claim_id != (await shop.given(2)).claim_id
    assert await shop.counts() == (1, 2)


async def test_the_limit_counts_all_of_a_members_pieces(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=9, limit=3)
    await shop.publish()
    await shop.given(1, "a", 2)
    assert await shop.claim(1, "b", 2) == Refused(TicketRefusal.LIMIT, left=1)
    await shop.given(1, "c", 1)
    await shop.work()  # Ordered pieces count on.
    assert await shop.claim(1, "d", 1) == Refused(TicketRefusal.LIMIT, left=0)
    assert (await shop.counts(), await shop.mine(1)) == ((6, 0), 3)


async def test_sold_out_says_what_is_left(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=1)
    await shop.publish()
    assert await shop.claim(1, "a", 2) == Refused(TicketRefusal.SOLD_OUT, left=1)
    await shop.given(1, "b", 1)
    assert await shop.claim(2) == Refused(TicketRefusal.SOLD_OUT, left=0)
    assert await shop.counts() == (0, 1)


async def test_the_window_is_open_from_its_first_to_before_its_last_millisecond(
    redis: RedisClient,
) -> None:
    shop = FlashShop(redis, pieces=9, limit=9)
    await shop.publish()
    shop.now = START - timedelta(milliseconds=1)
    assert await shop.claim(1, "a") == Refused(TicketRefusal.EARLY, at=START)
    shop.now = START
    await shop.given(1, "b")
    shop.now = shop.item.ends_at - timedelta(milliseconds=1)
    await shop.given(1, "c")
    shop.now = shop.item.ends_at
    assert await shop.refusal(1, "d") is TicketRefusal.OVER


async def test_some_tiers_start_earlier(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=9)
    shop.item = replace(shop.item, early_minutes={2: 5, 12: 10})
    await shop.publish()
    levels = {member(1): 1, member(2): 2, member(12): 12}
    assert await shop.gate.feed_anew(shop.gate.shards, _pages(levels))

    shop.now = START - timedelta(minutes=5, milliseconds=1)
    own_start = START - timedelta(minutes=5)
    assert await shop.claim(2, "a") == Refused(TicketRefusal.EARLY, at=own_start)
    await shop.given(12, "a")
    shop.now = own_start
    await shop.given(2, "b")
    for everybody_else in (1, 3):
        answer = await shop.claim(everybody_else)
        assert answer == Refused(TicketRefusal.EARLY, at=START)


async def test_a_tier_gate_waits_until_all_levels_are_known(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=9)
    shop.item = replace(shop.item, level=2)
    await shop.publish()
    assert await shop.claim(1) == Missing(levels=True)
    shards = shop.gate.shards_of([shop.item.place])
    assert await shop.gate.feed(shards, {member(2): 2})  # One member is not all.
    assert await shop.gate.unfed(shards) == shards
    assert await shop.claim(1) == Missing(levels=True)
    await shop.given(2)

    assert await shop.gate.feed_anew(shards, _pages({member(1): 1}, {member(3): 3}))
    assert await shop.gate.unfed(shards) == frozenset()
    assert await shop.refusal(1) is TicketRefusal.TIER
    assert await shop.refusal(2, "b") is TicketRefusal.TIER  # Levels are replaced, not added.
    await shop.given(3)

    assert await shop.gate.feed(shards, {member(1): 2, member(3): 0})
    await shop.given(1)
    assert await shop.refusal(3, "b") is TicketRefusal.TIER


async def test_too_low_a_tier_is_told_before_the_start(redis: RedisClient) -> None:
    shop = FlashShop(redis)
    shop.item = replace(shop.item, level=1)
    await shop.publish()
    await shop.gate.feed_anew(shop.gate.shards, _pages({}))
    shop.now = START - timedelta(minutes=1)
    assert await shop.refusal(1) is TicketRefusal.TIER


async def test_who_is_blocked_gets_nothing_even_where_anybody_may_claim(
    client: RedisClient,
) -> None:
    shop = FlashShop(client)
    await shop.publish()
    assert await shop.gate.feed(shop.gate.shards, {member(1): -1})
    assert await shop.refusal(1) is TicketRefusal.BLOCKED
    await shop.given(2)  # Nobody else has to wait for levels that decide nothing.
    assert await shop.gate.feed(shop.gate.shards, {member(1): 0})
    await shop.given(1)


async def test_a_paused_sale_gives_no_tickets_until_it_goes_on(client: RedisClient) -> None:
    shop = FlashShop(client)
    await shop.publish()
    await shop.configure(is_closed=True)
    assert await shop.refusal(1) is TicketRefusal.OVER
    await shop.configure(is_closed=False, ends_at=shop.item.ends_at + timedelta(hours=1))
    shop.now = START + timedelta(minutes=90)
    await shop.given(1)


async def test_an_older_configuration_changes_nothing(client: RedisClient) -> None:
    shop = FlashShop(client, buckets=3)
    assert not await shop.gate.configure(shop.item)  # Unknown there.
    await shop.publish()
    await shop.configure(is_closed=True)
    assert await shop.gate.configure(replace(shop.item, version=1, is_closed=False))
    assert await shop.refusal(1) is TicketRefusal.OVER
    seen = await shop.seen()
    assert seen is not None
    assert seen.version == 2


async def test_members_and_addresses_are_slowed_down(client: RedisClient) -> None:
    config = replace(CONFIG, member_limit=Limit(2, 10), address_limit=Limit(3, 10), hash_key="k")
    shop = FlashShop(client, pieces=9, limit=9, config=config)
    await shop.publish()
    for key in "ab":
        await shop.given(1, key)
    slow = await shop.claim(1, "c")
    assert isinstance(slow, Refused)
    assert slow.reason is TicketRefusal.TOO_OFTEN
    assert slow.wait_seconds == 10
    await shop.given(2)
    assert await shop.refusal(3) is TicketRefusal.TOO_OFTEN  # The address's fourth.
    far = replace(shop.wish(3), client_ip="198.51.100.1")
    assert isinstance(await shop.gate.claim(far), Given)
    await shop.given(1, "a")  # A repetition is never too often.
    assert await shop.counts() == (5, 4)
    names = {key async for key in client.scan_iter(match="*")}
    assert not any("203.0.113.7" in name for name in names)


async def test_exempt_addresses_are_not_counted(redis: RedisClient) -> None:
    config = replace(CONFIG, address_limit=Limit(1, 10), exempt=())
    shop = FlashShop(redis, pieces=9, config=config)
    await shop.publish()
    await shop.given(1)
    assert await shop.refusal(2) is TicketRefusal.TOO_OFTEN

    shop = FlashShop(redis, config=replace(config, exempt=(ip_network("203.0.113.0/24"),)))
    await shop.given(2)
    await shop.given(3)


async def test_a_cancelled_order_can_be_claimed_again(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=1, limit=1, buckets=5)
    await shop.publish()
    await shop.given(1)
    await shop.work()
    assert await shop.refusal(2) is TicketRefusal.SOLD_OUT

    await shop.cancel(1)
    assert (await shop.counts(), await shop.mine(1)) == ((1, 0), 0)
    await shop.given(1, "again")


async def test_pieces_come_back_to_an_unknown_item_by_its_next_count(
    client: RedisClient,
) -> None:
    shop = FlashShop(client, pieces=1, buckets=4)
    await shop.gate.give_back(Claimable(ITEM, member(1), 1))
    assert await shop.claim(2) == Missing()
    await shop.publish()
    assert await shop.counts() == (1, 0)


async def test_what_a_page_shows(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=5, buckets=2)
    elsewhere = ItemPlace(UUID(int=99), 3)
    assert await shop.gate.look([shop.item.place, elsewhere], None) == {}
    await shop.publish()
    answer = await shop.claim(1, "a", 2)
    assert isinstance(answer, Given)
    places = [shop.item.place, elsewhere]
    assert await shop.gate.look(places, member(1)) == {ITEM: Shown(3, 2, answer.ticket)}
    assert await shop.gate.look(places, member(2)) == {ITEM: Shown(3)}
    assert await shop.gate.look(places, None) == {ITEM: Shown(3)}


# Pieces in several parts.


async def test_fifty_at_once_for_three_pieces(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=3)
    await shop.publish()
    answers = await asyncio.gather(*(shop.claim(who) for who in range(50)))
    assert sum(isinstance(answer, Given) for answer in answers) == 3
    assert await shop.counts() == (0, 3)


async def test_one_piece_left_in_one_part_sells_to_exactly_one(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=1, buckets=16)
    await shop.publish()
    answers = await asyncio.gather(*(shop.claim(who) for who in range(50)))
    assert sum(isinstance(answer, Given) for answer in answers) == 1
    assert await shop.counts() == (0, 1)


async def test_single_pieces_of_two_parts_sell_together(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=2, buckets=7)
    await shop.publish()
    home = Places(16).home(shop.item.place, member(1))
    assert home not in {0, 1}  # The pieces lie in the first two parts.
    await shop.given(1, quantity=2)
    assert await shop.counts() == (0, 2)


async def test_parts_that_hold_too_little_are_left_alone(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=3, buckets=3, limit=9)
    await shop.publish()
    assert await shop.refusal(1, "a", 4) is TicketRefusal.SOLD_OUT
    parts = Places(16).parts(shop.item.place)
    assert [await client.hget(part.item, "free") for part in parts] == ["1", "1", "1"]
    await shop.given(1, "b", 3)  # That four were too many says nothing of three.


async def test_all_pieces_of_many_parts_sell_and_none_twice(client: RedisClient) -> None:
    config = replace(CONFIG, dry_seconds=0.0)  # The losers of before have no say.
    shop = FlashShop(client, pieces=40, buckets=16, limit=2, config=config)
    await shop.publish()
    quantities = [random.Random(who).randint(1, 2) for who in range(60)]
    answers = await asyncio.gather(
        *(shop.claim(who, quantity=pieces) for who, pieces in enumerate(quantities))
    )
    sold = sum(
        pieces
        for pieces, answer in zip(quantities, answers, strict=True)
        if isinstance(answer, Given)
    )
    assert await shop.counts() == (40 - sold, sold)
    for who in range(100, 100 + 40 - sold):
        await shop.given(who)
    assert await shop.counts() == (0, 40)
    await shop.work()
    assert (shop.available, sum(shop.quotas.values())) == (0, 40)


async def test_a_part_that_is_dry_is_not_searched_for_again_at_once(redis: RedisClient) -> None:
    shop = FlashShop(redis, pieces=1, buckets=4)
    await shop.publish()
    await shop.given(1)
    assert await shop.refusal(2) is TicketRefusal.SOLD_OUT
    first = await _commands(redis)
    assert await shop.refusal(3) is TicketRefusal.SOLD_OUT
    assert await _commands(redis) - first == 1  # The claim alone.


async def _commands(client: RedisClient) -> int:
    """Return how many scripts the server has run."""
    stats = await client.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"])


def test_parts_lie_in_shards_of_their_own() -> None:
    places = Places(16)
    for buckets, parts in ((1, 1), (5, 5), (16, 16), (64, 16)):
        found = places.parts(ItemPlace(ITEM, buckets))
        assert len({part.shard.number for part in found}) == len(found) == parts
    homes = {places.home(ItemPlace(ITEM, 64), member(who)) for who in range(500)}
    assert homes == set(range(16))


async def test_all_keys_of_a_shard_share_a_slot(redis_cluster: RedisClient) -> None:
    assert isinstance(redis_cluster, RedisCluster)
    slots = set()
    for number in range(16):
        part = Part.of(ITEM, number)
        shard = part.shard
        keys = [part.item, part.quota, part.open, part.mine, part.lock, part.new_quota("x")]
        keys += [shard.tickets, shard.level, shard.new_level("x"), shard.key("x")]
        keys += [shard.member_rate("x"), shard.address_rate("x")]
        (slot,) = {redis_cluster.keyslot(key) for key in keys}
        slots.add(slot)
    assert len(slots) == 16


async def test_all_but_queues_are_forgotten_some_day(client: RedisClient) -> None:
    config = replace(CONFIG, member_limit=Limit(9, 10), address_limit=Limit(9, 10))
    shop = FlashShop(client, buckets=3, config=config)
    await shop.publish()
    await shop.gate.feed(shop.gate.shards, {member(5): 1})
    await shop.gate.feed_anew([0], _pages({member(5): 1}))
    for who in range(3):
        await shop.given(who)
    lasting = {key async for key in client.scan_iter(match="*") if await client.ttl(key) == -1}
    assert lasting
    assert all(key.endswith(":tickets") for key in lasting)


# When Redis is away.


async def test_a_dead_redis_says_that_it_is_away(
    redis_server: RedisServer, redis: RedisClient
) -> None:
    shop = FlashShop(redis)
    await shop.publish()
    ticket = await shop.given(1)
    redis_server.stop()
    with pytest.raises(GateAway):
        await shop.claim(2)
    with pytest.raises(GateAway):
        await shop.gate.is_open(ticket, 1)
    with pytest.raises(GateAway):
        await shop.seen()
    assert await shop.gate.look([shop.item.place], None) is None
    assert await shop.gate.unfed([1]) is None
    assert not await shop.gate.configure(shop.item)
    assert not await shop.gate.rebuild(shop.item, shop.read)
    assert not await shop.gate.feed([1], {member(1): 1})
    assert not await shop.gate.feed_anew([1], _pages({}))
    assert await shop.queued() == []
    await shop.gate.give_back(Claimable(ITEM, member(1), 1))
    await shop.gate.settle([])


async def test_a_paused_redis_is_left_alone_for_a_moment(redis_server: RedisServer) -> None:
    client = connect(RedisConfig(redis_server.url))
    config = replace(CONFIG, timeout_seconds=0.1, breaker_seconds=60.0)
    shop = FlashShop(client, config=config)
    await shop.publish()
    redis_server.pause()
    with pytest.raises(GateAway):
        await shop.claim(1)
    redis_server.resume()
    with pytest.raises(GateAway):
        await shop.claim(2)
    assert await shop.counts() in {(2, 1), (3, 0)}  # Nobody knows whether the first arrived.
    await client.aclose()


async def test_a_claim_whose_answer_was_lost_is_found_by_its_key(
    redis_server: RedisServer, redis: RedisClient
) -> None:
    shop = FlashShop(redis, config=replace(CONFIG, timeout_seconds=0.1))
    await shop.publish()
    await shop.given(1)  # The script is loaded and a connection open.
    redis_server.pause()
    with pytest.raises(GateAway):
        await shop.claim(2)
    redis_server.resume()
    again = FlashShop(redis)
    await again.given(2)
    assert await again.counts() == (1, 2)
    assert len(await again.queued()) == 2


async def test_scripts_are_loaded_where_redis_has_forgotten_them(client: RedisClient) -> None:
    shop = FlashShop(client, pieces=4, buckets=2, limit=4)
    await shop.publish()
    await client.script_flush()
    await shop.given(1, "a")
    await client.script_flush()
    await shop.work()
    await client.script_flush()
    await shop.given(1, "b", 3)
    assert await shop.counts() == (0, 3)
