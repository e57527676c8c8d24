"""What takes too long, and who doesn't wait for it."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from executor.asgi import Message
from tests.executor.calls import GONE, RESPONSE_JSON, World, ask, attempt, endpoint, pieces

QUERY = orjson.dumps({"query": "{ wait }"})
MUTATION = orjson.dumps({"query": 'mutation { note(text: "a") wait last: note(text: "b") }'})


@pytest.mark.parametrize("sent", [[], [b""], [QUERY[:5]]], ids=["nothing", "empty", "a piece"])
async def test_a_body_that_takes_too_long(sent: list[bytes]) -> None:
    answer = await ask(endpoint(body_seconds=0.01), receive=pieces(*sent, ends=False))
    assert answer.status == 408
    assert answer.errors == [
        {
            "message": "The body took too long to come in.",
            "extensions": {"code": "BAD_REQUEST"},
        }
    ]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("accept", ["application/json", RESPONSE_JSON])
@pytest.mark.parametrize("body", [QUERY, MUTATION], ids=["query", "mutation"])
async def test_a_run_that_takes_too_long_is_cancelled(body: bytes, accept: str) -> None:
    world = World()
    app = endpoint(world, run_seconds=0)
    answer = await ask(app, body=body, headers={"accept": accept})
    assert answer.status == 503
    assert answer.errors == [
        {
            "message": "This took more than 0 seconds, and was given up.",
            "extensions": {"code": "TIMEOUT"},
        }
    ]
    # It was begun once, and nothing came after it: no second run, no next field.
    assert world.done == (["cancelled"] if body is QUERY else ["a", "cancelled"])


async def test_the_context_is_made_within_the_same_limit() -> None:
    world = World()
    answer = await ask(
        endpoint(world, run_seconds=0), body=QUERY, headers={"authorization": "slow"}
    )
    assert (answer.status, world.done) == (503, ["cancelled"])


async def test_a_time_out_of_a_resolver_is_its_own_affair() -> None:
    world = World(trouble=TimeoutError())
    world.gate.set()
    answer = await ask(endpoint(world), body=QUERY)
    assert (answer.status, answer.json["errors"][0]["extensions"]) == (200, {"code": "INTERNAL"})


async def test_a_query_ends_when_its_client_goes() -> None:
    world = World()
    app = endpoint(world, looks_after_seconds=0)
    assert await attempt(app, body=QUERY, receive=pieces(QUERY, then=GONE)) is None
    assert world.done == ["cancelled"]


async def test_a_mutation_goes_on_when_its_client_goes() -> None:
    world = World()
    app = endpoint(world, looks_after_seconds=0)
    messages: list[Message] = [{"type": "http.request", "body": MUTATION}, GONE]

    async def receive() -> Message:
        return messages.pop(0)

    async def open_the_gate() -> None:
        await world.come_to(world.waiting)
        for _ in range(5):
            await asyncio.sleep(0)  # Time enough to look after the client.
        world.gate.set()

    opening = asyncio.create_task(open_the_gate())
    answer = await attempt(app, receive=receive)
    await opening
    assert world.done == ["a", "waited", "b"]
    # Nobody asked whether the client is there: what is answered is the server's affair.
    assert messages == [GONE]
    assert answer is not None
    assert answer.json == {"data": {"note": "a", "wait": "waited", "last": "b"}}


async def test_who_stops_the_server_stops_a_run() -> None:
    world = World()
    running = asyncio.create_task(attempt(endpoint(world), body=MUTATION))
    await world.come_to(world.waiting)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert world.done == ["a", "cancelled"]
