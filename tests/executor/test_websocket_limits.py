"""What sockets may not do: too many, too much, too fast, too slow, too long."""

from __future__ import annotations

import orjson
import pytest

from tests.executor.sockets import stage


async def test_only_so_many_operations_run_on_a_socket() -> None:
    async with stage(operations=2) as set_up:
        socket = await set_up.begun()
        for id_ in ("1", "2"):
            socket.subscribe(id_, "subscription { watch }")
            await socket.hear()
        socket.subscribe("3", "{ hello }")
        assert await socket.hear() == {
            "id": "3",
            "type": "error",
            "payload": [
                {
                    "message": "At most 2 operations run on a socket at a time.",
                    "extensions": {"code": "RATE_LIMITED", "limit": "operations", "maximum": 2},
                }
            ],
        }
        other = await set_up.begun()  # The limit is of each socket.
        other.subscribe("1", "{ hello }")
        assert (await other.hear())["type"] == "next"
        socket.complete("1")
        await set_up.running(1)
        socket.subscribe("3", "{ hello }")
        assert (await socket.hear())["type"] == "next"


async def test_mutations_count_until_they_have_ended() -> None:
    async with stage(operations=1) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", 'mutation { writeSlowly(what: "x") }')
        await set_up.world.waiting.wait()
        socket.complete("1")
        socket.subscribe("2", "{ hello }")
        told = await socket.hear()
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")


async def test_only_so_many_sockets_are_open() -> None:
    async with stage(sockets=2) as set_up:
        first, _second = await set_up.begun(), await set_up.begun()
        third = set_up.open()
        third.knock()
        start, body = await third.event(), await third.event()
        assert start["type"] == "websocket.http.response.start"
        assert start["status"] == 503
        assert (b"retry-after", b"5") in start["headers"]
        assert body["type"] == "websocket.http.response.body"
        assert orjson.loads(body["body"]) == {
            "errors": [
                {
                    "message": "Too many sockets are open.",
                    "extensions": {"code": "RATE_LIMITED"},
                }
            ]
        }
        await set_up.served(third)
        first.leave()
        await set_up.served(first)
        await set_up.begun()


async def test_a_server_that_cannot_deny_closes_instead() -> None:
    async with stage(sockets=1) as set_up:
        await set_up.begun()
        second = set_up.open(extensions={})
        second.knock()
        assert (await second.event())["type"] == "websocket.accept"
        assert await second.closed() == (1013, "Try again later")
        await set_up.served(second)


@pytest.mark.parametrize("filler", ["x", "时"])
async def test_a_message_has_a_size(filler: str) -> None:
    async with stage(message_bytes=1_000) as set_up:
        frame = len(orjson.dumps({"type": "ping", "payload": {"f": ""}}))
        width = len(filler.encode())
        socket = await set_up.begun()
        fits = filler * ((1_000 - frame) // width)
        socket.say({"type": "ping", "payload": {"f": fits}})
        assert await socket.hear() == {"type": "pong", "payload": {"f": fits}}
        socket.say({"type": "ping", "payload": {"f": fits + filler}})
        assert await socket.closed() == (1009, "A message has at most 1000 bytes.")


async def test_messages_come_at_a_rate() -> None:
    # connection_init is the first of the five.
    async with stage(message_burst=5, messages_per_second=0.001) as set_up:
        socket = await set_up.begun()
        for _ in range(4):
            await socket.pong()
        socket.say({"type": "ping"})
        assert await socket.closed() == (1008, "Too many messages")


async def test_an_idle_socket_is_closed() -> None:
    async with stage(idle_seconds=0.01) as set_up:
        socket = await set_up.begun()
        assert await socket.closed() == (1000, "Idle")


async def test_a_socket_with_a_subscription_is_not_idle() -> None:
    async with stage(idle_seconds=0.05, keep_alive_seconds=0.1) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        assert await socket.hear() == {"type": "ping"}
        socket.say({"type": "pong"})
        socket.complete("1")
        assert await socket.closed() == (1000, "Idle")


async def test_a_silent_client_is_pinged_and_then_given_up() -> None:
    async with stage(keep_alive_seconds=0.02) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        for _ in range(2):
            assert await socket.hear() == {"type": "ping"}
            socket.say({"type": "pong"})
        assert await socket.hear() == {"type": "ping"}
        assert await socket.closed() == (1001, "No pong")
        await set_up.served(socket)
        assert set_up.world.done == ["watch is closed"]


async def test_a_peer_who_is_no_longer_welcome_starts_nothing() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        set_up.world.revoked.add("alice")
        socket.subscribe("1", 'mutation { write(what: "x") }')
        assert await socket.closed() == (4403, "Forbidden")
        await set_up.served(socket)
        assert set_up.world.done == []


async def test_a_peer_who_is_no_longer_welcome_hears_no_more() -> None:
    async with stage(check_seconds=0.01) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        set_up.world.revoked.add("alice")
        assert await socket.closed() == (4403, "Forbidden")
        await set_up.served(socket)
        assert set_up.world.done == ["watch is closed"]


async def test_a_check_that_fails_closes_the_socket() -> None:
    async with stage(check_seconds=0.01) as set_up:
        socket = await set_up.begun("crash")
        assert await socket.closed() == (4500, "Internal server error")


async def test_a_slow_reader_slows_its_subscription_down() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.reads.clear()
        socket.subscribe("1", "subscription { count(upto: 1000) }")
        other = await set_up.begun()  # Others aren't held up.
        other.subscribe("1", "subscription { count(upto: 5) }")
        assert [(await other.hear())["type"] for _ in range(6)] == ["next"] * 5 + ["complete"]
        assert set_up.world.events == 5 + 1
        socket.reads.set()
        heard = [(await socket.hear())["type"] for _ in range(1_001)]
        assert heard == ["next"] * 1_000 + ["complete"]


async def test_a_reader_who_does_not_read_loses_the_socket() -> None:
    async with stage(send_seconds=0.01) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "subscription { watch }")
        await socket.hear()
        socket.reads.clear()
        socket.subscribe("2", "subscription { count(upto: 1000) }")
        await set_up.served(socket)
        assert set_up.world.events == 1
        assert set_up.world.done == ["watch is closed"]
        assert socket.silence


