"""Claims that share a round trip: each has its own reply, error and patience."""

from __future__ import annotations

import asyncio
from hashlib import sha1
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from gateways.redis.claims_client import CollectedClaims, RedisPyClaims, claims_client
from gateways.redis.connection import RedisClient
from gateways.redis.scripts import Script
from tests.support.redis import RedisServer

_SOURCE = """
if ARGV[1] == 'wrong' then
  return redis.error_reply('WRONG it is')
end
return {redis.call('INCR', KEYS[1]), ARGV[1]}
"""
COUNT = Script(_SOURCE, sha1(_SOURCE.encode(), usedforsecurity=False).hexdigest())


@pytest.fixture
def server(redis: RedisClient) -> Redis:
    assert isinstance(redis, Redis)
    return redis


async def _count(claims: CollectedClaims, key: str, word: str) -> list[Any]:
    reply: list[Any] = await claims.evalsha(COUNT, [key], [word])
    return reply


async def test_everybody_gets_their_own_reply_in_few_round_trips(
    server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_trips = []
    pipeline = server.pipeline

    def counted(**options: Any) -> Any:
        round_trips.append(options)
        return pipeline(**options)

    monkeypatch.setattr(server, "pipeline", counted)
    await server.script_load(COUNT.source)
    claims = CollectedClaims(server, most=40)
    replies = await asyncio.gather(*(_count(claims, f"k{n % 10}", f"w{n}") for n in range(100)))
    assert [word for _, word in replies] == [f"w{n}" for n in range(100)]
    assert sorted(count for count, _ in replies) == sorted(list(range(1, 11)) * 10)
    assert len(round_trips) == 3


async def test_a_forgotten_script_is_loaded_and_runs_once_for_each(server: Redis) -> None:
    claims = CollectedClaims(server)
    replies = await asyncio.gather(*(_count(claims, "k", "w") for _ in range(20)))
    assert sorted(count for count, _ in replies) == list(range(1, 21))


async def test_an_error_is_told_to_who_made_it(server: Redis) -> None:
    claims = CollectedClaims(server)
    words = ["a", "wrong", "b"]
    first, wrong, last = await asyncio.gather(
        *(_count(claims, "k", word) for word in words), return_exceptions=True
    )
    assert isinstance(wrong, ResponseError)
    assert (first, last) == ([1, "a"], [2, "b"])


async def test_who_leaves_early_leaves_the_others_alone(server: Redis) -> None:
    claims = CollectedClaims(server)
    first, leaver, last = (asyncio.create_task(_count(claims, "k", "w")) for _ in range(3))
    await asyncio.sleep(0)
    leaver.cancel()
    counts = sorted([(await first)[0], (await last)[0]])
    assert leaver.cancelled()
    assert counts == [1, 2]  # They had not gone yet: nothing was sent for the one who left.
    assert (await _count(claims, "k", "w"))[0] == 3


async def test_a_lost_connection_is_told_to_all_and_the_next_go_on(
    redis_server: RedisServer, server: Redis
) -> None:
    claims = CollectedClaims(server)
    assert (await _count(claims, "k", "w"))[0] == 1
    redis_server.stop()
    failed = await asyncio.gather(
        *(_count(claims, "k", "w") for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(error, (RedisError, OSError)) for error in failed)
    redis_server.start()
    assert (await _count(claims, "k", "w"))[0] == 1


async def test_a_clusters_claims_go_one_by_one(
    redis: RedisClient, redis_cluster: RedisClient
) -> None:
    assert isinstance(claims_client(redis), CollectedClaims)
    one_by_one = claims_client(redis_cluster)
    assert isinstance(one_by_one, RedisPyClaims)
    assert await one_by_one.evalsha(COUNT, ["k"], ["w"]) == [1, "w"]
