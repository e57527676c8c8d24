"""What only sockets know: frames, messages and orders of them that the protocols don't describe."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from tests.executor.hostile.kinds import ENVIRONMENT, WEBSOCKET, Kind
from tests.executor.hostile.wire import (
    BINARY,
    CLOSE,
    GONE,
    PING,
    PONG,
    SILENT,
    TEXT,
    Line,
    Seen,
    Target,
    frame,
)

KINDS: list[Kind] = []
HELLO = {"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}
ANSWER: Seen = ("next", '{"__typename":"Query"}')
PING_MESSAGE = {"type": "ping"}

Talk = Callable[[Line], Awaitable[Seen]]


def _talk(
    name: str, expected: Seen, *, begun: bool = True, waits: bool = False
) -> Callable[[Talk], Talk]:
    """Add a kind that talks on an open socket, which is initialised unless it says not."""

    def add(talk: Talk) -> Talk:
        async def act(target: Target) -> Seen:
            async with target.line() as line:
                if begun:
                    await line.begin()
                else:
                    refused = await line.upgraded()
                    assert refused is None, refused
                return await talk(line)

        KINDS.append(Kind(name, WEBSOCKET, act, expected, waits=waits))
        return talk

    return add


def _said(name: str, data: bytes, expected: Seen, *, begun: bool = True) -> None:
    """Add a kind that is some bytes on an open socket, and what is heard next."""

    @_talk(name, expected, begun=begun)
    async def say(line: Line) -> Seen:
        await line.write(data)
        return await line.hear()


def _message(name: str, message: dict[str, Any] | bytes, reason: str, *, code: int = 4400) -> None:
    data = orjson.dumps(message) if isinstance(message, dict) else message
    _said(name, frame(TEXT, data), (code, reason))


def _handshake(name: str, expected: Seen, **changed: Any) -> None:
    """Add a kind that is a handshake; the code of a close counts as its answer."""

    async def act(target: Target) -> Seen:
        async with target.line() as line:
            refused = await line.upgraded(**changed)
            return await line.hear() if refused is None else refused

    KINDS.append(Kind(name, WEBSOCKET, act, expected))


# Handshakes.
_handshake("no protocol", (4406, "Subprotocol not acceptable"), sec_websocket_protocol=None)
_handshake(
    "the old protocol", (4406, "Subprotocol not acceptable"), sec_websocket_protocol="graphql-ws"
)
_handshake(
    "a thousand protocols",
    (4406, "Subprotocol not acceptable"),
    sec_websocket_protocol=", ".join(f"p{n}" for n in range(1_000)),
)
_handshake("no key", (400, "…"), sec_websocket_key=None)
_handshake("a key of the wrong size", (400, "…"), sec_websocket_key="eA==")
_handshake("an old version", (400, "…"), sec_websocket_version="8")
_handshake(
    "a handshake of thirty kilobytes", (431, "Request Header Fields Too Large"), x="y" * 30_000
)
_handshake(
    "a handshake of forty kilobytes", (431, "Request Header Fields Too Large"), x="y" * 40_000
)


async def _crowd(target: Target) -> Seen:
    async with contextlib.AsyncExitStack() as stack:
        # Those of whoever was here before may not all be gone yet.
        for _ in range(int(ENVIRONMENT["WEBSOCKET_MAX_SOCKETS"]) + 1):
            line = await stack.enter_async_context(target.line())
            refused = await line.upgraded()
            if refused is not None:
                return refused
    return SILENT


CROWDED: Seen = (503, "RATE_LIMITED: Too many sockets are open.")
KINDS.append(Kind("more sockets than may be open", WEBSOCKET, _crowd, CROWDED, crowds=True))


@_talk("a guest's subscription", ("next", "UNAUTHENTICATED: Please sign in first."))
async def _guests_subscription(line: Line) -> Seen:
    query = 'subscription { orderChanged(orderId: "1") { id } }'
    await line.say({**HELLO, "payload": {"query": query}})
    return await line.hear()


# Frames.
_said("a frame without a mask", frame(TEXT, b"{}", masked=False), (1002, "…"))
_said("an opcode that isn't one", frame(3, b"{}"), (1002, "…"))
_said("a reserved bit, as if compressed", frame(TEXT, b"\0" * 100, rsv=4), (1002, "…"))
_said("a ping of a kilobyte", frame(PING, b"x" * 1_000), (1002, "…"))
_said("half a ping", frame(PING, fin=False), (1002, "…"))
_said("a part of nothing", frame(0, b"x"), (1002, "…"))
_said("a message within another", frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), (1002, "…"))
_said("a frame of nine exabytes", b"\x81\xff\x7f" + b"\xff" * 7 + b"\0\0\0\0", (1009, "…"))
_said("a frame of more than there can be", b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0", (1009, "…"))
_said("bad UTF-8 in a frame", frame(TEXT, b"\xff\xfe"), (1007, "…"))
_said("a close of one byte", frame(CLOSE, b"x"), (1002, "…"))
_said("a close that says 999", frame(CLOSE, struct.pack("!H", 999)), (1002, "…"))
_said("a close with bad UTF-8", frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), (1007, "…"))
_said("binary", frame(BINARY, b'{"type":"ping"}'), (4400, "A message is text."))
_said("a message of no length", frame(TEXT), (4400, "A message is JSON."))
_said("ten megabytes in one frame", frame(TEXT, b"x" * (10 << 20)), (1009, "…"))
_said(
    "a megabyte in parts",
    frame(TEXT, b"x" * 65_536, fin=False) + frame(0, b"x" * 65_536, fin=False) * 16,
    (1009, "…"),
)
_said(
    "a message in four hundred parts",
    b"".join(
        [frame(TEXT, b'{"type":"ping"', fin=False), *[frame(0, fin=False)] * 400, frame(0, b"}")]
    ),
    ("pong", ""),
)
_said(
    "a message in ten thousand parts",
    frame(TEXT, b" ", fin=False) + frame(0, fin=False) * 10_000,
    (1008, "Too many frames"),
)
_said("ten thousand empty pings", frame(PING) * 10_000, (1008, "Too many frames"))
_said("ten thousand pongs", frame(PONG, b"x" * 125) * 10_000, (1008, "Too many frames"))

# Messages.
_message("a list of messages", b"[" + b'{"type":"ping"},' * 100 + b"{}]", "A message is an object.")
_message(
    "a type that isn't one",
    {"type": "start", "id": "1"},
    "A message of this type isn't known here.",
)
_message(
    "a server's message",
    {"type": "next", "id": "1", "payload": {"data": None}},
    "A message of this type isn't known here.",
)
_message(
    "a type of a hundred kilobytes",
    {"type": "x" * 100_000},
    "A message of this type isn't known here.",
)
_message("no id", {"type": "complete"}, "`id` is a text of 1 to 128 characters.")
_message(
    "an id of ten kilobytes",
    {"type": "complete", "id": "x" * 10_000},
    "`id` is a text of 1 to 128 characters.",
)
_message("an id that is a number", {**HELLO, "id": 1}, "`id` is a text of 1 to 128 characters.")
_message("no payload", {"type": "subscribe", "id": "1"}, "`payload` is missing.")
_message(
    "a ping of five hundred levels",
    b'{"type":"ping","payload":' + b'{"a":' * 500 + b"1" + b"}" * 501,
    "`payload` is nested too deeply.",
)
_message(
    "initialised twice", {"type": "connection_init"}, "Too many initialisation requests", code=4429
)


@_talk("never initialised", (4408, "Connection initialisation timeout"), begun=False, waits=True)
async def _never(line: Line) -> Seen:
    return await line.hear()


@_talk("an operation before the initialisation", (4401, "Unauthorized"), begun=False)
async def _too_early(line: Line) -> Seen:
    await line.say(HELLO)
    return await line.hear()


@_talk("a token that is an object", (4403, "Please sign in first."), begun=False)
async def _odd_token(line: Line) -> Seen:
    await line.say({"type": "connection_init", "payload": {"authorization": {"a": []}}})
    return await line.hear()


@_talk("a token of two hundred kilobytes", (4403, "Please sign in first."), begun=False)
async def _long_token(line: Line) -> Seen:
    token = "Bearer " + "x" * 200_000
    await line.say({"type": "connection_init", "payload": {"authorization": token}})
    return await line.hear()


@_talk("a token that is signed by nobody", (4403, "Please sign in first."), begun=False)
async def _unsigned(line: Line) -> Seen:
    token = "Bearer eyJhbGciOiJub25lIn0.e30."
    await line.say({"type": "connection_init", "payload": {"authorization": token}})
    return await line.hear()


@_talk("an id twice", (4409, "Subscriber for 1 already exists"))
async def _twice(line: Line) -> Seen:
    await line.write(frame(TEXT, orjson.dumps(HELLO)) * 2)
    return await line.hear()


@_talk("a thousand pings", (1008, "Too many messages"))
async def _pings(line: Line) -> Seen:
    await line.write(frame(TEXT, orjson.dumps(PING_MESSAGE)) * 1_000)
    seen = await line.hear()
    while seen == ("pong", ""):
        seen = await line.hear()
    return seen


@_talk("a thousand completes of nothing", (1008, "Too many messages"))
async def _completes(line: Line) -> Seen:
    await line.write(frame(TEXT, b'{"type":"complete","id":"x"}') * 1_000)
    return await line.hear()


@_talk("a flood of operations", (1008, "Too many messages"))
async def _operations(line: Line) -> Seen:
    messages = [orjson.dumps({**HELLO, "id": str(number)}) for number in range(200)]
    await line.write(b"".join(frame(TEXT, message) for message in messages))
    seen = await line.hear()
    while isinstance(seen[0], str):
        assert seen[0] in ("next", "complete", "error"), seen
        seen = await line.hear()
    return seen


@_talk("operations that are given up at once", ("pong", ""))
async def _given_up(line: Line) -> Seen:
    for number in range(20):
        message = {**HELLO, "id": str(number), "payload": {"query": "{ tiers { code } }"}}
        await line.say(message)
        await line.say({"type": "complete", "id": str(number)})
    await line.say(PING_MESSAGE)
    seen = await line.hear()
    while seen[0] in ("next", "complete"):
        seen = await line.hear()
    return seen


@_talk("a question, and good-bye before the answer", SILENT)
async def _gone(line: Line) -> Seen:
    await line.say(HELLO)
    return SILENT


@_talk("half a frame, and good-bye", SILENT)
async def _half(line: Line) -> Seen:
    await line.write(frame(TEXT, b"x" * 1_000)[:500])
    return SILENT


@_talk("good-bye without a close", GONE)
async def _eof(line: Line) -> Seen:
    line.writer.write_eof()
    return await line.hear()


@_talk("talk after the close", (1000, ""))
async def _after_close(line: Line) -> Seen:
    await line.write(frame(CLOSE, struct.pack("!H", 1000)) + frame(TEXT, orjson.dumps(HELLO)) * 50)
    return await line.hear()
