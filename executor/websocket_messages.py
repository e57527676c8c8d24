"""The messages of graphql-transport-ws, and the codes that a socket is closed with.

The protocol is the one of the graphql-ws library (its PROTOCOL.md); section names below are its.
The older subprotocol, which was called `graphql-ws`, isn't spoken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

import orjson

SUBPROTOCOL: Final = "graphql-transport-ws"
MAX_ID_CHARACTERS: Final = 128
"""Clients name operations by UUIDs or counters; the name goes back with every event."""

_MAX_REASON_BYTES = 123
"""A control frame holds 125 bytes, two of them the code (RFC 6455, sections 5.5 and 5.5.1)."""


class CloseCode(IntEnum):
    """Why a socket is closed: RFC 6455 section 7.4.1 and its registry, 44xx by the protocol.

    Clients of the graphql-ws library connect again after 1000, 1001, 1012, 1013, 4403 and 4408,
    and give up after the others.
    """

    NORMAL = 1000
    GOING_AWAY = 1001
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_ALREADY_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429
    INTERNAL_SERVER_ERROR = 4500


class Goodbye(NamedTuple):
    """What a socket is closed with. Unlike an exception it keeps nothing of what led to it."""

    code: CloseCode
    reason: str


class Close(Exception):
    """The socket is to be closed, with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(f"{code.value}: {reason}")
        fitting = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        self.goodbye = Goodbye(code, fitting)


@dataclass(frozen=True, slots=True)
class ConnectionInit:
    """The client wants to begin ("ConnectionInit")."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """The client asks for a pong ("Ping")."""

    payload: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Pong:
    """The client answers a ping, or says unasked that it is there ("Pong")."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The client asks for an operation of any kind ("Subscribe")."""

    id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Complete:
    """The client wants no more of an operation ("Complete")."""

    id: str


Message = ConnectionInit | Ping | Pong | Subscribe | Complete


def read(text: str) -> Message:
    """Return the message that a client has sent.

    Raises:
        Close: 4400 for whatever the protocol doesn't describe ("Invalid message").
    """
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _invalid("A message is JSON.") from None
    if not isinstance(given, dict):
        raise _invalid("A message is an object.")
    match given.get("type"):
        case "connection_init":
            return ConnectionInit(_payload(given) or {})
        case "ping":
            return Ping(_payload(given))
        case "pong":
            _payload(given)
            return Pong()
        case "subscribe":
            payload = _payload(given)
            if payload is None:
                raise _invalid("`payload` is missing.")
            return Subscribe(_id(given), payload)
        case "complete":
            return Complete(_id(given))
        case _:
            raise _invalid("A message of this type isn't known here.")


def _payload(given: dict[str, Any]) -> dict[str, Any] | None:
    payload = given.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise _invalid("`payload` is an object.")
    return payload


def _id(given: dict[str, Any]) -> str:
    id_ = given.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID_CHARACTERS:
        raise _invalid(f"`id` is a text of 1 to {MAX_ID_CHARACTERS} characters.")
    return id_


def _invalid(reason: str) -> Close:
    return Close(CloseCode.BAD_REQUEST, reason)


CONNECTION_ACK: Final = '{"type":"connection_ack"}'
PING: Final = '{"type":"ping"}'


def pong(payload: dict[str, Any] | None) -> str:
    """Return the answer to a ping: its payload, if there is one.

    Raises:
        Close: 4400 for a payload that is nested deeper than orjson writes; it reads deeper ones.
    """
    if payload is None:
        return '{"type":"pong"}'
    try:
        return _text({"type": "pong", "payload": payload})
    except orjson.JSONEncodeError:
        raise _invalid("`payload` is nested too deeply.") from None


def next_(id_: str, answer: Any) -> str:
    """Return the message of one result; `answer` is its response, or an `orjson.Fragment` of it."""
    return _text({"id": id_, "type": "next", "payload": answer})


def error(id_: str, errors: list[Any]) -> str:
    """Return the message of a request that nothing was run for; it ends the operation."""
    return _text({"id": id_, "type": "error", "payload": errors})


def complete(id_: str) -> str:
    """Return the message that ends an operation."""
    return _text({"id": id_, "type": "complete"})


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()
