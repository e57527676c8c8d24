"""graphql-transport-ws: what the protocol says, message by message."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from executor.websocket_connection import Connection
from tests.executor.sockets import stage

MASKED = {"message": "Something went wrong on our side.", "extensions": {"code": "INTERNAL"}}
DEEP = '{"a":' * 500 + "1" + "}" * 500


async def test_a_socket_is_accepted_by_the_protocols_name() -> None:
    async with stage() as set_up:
        socket = set_up.open(subprotocols=["graphql-ws", "graphql-transport-ws"])
        socket.knock()
        assert await socket.event() == {
            "type": "websocket.accept",
            "subprotocol": "graphql-transport-ws",
        }


@pytest.mark.parametrize("offered", [[], ["graphql-ws"], ["soap"]])
async def test_other_protocols_are_not_spoken(offered: list[str]) -> None:
    async with stage() as set_up:
        socket = set_up.open(subprotocols=offered)
        socket.knock()
        assert await socket.event() == {"type": "websocket.accept"}
        assert await socket.closed() == (4406, "Subprotocol not acceptable")


async def test_a_connection_is_acknowledged_without_a_payload_too() -> None:
    async with stage() as set_up:
        socket = set_up.open()
        socket.knock()
        await socket.event()
        socket.say({"type": "connection_init", "payload": None})
        assert await socket.hear() == {"type": "connection_ack"}


async def test_a_connection_is_initialised_once() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.say({"type": "connection_init"})
        assert await socket.closed() == (4429, "Too many initialisation requests")


async def test_whoever_does_not_initialise_is_closed() -> None:
    async with stage(init_seconds=0.01) as set_up:
        socket = set_up.open()
        socket.knock()
        await socket.event()
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_pings_do_not_stand_for_an_initialisation() -> None:
    async with stage(init_seconds=0.01) as set_up:
        socket = set_up.open()
        socket.knock()
        await socket.event()
        await socket.pong()
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_hook_that_takes_too_long_ends_the_initialisation() -> None:
    async with stage(init_seconds=0.01) as set_up:
        socket = set_up.open()
        socket.knock()
        await socket.event()
        socket.say({"type": "connection_init", "payload": {"name": "sloth"}})
        assert await socket.closed() == (4408, "Connection initialisation timeout")
        await set_up.served(socket)  # The hook was cancelled: it would wait for ever.


@pytest.mark.parametrize(
    ("name", "close"),
    [("mallory", (4403, "Not you.")), ("bug", (4500, "Internal server error"))],
)
async def test_a_peer_may_be_refused(name: str, close: tuple[int, str]) -> None:
    async with stage() as set_up:
        socket = set_up.open()
        socket.knock()
        await socket.event()
        socket.say({"type": "connection_init", "payload": {"name": name}})
        assert await socket.closed() == close
        await set_up.served(socket)


async def test_operations_wait_for_the_acknowledgement() -> None:
    async with stage() as set_up:
        socket = set_up.open()
        socket.knock()
        await socket.event()
        socket.subscribe("1", "{ hello }")
        assert await socket.closed() == (4401, "Unauthorized")


async def test_pings_are_answered_at_any_time() -> None:
    async with stage() as set_up:
        socket = set_up.open()
        socket.knock()
        await socket.event()
        await socket.pong()
        socket.say({"type": "connection_init"})
        assert await socket.hear() == {"type": "connection_ack"}
        socket.say({"type": "pong", "payload": {"unasked": True}})
        socket.say({"type": "ping", "payload": {"sent": [1, None, "时"]}})
        assert await socket.hear() == {"type": "pong", "payload": {"sent": [1, None, "时"]}}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "A message is JSON."),
        ("", "A message is JSON."),
        ('"\\ud800"', "A message is JSON."),
        ('{"type":"ping","payload":1e400}', "A message is JSON."),
        ("[" * 5_000, "A message is JSON."),
        ("[]", "A message is an object."),
        ("null", "A message is an object."),
        ('[{"type":"ping"}]', "A message is an object."),
        (b'{"type":"ping"}', "A message is text."),
        ({}, "A message of this type isn't known here."),
        ({"type": "start", "id": "1"}, "A message of this type isn't known here."),
        ({"type": "connection_ack"}, "A message of this type isn't known here."),
        ({"type": "next", "id": "1"}, "A message of this type isn't known here."),
        ({"type": ["ping"]}, "A message of this type isn't known here."),
        ({"type": "ping", "payload": []}, "`payload` is an object."),
        ({"type": "pong", "payload": "pong"}, "`payload` is an object."),
        ({"type": "connection_init", "payload": "x"}, "`payload` is an object."),
        (f'{{"type":"ping","payload":{DEEP}}}', "`payload` is nested too deeply."),
        ({"type": "complete"}, "`id` is a text of 1 to 128 characters."),
        ({"type": "complete", "id": ""}, "`id` is a text of 1 to 128 characters."),
        ({"type": "complete", "id": 1}, "`id` is a text of 1 to 128 characters."),
        ({"type": "complete", "id": "x" * 129}, "`id` is a text of 1 to 128 characters."),
        ({"type": "subscribe", "id": "1"}, "`payload` is missing."),
        ({"type": "subscribe", "id": "1", "payload": [1]}, "`payload` is an object."),
        (
            {"type": "subscribe", "payload": {"query": "{ hello }"}},
            "`id` is a text of 1 to 128 characters.",
        ),
        (
            {"type": "subscribe", "id": "1", "payload": {}},
            "`query` is missing: the text of a document.",
        ),
        (
            {"type": "subscribe", "id": "1", "payload": {"query": 1}},
            "`query` is the text of a document.",
        ),
        (
            {"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": []}},
            "`variables` is an object.",
        ),
    ],
)
async def test_whatever_the_protocol_does_not_describe_closes_the_socket(
    message: Any, reason: str
) -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.say(message)
        assert await socket.closed() == (4400, reason)
        await set_up.served(socket)
        assert socket.silence


async def test_a_reason_fits_into_a_control_frame() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        id_ = "时" * 128
        socket.subscribe(id_, "subscription { watch }")
        await socket.hear()
        socket.subscribe(id_, "subscription { watch }")
        code, reason = await socket.closed()
        assert code == 4409
        assert len(reason.encode()) <= 123
        assert reason == "Subscriber for " + "时" * 36


async def test_a_query_is_answered_once() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "{ hello }")
        assert await socket.hear() == {
            "id": "1",
            "type": "next",
            "payload": {"data": {"hello": "Hello, world! This is alice."}},
        }
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_variables_and_the_operations_name_are_taken() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        document = "query A { hello } query B($n: String!) { hello(name: $n) }"
        socket.subscribe("b", document, operationName="B", variables={"n": "you"})
        assert (await socket.hear())["payload"] == {"data": {"hello": "Hello, you! This is alice."}}
        assert await socket.hear() == {"id": "b", "type": "complete"}


async def test_a_mutation_is_run_once() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", 'mutation { write(what: "x") }')
        assert (await socket.hear())["payload"] == {"data": {"write": "x"}}
        assert await socket.hear() == {"id": "1", "type": "complete"}
        assert set_up.world.done == ["x"]


async def test_a_subscription_tells_its_events_and_its_end() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { count(upto: 3) }")
        heard = [await socket.hear() for _ in range(4)]
        assert heard == [
            *({"id": "1", "type": "next", "payload": {"data": {"count": n}}} for n in (1, 2, 3)),
            {"id": "1", "type": "complete"},
        ]


async def test_operations_run_beside_each_other() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("slow", "{ slow }")
        socket.subscribe("watch", "subscription { watch }")
        assert (await socket.hear())["id"] == "watch"
        socket.subscribe("quick", "{ hello }")
        assert [(await socket.hear())["id"] for _ in range(2)] == ["quick", "quick"]
        await set_up.running(2)
        tally = set_up.endpoint.tally
        assert (tally.sockets, tally.subscriptions) == (1, 1)


async def test_each_operation_has_a_context_of_its_own() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        for id_ in ("1", "2"):
            socket.subscribe(id_, "{ hello }")
            await socket.hear()
            await socket.hear()
        first, second = set_up.world.contexts
        assert first is not second


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        ("{", "BAD_REQUEST", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nothing }", "BAD_REQUEST", "Cannot query field 'nothing' on type 'Query'."),
        ("query A { hello } query B { hello }", "BAD_REQUEST", "Must provide operation name"),
        ("{ a: hello " * 60 + "}" * 60, "BAD_REQUEST", "The document is 60 fields deep"),
        ("subscription { nothing }", "BAD_REQUEST", "Cannot query field 'nothing'"),
    ],
)
async def test_a_request_that_cannot_be_run_is_told_as_an_error(
    document: str, code: str, message: str
) -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", document)
        told = await socket.hear()
        assert (told["id"], told["type"]) == ("1", "error")
        error = told["payload"][0]
        assert error["message"].startswith(message), told
        socket.subscribe("1", "{ hello }")  # The id is free, and the socket goes on.
        assert (await socket.hear())["type"] == "next"
        assert await socket.hear() == {"id": "1", "type": "complete"}
        assert error["extensions"]["code"] == code


async def test_wrong_variables_are_told_as_an_error() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        for document in (
            "query ($n: String!) { hello(name: $n) }",
            "subscription ($n: String!) { watch(name: $n) }",
        ):
            socket.subscribe("1", document, variables={"n": 1})
            told = await socket.hear()
            assert (told["id"], told["type"]) == ("1", "error")
            [error] = told["payload"]
            assert error["message"].startswith("Variable '$n' has invalid value")
        assert set_up.world.done == []


async def test_a_failing_field_is_data_with_masked_errors() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "{ broken }")
        told = (await socket.hear())["payload"]
        assert told["data"] is None
        [error] = told["errors"]
        assert (error["message"], error["extensions"]) == (
            MASKED["message"],
            MASKED["extensions"],
        )
        assert error["path"] == ["broken"]
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_an_answer_that_is_no_json_ends_only_its_operation() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "{ huge }")
        assert await socket.hear() == {"id": "1", "type": "error", "payload": [MASKED]}
        socket.subscribe("1", "{ hello }")
        assert (await socket.hear())["type"] == "next"


async def test_a_subscription_that_fails_tells_so_and_is_over() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { fail }")
        assert (await socket.hear())["payload"] == {"data": {"fail": 1}}
        told = await socket.hear()
        assert (told["type"], told["payload"]) == ("error", [MASKED])
        socket.subscribe("1", "subscription { refuse }")
        told = await socket.hear()
        assert told["type"] == "error"
        assert [error["message"] for error in told["payload"]] == ["Not for you."]


async def test_an_id_belongs_to_one_operation_at_a_time() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "{ slow }")
        socket.subscribe("1", "{ hello }")
        assert await socket.closed() == (4409, "Subscriber for 1 already exists")
        await set_up.served(socket)
        assert set_up.world.contexts == [] or set_up.world.done == ["slow was cancelled"]


async def test_nothing_is_said_once_the_socket_is_to_be_closed() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "{ hello }")
        socket.say("no message")  # It is read before the query has begun.
        assert await socket.closed() == (4400, "A message is JSON.")
        await set_up.served(socket)
        assert socket.silence


async def test_an_id_may_be_used_again_after_its_end() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", 'subscription { watch(name: "first") }')
        assert (await socket.hear())["payload"] == {"data": {"watch": "open"}}
        socket.complete("1")
        socket.subscribe("1", "subscription { count(upto: 1) }")
        assert (await socket.hear())["payload"] == {"data": {"count": 1}}
        assert await socket.hear() == {"id": "1", "type": "complete"}
        assert set_up.world.done == ["first is closed"]


async def test_ids_that_nobody_knows_may_be_completed() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.complete("never")
        socket.subscribe("1", "{ hello }")
        await socket.hear()
        assert await socket.hear() == {"id": "1", "type": "complete"}
        socket.complete("1")
        await socket.pong()


async def test_a_completed_subscription_is_closed_and_silent() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        await set_up.world.waiting.wait()
        socket.complete("1")
        await socket.pong()
        await set_up.running(0)
        assert set_up.world.done == ["watch is closed"]
        assert socket.silence


async def test_a_completed_query_is_cancelled() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "{ slow }")
        await set_up.world.waiting.wait()
        socket.complete("1")
        await set_up.running(0)
        assert set_up.world.done == ["slow was cancelled"]
        assert socket.silence


async def test_a_completed_mutation_comes_to_its_end_in_silence() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", 'mutation { writeSlowly(what: "x") }')
        await set_up.world.waiting.wait()
        socket.complete("1")
        socket.subscribe("1", "{ hello }")  # The id is free at once.
        assert (await socket.hear())["type"] == "next"
        assert await socket.hear() == {"id": "1", "type": "complete"}
        await set_up.running(1)
        set_up.world.gate.set()
        await set_up.running(0)
        assert set_up.world.done == ["x"]
        assert socket.silence


async def test_a_context_that_fails_ends_only_its_operation() -> None:
    async with stage() as set_up:
        socket = await set_up.begun("homeless")
        socket.subscribe("1", "{ hello }")
        assert await socket.hear() == {"id": "1", "type": "error", "payload": [MASKED]}
        stranger = await set_up.begun("stranger")
        stranger.subscribe("1", "{ hello }")
        assert (await stranger.hear())["payload"] == [
            {"message": "Please sign in first.", "extensions": {"code": "UNAUTHENTICATED"}}
        ]
        for each in (socket, stranger):
            await each.pong()


async def test_a_client_that_leaves_takes_everything_with_it() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        socket.subscribe("2", "{ slow }")
        await set_up.world.waiting.wait()
        set_up.world.waiting.clear()
        await set_up.world.waiting.wait()
        socket.leave()
        await set_up.served(socket)
        assert sorted(set_up.world.done) == ["slow was cancelled", "watch is closed"]


async def test_a_mutation_outlives_its_socket() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", 'mutation { writeSlowly(what: "x") }')
        await set_up.world.waiting.wait()
        socket.leave()
        set_up.world.gate.set()
        await set_up.served(socket)
        assert set_up.world.done == ["x"]


async def test_a_mutation_outlives_its_socket_for_a_time() -> None:
    async with stage(grace_seconds=0.01) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", 'mutation { writeSlowly(what: "x") }')
        await set_up.world.waiting.wait()
        socket.leave()
        await set_up.served(socket)
        assert set_up.world.done == []


async def test_a_cancelled_server_leaves_nothing_behind() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        socket.subscribe("2", 'mutation { writeSlowly(what: "x") }')
        await set_up.world.waiting.wait()
        serving = set_up.serving(socket)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert set_up.world.done == ["watch is closed"]


@pytest.mark.parametrize("end", ["a bad message", "a refusal", "good-bye", "an operation twice"])
async def test_nothing_of_a_socket_waits_for_the_garbage_collector(end: str) -> None:
    """Messages of a quarter of a megabyte would, a thousand times a second."""
    gc.collect()
    gc.disable()
    try:
        async with stage() as set_up:
            socket = await set_up.begun()
            socket.subscribe("1", "subscription { watch }")
            await socket.hear()
            await set_up.world.waiting.wait()
            socket.subscribe("2", "subscription { ticks(upto: 1) { number } }")
            assert [(await socket.hear())["type"] for _ in range(2)] == ["next", "complete"]
            if end == "a bad message":
                socket.say("{")
            elif end == "a refusal":
                set_up.world.revoked.add("alice")
                socket.subscribe("2", "{ hello }")
            elif end == "an operation twice":
                socket.subscribe("1", "{ hello }")
            else:
                socket.leave()
            await set_up.served(socket)
            set_up.sockets.clear()
            assert not [each for each in gc.get_objects() if isinstance(each, Connection)]
    finally:
        gc.enable()