async def test_a_client_who_takes_no_goodbye_is_left() -> None:
    async with stage(send_seconds=0.01) as set_up:
        socket = await set_up.begun()
        socket.reads.clear()
        socket.say("no message")
        await set_up.served(socket)
        assert socket.silence


async def test_an_operation_has_a_time() -> None:
    async with stage(run_seconds=0.01) as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "{ slow }")
        assert await socket.hear() == {
            "id": "1",
            "type": "error",
            "payload": [
                {
                    "message": "This took more than 0.01 seconds, and was given up.",
                    "extensions": {"code": "TIMEOUT"},
                }
            ],
        }
        assert set_up.world.done == ["slow was cancelled"]
        await socket.pong()


async def test_a_socket_that_breaks_while_something_is_sent_is_over() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.reads.clear()
        socket.subscribe("1", "subscription { watch }")
        await set_up.running(1)
        socket.leave()
        socket.reads.set()
        await set_up.served(socket)
        assert socket.silence


async def test_closing_sends_all_clients_elsewhere() -> None:
    async with stage() as set_up:
        sockets = [await set_up.begun() for _ in range(3)]
        sockets[0].subscribe("1", "subscription { watch }")
        await sockets[0].hear()
        sockets[1].subscribe("1", 'mutation { writeSlowly(what: "x") }')
        await set_up.world.waiting.wait()
        set_up.world.gate.set()
        await set_up.endpoint.close()
        for socket in sockets:
            heard = await socket.event()
            while heard["type"] == "websocket.send":
                heard = await socket.event()
            assert heard == {
                "type": "websocket.close",
                "code": 1012,
                "reason": "Service restart",
            }
            assert set_up.serving(socket).done()
        assert set_up.world.done[-2:] == ["watch is closed", "x"]
        late = set_up.open()
        late.knock()
        assert (await late.event())["status"] == 503


async def test_closing_without_sockets_is_no_wait() -> None:
    async with stage() as set_up:
        await set_up.endpoint.close()


async def test_every_run_is_told_of() -> None:
    async with stage() as set_up:
        socket = await set_up.begun()
        socket.subscribe("1", "query Hello { hello }")
        await socket.hear()
        socket.subscribe("2", "query Named($n: String!) { hello(name: $n) }")
        await socket.hear()
        await set_up.running(0)
        assert set_up.world.runs == [
            ("Hello", "begins"),
            ("Hello", "ends"),
            ("Hello", "was run"),
            ("Named", "begins"),
            ("Named", "ends"),
            ("Named", "was not run"),
        ]
