"""`python -m benchmarks.inside [CASE ...]`: the CPU of one request inside the application.

The application runs in this process, called as its server would call it: no sockets to a client, no
load generator, one request after the other. With `--profile` it tells where the time goes, from
samples of CPU time.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import orjson
import uvloop
from starlette.types import ASGIApp, Message, Scope

from api.app import create_app
from benchmarks import shop
from benchmarks.by_hand.app import application as by_hand
from benchmarks.cases import BY_HAND, OURS
from benchmarks.documents import IDS
from benchmarks.machine import open_machine
from benchmarks.shop import Shop
from settings import load
from wiring import memory

_SERIES = 5
_SAMPLE_SECONDS = 0.0005
_LEAST_SHARE = 0.01
"""What takes less of the time isn't told."""

_VARIABLES: dict[str, Callable[[Shop], Iterator[dict[str, Any]]]] = {
    "home": lambda _: itertools.repeat({}),
    "home of a member": lambda _: itertools.repeat({}),
    "dashboard": lambda _: itertools.repeat({}),
    "orders": lambda _: itertools.repeat({"s": None, "after": None}),
    "page": lambda known: ({"id": id_} for id_ in itertools.cycle(known.products)),
    "list": lambda _: itertools.repeat({"after": None}),
}


@dataclass(slots=True)
class Place:
    """Where samples fell: how many here and below, and the places below."""

    samples: int = 0
    below: dict[str, Place] = field(default_factory=dict)


class Sampler:
    """Looks where the main thread is after every half millisecond of CPU."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, ...]] = Counter()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Sample while the block runs."""
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _SAMPLE_SECONDS, _SAMPLE_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            code = frame.f_code
            stack.append(f"{code.co_qualname} ({'/'.join(code.co_filename.split('/')[-2:])})")
            frame = frame.f_back
        self._seen[tuple(reversed(stack))] += 1

    def told(self, microseconds: float, *, below: str) -> Iterator[str]:
        """Yield a line for each place below a function, with its part of the time."""
        total, top = sum(self._seen.values()), Place()
        for stack, samples in self._seen.items():
            at = next((n for n, name in enumerate(stack) if name.startswith(below)), None)
            place = top
            for name in stack[at:] if at is not None else ():
                place = place.below.setdefault(name, Place())
                place.samples += samples
        yield from _lines(top, total, microseconds, depth=0)


def _lines(place: Place, total: int, microseconds: float, *, depth: int) -> Iterator[str]:
    for name, found in sorted(place.below.items(), key=lambda each: -each[1].samples):
        share = found.samples / total
        if share >= _LEAST_SHARE:
            yield f"{share * microseconds:7.0f} µs  {'  ' * depth}{name}"
            yield from _lines(found, total, microseconds, depth=depth + 1)


class Caller:
    """Calls an application as a server does, with the requests of one case."""

    def __init__(self, app: ASGIApp, side: str, case: str, known: Shop) -> None:
        self._app = app
        operation = "home" if case.startswith("home") else case
        self._path = "/graphql" if side == OURS else f"/{operation}"
        self._query = {"documentId": IDS[operation]} if side == OURS else None
        self._variables = _VARIABLES[case](known)
        self._tokens = itertools.cycle([""] if case == "home" else known.readers)

    async def call(self) -> None:
        """Ask once; anything but a sound answer ends the run."""
        variables = next(self._variables)
        asked = variables if self._query is None else {**self._query, "variables": variables}
        body, token = orjson.dumps(asked), next(self._tokens)
        answer: list[Any] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            answer.append(message.get("status") or message["body"])

        await self._app(_scope(self._path, body, token), receive, send)
        status, told = answer
        assert status == 200, told
        assert b'"errors":' not in told, told

    async def measure(self, requests: int) -> float:
        """Return the least CPU of some series, in microseconds for a request."""
        series = []
        for _ in range(_SERIES):
            began = time.process_time()
            for _ in range(requests // _SERIES):
                await self.call()
            series.append((time.process_time() - began) / (requests // _SERIES))
        return min(series) * 1e6


def _scope(path: str, body: bytes, token: str) -> Scope:
    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    if token:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


@asynccontextmanager
async def _started(side: str) -> AsyncIterator[ASGIApp]:
    """Make a side's application out of the environment, and have it started."""
    app = create_app(load()) if side == OURS else by_hand()
    messages: asyncio.Queue[Message] = asyncio.Queue()
    told: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.ensure_future(app(scope, messages.get, told.put))
    await messages.put({"type": "lifespan.startup"})
    assert (await told.get())["type"] == "lifespan.startup.complete"
    memory.settle()
    try:
        yield app
    finally:
        await messages.put({"type": "lifespan.shutdown"})
        await running


async def _run(given: argparse.Namespace) -> None:
    async with open_machine(web_processes=1) as machine:
        known, _ = await shop.fill(machine.settings)
        os.environ.update(machine.environment)
        for side in (OURS, BY_HAND):
            async with _started(side) as app:
                for case in given.cases:
                    await _measure(Caller(app, side, case, known), f"{case}, {side}", given)


async def _measure(caller: Caller, title: str, given: argparse.Namespace) -> None:
    await caller.measure(given.requests // 10)
    microseconds = await caller.measure(given.requests)
    print(f"{microseconds:7.0f} µs  {title}", flush=True)
    if given.profile:
        sampler = Sampler()
        with sampler.looking():
            await caller.measure(given.requests)
        sys.stdout.writelines(
            f"{line}\n" for line in sampler.told(microseconds, below="Observed.__call__")
        )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inside", description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(_VARIABLES)}")
    parser.add_argument("--profile", action="store_true", help="tell where the time goes")
    parser.add_argument("--requests", type=int, default=5_000)
    given = parser.parse_args()
    given.cases = given.cases or list(_VARIABLES)
    if unknown := set(given.cases) - set(_VARIABLES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    uvloop.run(_run(given))


if __name__ == "__main__":
    main()
