"""Subscriptions on a socket: how many, how long, and what each event runs in."""

from __future__ import annotations

import pytest

from tests.executor.sockets import Socket, stage


async def refused(socket: Socket, id_: str) -> dict[str, object]:
    """Return the one error that an operation ends with, which comes next."""
    told = await socket.hear()
    assert (told["id"], told["type"]) == (id_, "error")
    [error] = told["payload"]
    return dict(error)


def too_long(seconds: float) -> dict[str, object]:
    return {
        "message": f"This took more than {seconds:g} seconds, and was given up.",
        "extensions": {"code": "TIMEOUT"},
    }


async def test_only_so_many_subscriptions_run_on_a_socket() -> None:
    async with stage(subscriptions=2) as set_up:
        socket = await set_up.begun()
        for id_ in ("1", "2"):
            socket.subscribe(id_, "subscription { watch }")
            await socket.hear()
        socket.subscribe("3", "subscription { watch }")
        assert await refused(socket, "3") == {
            "message": "At most 2 subscriptions run on a socket at a time.",
            "extensions": {"code": "RATE_LIMITED", "limit": "subscriptions", "maximum": 2},
        }
        socket.subscribe("3", "{ hello }")  # Other operations have a limit of their own.
        assert [(await socket.hear())["type"] for _ in range(2)] == ["next", "complete"]
        other = await set_up.begun()
        other.subscribe("1", "subscription { watch }")
        assert (await other.hear())["type"] == "next"
        socket.complete("1")
        await set_up.running(2)
        socket.subscribe("3", "subscription { watch }")
        assert (await socket.hear())["type"] == "next"


async def test_opening_has_a_time() -> None:
    async with stage(run_seconds=0.01) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { opensSlowly }")
        assert await refused(socket, "1") == too_long(0.01)
        await socket.pong()


async def test_opening_may_take_a_while() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { opensSlowly }")
        await set_up.world.waiting.wait()
        set_up.world.gate.set()
        assert (await socket.hear())["payload"] == {"data": {"opensSlowly": 1}}
        assert (await socket.hear())["type"] == "complete"


async def test_an_event_has_a_time_and_its_source_has_none() -> None:
    async with stage(run_seconds=0.01) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        assert (await socket.hear())["payload"] == {"data": {"watch": "open"}}
        await set_up.world.waiting.wait()
        socket.subscribe("2", "subscription { ticks(upto: 2) { number slow } }")
        assert await refused(socket, "2") == too_long(0.01)
        assert set_up.world.done == ["ticks is closed"]
        set_up.world.gate.set()
        assert (await socket.hear())["payload"] == {"data": {"watch": "gate"}}


async def test_each_event_runs_in_a_block_of_its_own() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription Ticks { ticks(upto: 2) { number } }")
        assert [(await socket.hear())["type"] for _ in range(3)] == ["next", "next", "complete"]
        assert set_up.world.runs == [("Ticks", "begins"), ("Ticks", "ends")] * 2


async def test_a_peer_who_is_no_longer_welcome_is_told_of_no_event() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        await set_up.world.waiting.wait()
        set_up.world.revoked.add("alice")
        set_up.world.gate.set()
        assert await socket.closed() == (4403, "Forbidden")


async def test_a_subscription_lives_in_a_block() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        for id_ in ("1", "2"):
            socket.subscribe(id_, "subscription { watch }")
            await socket.hear()
        assert set_up.world.following == 2
        socket.complete("1")
        await set_up.running(1)
        assert set_up.world.following == 1
        set_up.world.gate.set()
        assert [(await socket.hear())["type"] for _ in range(2)] == ["next", "complete"]
        await set_up.running(0)
        assert set_up.world.following == 0


@pytest.mark.parametrize("query", ["{ hello }", 'mutation { write(what: "x") }'])
async def test_what_is_no_subscription_has_no_such_block(query: str) -> None:
    async with stage() as set_up:
        socket = await set_up.begun("greedy")
        socket.subscribe("1", query)
        assert (await socket.hear())["type"] == "next"


async def test_the_block_may_refuse_a_subscription() -> None:
    async with stage() as set_up:
        socket = await set_up.begun("greedy")
        socket.subscribe("1", "subscription { watch }")
        assert await refused(socket, "1") == {
            "message": "Enough.",
            "extensions": {"code": "RATE_LIMITED"},
        }
        assert set_up.world.done == []
