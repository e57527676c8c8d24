"""A member's phone in a storm: asks, waits a while, and knows what an answer says.

Many members share some connections to some web processes. A lost one is opened again, to the next
process.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson

from benchmarks.connection import Connection, UnexpectedStatus, post
from benchmarks.storm.history import Answer, Attempt, History, Outcome
from benchmarks.storm.people import Person

PATIENCE_SECONDS = 40.0
"""Above what a server gives a request: it knows better what to say."""

AGAIN = frozenset({"BUSY", "CONFLICT", "INTERNAL", "TIMEOUT", "WECHAT_UNAVAILABLE"})
"""After these a client asks again under the same key."""

NO_ANSWER = "NO_ANSWER"
TRIES = 200
_PAUSE_SECONDS = 0.25


class Phones:
    """So many connections, spread over the ports of the web processes."""

    def __init__(self, ports: Sequence[int], number: int) -> None:
        self._ports = itertools.cycle(ports)
        self._free: asyncio.Queue[_Phone] = asyncio.Queue()
        for _ in range(number):
            self._free.put_nowait(_Phone(self._ports))

    async def ask(self, document: str, variables: dict[str, Any], person: Person) -> Reply:
        """Send an operation of a member over a connection that is free."""
        body = orjson.dumps({"query": document, "variables": variables})
        request = post("/graphql", body, person.token, address=person.address)
        async with self._one() as phone:
            began = time.monotonic()
            reply = await phone.ask(request)
            return replace(reply, seconds=time.monotonic() - began)

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[_Phone]:
        phone = await self._free.get()
        try:
            yield phone
        finally:
            self._free.put_nowait(phone)

    def close(self) -> None:
        """Hang up."""
        while not self._free.empty():
            self._free.get_nowait().hang_up()


@dataclass(frozen=True, slots=True)
class Reply:
    """A body, or why there is none; `seconds` since a phone was free for the request."""

    content: Any = None
    code: str = ""
    seconds: float = 0.0


class _Phone:
    """One connection, opened when it is needed."""

    def __init__(self, ports: itertools.cycle[int]) -> None:
        self._ports = ports
        self._connection: Connection | None = None

    async def ask(self, request: bytes) -> Reply:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._connection is None:
                    self._connection = await Connection.open(next(self._ports))
                return Reply(orjson.loads(await self._connection.ask(request)))
        except UnexpectedStatus as error:
            self.hang_up()
            return Reply(code=f"HTTP_{error.status}")
        except OSError:
            self.hang_up()
            return Reply(code=NO_ANSWER)

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def judged(reply: Reply, field: str, ref: Sequence[str]) -> Answer:
    """Tell what a mutation's reply says; `ref` is the way to the id of what was made."""
    if reply.code:
        return Answer(Outcome.UNKNOWN, reply.code)
    if errors := reply.content.get("errors"):
        told = errors[0].get("extensions", {})
        # What came of a mutation couldn't be read any more: a client knows it by the inner code.
        return _refusal(told.get("userErrorCode") or told.get("code", "INTERNAL"))
    payload = reply.content["data"][field]
    if payload["userErrors"]:
        return _refusal(payload["userErrors"][0]["code"])
    for step in ref:
        payload = payload[step]
    return Answer(Outcome.OK, ref=str(payload))


def _refusal(code: str) -> Answer:
    return Answer(Outcome.UNKNOWN if code in AGAIN else Outcome.REFUSED, code)


@dataclass(frozen=True, slots=True)
class Mutation:
    """A document, the field whose payload answers, and the way to the id of what it makes."""

    name: str
    document: str
    ref: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What one attempt asks for, in words of the API (`given`) and of the check."""

    person: Person
    key: str
    given: dict[str, Any]
    what: str
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Desk:
    """Where members' wishes go, and are written down."""

    phones: Phones
    history: History

    async def surely(self, mutation: Mutation, wish: Wish) -> Answer:
        """Ask under one key until the answer is definite, or for so long that it never will be."""
        attempt = Attempt(wish.person.id, mutation.name, wish.key)
        given = wish.given | {"idempotencyKey": wish.key}
        answer = Answer(Outcome.UNKNOWN, NO_ANSWER)
        for _ in range(TRIES):
            reply = await self.phones.ask(mutation.document, {"i": given}, wish.person)
            answer = judged(reply, mutation.name, mutation.ref)
            asked_at = self.history.now() - reply.seconds
            self.history.add(attempt, answer, what=wish.what, pieces=wish.pieces, asked_at=asked_at)
            if answer.outcome is not Outcome.UNKNOWN:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return answer
