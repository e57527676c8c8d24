"""News over Redis: who follows hears, whatever happens to the line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from domain.news import NewsKind
from gateways.redis.connection import RedisClient, RedisConfig, connect
from gateways.redis.news import CHANNEL, Bell, NewsLine, NewsLineConfig
from services.news import Topic
from tests.support.redis import RedisServer

PATIENCE_SECONDS = 20.0
"""What a test waits for a ring that must come; it fails after that."""

QUICK = NewsLineConfig(reconnect_seconds=0.01, silence_seconds=0.1, breaker_seconds=0.01)

ORDER = Topic(NewsKind.ORDER, "1")
OTHER = Topic(NewsKind.ORDER, "2")
TEAM = Topic(NewsKind.TEAM, "1")


@pytest.fixture
async def line(redis: RedisClient) -> AsyncIterator[NewsLine]:
    """A process's end of the line."""
    made = NewsLine(redis, QUICK)
    yield made
    await made.aclose()


@pytest.fixture
async def far(redis_server: RedisServer) -> AsyncIterator[NewsLine]:
    """Another process's."""
    client = connect(RedisConfig(redis_server.url))
    made = NewsLine(client, QUICK)
    yield made
    await made.aclose()
    await client.aclose()


async def rung(bell: Bell) -> None:
    """Wait for a ring."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await bell.wait(PATIENCE_SECONDS * 2)


def is_silent(bell: Bell) -> bool:
    """Tell whether nothing has rung since the last wait."""
    return not bell._event.is_set()


async def test_a_bell_rings_when_its_line_is_heard(line: NewsLine) -> None:
    """What was said before that is lost, so whoever follows looks."""
    with line.follow(ORDER) as bell:
        await rung(bell)


async def test_news_reaches_other_processes(line: NewsLine, far: NewsLine) -> None:
    with line.follow(ORDER) as here, far.follow(ORDER) as there:
        await rung(here)
        await rung(there)
        await line.tell([ORDER])
        await rung(here)
        await rung(there)


async def test_only_the_followers_of_a_topic_are_rung(line: NewsLine, far: NewsLine) -> None:
    with line.follow(ORDER) as one, line.follow(OTHER) as two, line.follow(TEAM) as three:
        for bell in (one, two, three):
            await rung(bell)
        await far.tell([OTHER])
        await rung(two)
        assert is_silent(one)
        assert is_silent(three)
        # All that follow the same are rung.
        with line.follow(TEAM) as four:
            await far.tell([ORDER, TEAM])
            for bell in (one, three, four):
                await rung(bell)
        assert is_silent(two)


async def test_many_rings_are_one(line: NewsLine, far: NewsLine) -> None:
    with line.follow(ORDER) as bell, line.follow(OTHER) as after:
        await rung(bell)
        await rung(after)
        for _ in range(5):
            await far.tell([ORDER])
        await far.tell([OTHER])
        await rung(after)
        await rung(bell)
        assert is_silent(bell)


async def test_a_wait_has_an_end(line: NewsLine) -> None:
    with line.follow(ORDER) as bell:
        await rung(bell)
        await bell.wait(0.01)


async def test_nothing_is_left_of_who_has_gone(line: NewsLine) -> None:
    with line.follow(ORDER) as bell:
        await rung(bell)
        with line.follow(ORDER):
            pass
    assert line._bells == {}


async def test_large_batches_are_told_in_parts(redis: RedisClient, far: NewsLine) -> None:
    line = NewsLine(redis, replace(QUICK, topics=2))
    topics = [Topic(NewsKind.TICKET, str(number)) for number in range(5)]
    with far.follow(topics[-1]) as last, far.follow(topics[0]) as first:
        await rung(last)
        await rung(first)
        await line.tell(topics)
        await rung(last)
        await rung(first)


async def test_a_restarted_redis_rings_every_bell(
    line: NewsLine, redis_server: RedisServer
) -> None:
    with line.follow(ORDER) as one, line.follow(TEAM) as two:
        await rung(one)
        await rung(two)
        redis_server.stop()
        await line.tell([ORDER])  # Lost, and no error.
        redis_server.start()
        await rung(one)
        await rung(two)
        await line.tell([TEAM])
        await rung(two)


async def test_a_redis_that_hangs_is_given_up(line: NewsLine, redis_server: RedisServer) -> None:
    with line.follow(ORDER) as bell:
        await rung(bell)
        redis_server.pause()
        await line.tell([ORDER])
        with capture_logs() as logs:
            while {"news_line_lost"} - {entry["event"] for entry in logs}:  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.01)
        redis_server.resume()
        await rung(bell)


async def test_who_follows_while_redis_is_away_is_rung_later(
    line: NewsLine, redis_server: RedisServer
) -> None:
    redis_server.stop()
    with line.follow(ORDER) as bell:
        await bell.wait(0.01)
        redis_server.start()
        await rung(bell)


async def test_what_is_not_ours_on_the_channel_rings_nothing(
    line: NewsLine, far: NewsLine, redis: RedisClient
) -> None:
    with line.follow(ORDER) as bell, line.follow(TEAM) as after:
        await rung(bell)
        await rung(after)
        for odd in ("", "\n", "ORDER", "ORDER:", "ORDER:3", "order:1"):
            await redis.publish(CHANNEL, odd)
        await far.tell([TEAM])
        await rung(after)
        assert is_silent(bell)


async def test_news_on_a_cluster(redis_cluster: RedisClient) -> None:
    line, far = NewsLine(redis_cluster, QUICK), NewsLine(redis_cluster, QUICK)
    with line.follow(ORDER) as bell:
        await rung(bell)
        await far.tell([ORDER])
        await rung(bell)
    await line.aclose()
