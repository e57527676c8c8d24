"""Limits on the doors: what passes, how long to wait, and what a dead Redis changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network

import pytest

from gateways.redis.connection import RedisClient
from gateways.redis.limits import (
    DEFAULT_DOORS,
    Limit,
    LimitsConfig,
    RateLimits,
    Window,
)
from gateways.redis.subjects import Network
from tests.support.redis import RedisServer

HOME, OFFICE = "203.0.113.7", "203.0.113.8"
DOORS = {
    "cheap": [Limit(3, 60)],
    "dear": [Limit(2, 60, Window.MOVING), Limit(3, 3_600, Window.MOVING)],
}


def limits_over(
    redis: RedisClient,
    *,
    doors: Mapping[str, Sequence[Limit]] = DOORS,
    exempt: Sequence[Network] = (),
    enabled: bool = True,
    breaker_seconds: float = 0.0,
) -> RateLimits:
    config = LimitsConfig(
        doors=doors,
        exempt=exempt,
        hash_key="test",
        timeout_seconds=5.0,
        breaker_seconds=breaker_seconds,
        enabled=enabled,
    )
    return RateLimits(redis, config)


async def knocks(limits: RateLimits, door: str, address: str, times: int) -> list[bool]:
    """Knock and tell each time whether the door opened."""
    return [await limits.knock(door, address) is None for _ in range(times)]


@pytest.mark.parametrize(
    ("door", "opened"), [("cheap", [True] * 3 + [False] * 2), ("dear", [True] * 2 + [False] * 3)]
)
async def test_a_door_opens_only_so_often(
    redis: RedisClient, door: str, opened: list[bool]
) -> None:
    limits = limits_over(redis)
    assert await knocks(limits, door, HOME, 5) == opened
    assert await knocks(limits, door, OFFICE, 1) == [True]


@pytest.mark.parametrize("door", ["cheap", "dear"])
async def test_a_refusal_says_how_long_to_wait(redis: RedisClient, door: str) -> None:
    limits = limits_over(redis)
    await knocks(limits, door, HOME, 3)
    wait_seconds = await limits.knock(door, HOME)
    assert wait_seconds is not None
    assert 55 < wait_seconds <= 60


async def test_the_longer_window_counts_too(redis: RedisClient) -> None:
    doors = {"dear": [Limit(100, 60, Window.MOVING), Limit(3, 3_600, Window.MOVING)]}
    limits = limits_over(redis, doors=doors)
    assert await knocks(limits, "dear", HOME, 4) == [True, True, True, False]
    wait_seconds = await limits.knock("dear", HOME)
    assert wait_seconds is not None
    assert 3_590 < wait_seconds <= 3_600


async def test_processes_count_together(redis: RedisClient) -> None:
    assert await knocks(limits_over(redis), "cheap", HOME, 2) == [True, True]
    assert await knocks(limits_over(redis), "cheap", HOME, 2) == [True, False]


async def test_every_counter_ends_with_its_window_and_names_no_address(redis: RedisClient) -> None:
    limits = limits_over(redis)
    await limits.knock("cheap", HOME)
    await limits.knock("dear", HOME)
    keys = await redis.keys("*")
    assert len(keys) == 3
    for key in keys:
        assert HOME not in key
        assert 0 < await redis.ttl(key) <= 3_600


async def test_exempt_networks_and_doors_without_limits_are_open(redis: RedisClient) -> None:
    limits = limits_over(redis, exempt=[ip_network("127.0.0.0/8")])
    assert await knocks(limits, "cheap", "127.0.0.1", 9) == [True] * 9
    assert await knocks(limits, "cheap", "::ffff:127.0.0.1", 9) == [True] * 9
    assert await knocks(limits, "unheard-of", HOME, 9) == [True] * 9
    assert await knocks(limits_over(redis, enabled=False), "cheap", HOME, 9) == [True] * 9
    assert await redis.keys("*") == []


async def test_an_ipv6_household_is_one_caller(redis: RedisClient) -> None:
    limits = limits_over(redis)
    assert await knocks(limits, "dear", "2001:db8:1:2::1", 1) == [True]
    assert await knocks(limits, "dear", "2001:db8:1:2:ffff::9", 2) == [True, False]
    assert await knocks(limits, "dear", "2001:db8:1:3::1", 1) == [True]


async def test_what_is_no_address_is_counted_as_it_is(redis: RedisClient) -> None:
    assert await knocks(limits_over(redis), "dear", "", 3) == [True, True, False]


@pytest.mark.parametrize("door", ["cheap", "dear"])
async def test_without_redis_each_process_counts_alone(
    redis: RedisClient, redis_server: RedisServer, door: str
) -> None:
    limits = limits_over(redis)
    redis_server.stop()
    opened = await knocks(limits, door, HOME, 5)
    assert opened == ([True] * 3 + [False] * 2 if door == "cheap" else [True] * 2 + [False] * 3)
    wait_seconds = await limits.knock(door, HOME)
    assert wait_seconds is not None
    assert 55 < wait_seconds <= 60

    redis_server.start()
    assert await knocks(limits, door, HOME, 1) == [True]


async def test_a_paused_redis_is_left_alone_for_a_while(
    redis: RedisClient, redis_server: RedisServer
) -> None:
    config = LimitsConfig(doors=DOORS, timeout_seconds=0.02, breaker_seconds=3_600.0)
    limits = RateLimits(redis, config)
    redis_server.pause()
    assert await knocks(limits, "dear", HOME, 3) == [True, True, False]
    redis_server.resume()
    assert await knocks(limits, "dear", HOME, 1) == [False]


def test_messages_are_limited_exactly_by_default() -> None:
    assert all(limit.window is Window.MOVING for limit in DEFAULT_DOORS["sms"])
