"""Whole answers that anonymous callers share, in memory.

An answer is found by the request's bytes before anything is parsed, and by operation and variables
after that, so that requests that are written differently share it. It is served while its versions
are the current ones and its seconds last (see `hints`). Who asks while the same answer is being
made waits for it. Errors are never kept, and requests with credentials never come near.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import orjson

from executor.asgi import Headers
from executor.hints import Policy, policy_of
from executor.operation import Operation
from executor.outcome import Outcome
from executor.versions import Versions

MEBIBYTE = 1024 * 1024
PLACES = 8
"""Ways of writing one request that are remembered; the ninth takes the place of the first."""
OVERHEAD_BYTES = 1_000
"""What the objects around one answer, or one way of writing its request, take: about, and most."""

_LARGEST_SHARE = 8
"""No answer takes more than this part of the memory."""
_FAILURES = 2
"""After so many failures of others a waiting request runs by itself."""

Pairs = list[tuple[bytes, bytes]]


class Place(NamedTuple):
    """What determines an anonymous request's answer, as it came in."""

    raw: bytes
    is_get: bool
    media_type: str
    varies: Hashable


class Answer(NamedTuple):
    """What a run has made: an HTTP status, the body, and the outcome that the body tells."""

    status: int
    body: bytes
    outcome: Outcome


@dataclass(slots=True, eq=False)
class Kept:
    """An answer that may be shared until `expires_at`, on the cache's clock."""

    body: bytes
    etag: bytes
    head: Pairs
    tags: tuple[str, ...]
    version: Hashable
    expires_at: float
    key: Hashable
    size: int
    places: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class Statistics:
    """What became of cacheable requests since the start.

    `hits` were answered from memory, `shared` by waiting for somebody else's run, `misses` by
    running. For `stale` ones of the misses there was an answer that no longer held.
    """

    hits: int = 0
    shared: int = 0
    misses: int = 0
    stale: int = 0
    evicted: int = 0


class PublicCache:
    """The public answers of one schema, the least recently used of them forgotten first.

    `vary` says what beside body and media type an answer depends on, from the request's headers:
    a language, say; `vary_headers` names those headers. Requests with one of the `credentials`
    among their headers are nobody's business but their sender's.
    """

    def __init__(
        self,
        versions: Versions,
        *,
        max_bytes: int = 64 * MEBIBYTE,
        max_entries: int = 20_000,
        vary: Callable[[Headers], Hashable] = lambda _headers: None,
        vary_headers: Collection[str] = (),
        credentials: Collection[str] = ("authorization", "cookie"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.versions = versions
        self.statistics = Statistics()
        self.bytes = 0
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._vary = vary
        self._credentials = tuple(name.lower().encode() for name in credentials)
        self._vary_line = ", ".join(("accept", *vary_headers, *credentials)).lower().encode()
        self._clock = clock
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._by_place: dict[Place, Kept] = {}
        self._flights: dict[Hashable, _Flight] = {}
        self._known: WeakKeyDictionary[Operation, _Known | None] = WeakKeyDictionary()

    def __len__(self) -> int:
        """Return how many answers are kept."""
        return len(self._kept)

    def place(self, headers: Headers, raw: bytes, *, is_get: bool, media_type: str) -> Place | None:
        """Return where a request's answer is kept; None for one with credentials.

        `raw` is the body, or the query string of a GET.
        """
        for name in self._credentials:
            if name in headers:
                return None
        return Place(raw, is_get, media_type, self._vary(headers))

    def find(self, place: Place) -> Kept | None:
        """Return the answer to a request that was asked before in the very same words."""
        kept = self._by_place.get(place)
        if kept is None or not self._holds(kept):
            return None
        self._kept.move_to_end(kept.key)
        self.statistics.hits += 1
        return kept

    async def share(
        self,
        place: Place,
        operation: Operation,
        variables: Mapping[str, Any] | None,
        run: Callable[[], Awaitable[Answer]],
    ) -> Kept | Answer:
        """Return the kept answer to an operation, or make it by `run`, once for all who ask.

        When the run of whom others wait for fails or is cancelled, one of them runs and the rest
        waits for that; after a second failure each runs by itself.
        """
        known = self._known_of(operation)
        key = known and known.key(place, variables)
        if known is None or key is None:
            return await run()
        failures = 0
        while failures < _FAILURES:
            version = self.versions.current(known.policy.tags)
            if version is None:
                break
            kept = self._kept.get(key)
            if kept is not None and self._holds(kept):
                return self._hit(place, kept)
            flight = self._flights.get(key)
            if flight is None or flight.version != version:
                return await self._lead(place, _Flight(key, version, known.policy), run)
            await flight.landed.wait()
            if flight.kept is not None:
                self.statistics.shared += 1
                return flight.kept
            failures += flight.has_failed
        self.statistics.misses += 1
        return await run()

    def reply(
        self, kept: Kept, *, is_get: bool, if_none_match: bytes | None = None
    ) -> tuple[int, Pairs, bytes]:
        """Return status, headers and body: 304 and no body for who has this answer already."""
        seconds = max(0, int(kept.expires_at - self._clock()))
        age = (b"cache-control", b"public, max-age=%d" % seconds)
        if is_get and if_none_match is not None and _names(if_none_match, kept.etag):
            return 304, [age, (b"etag", kept.etag), (b"vary", self._vary_line)], b""
        return 200, [age, *kept.head], kept.body

    def _hit(self, place: Place, kept: Kept) -> Kept:
        """Answer from memory what is written in a new way."""
        self._kept.move_to_end(kept.key)
        self._remember(place, kept)
        self.statistics.hits += 1
        return kept

    async def _lead(
        self, place: Place, flight: _Flight, run: Callable[[], Awaitable[Answer]]
    ) -> Kept | Answer:
        """Run for everybody who asks meanwhile."""
        self.statistics.misses += 1
        self._flights[flight.key] = flight
        try:
            answer = await run()
        except Exception:
            flight.has_failed = True
            raise
        else:
            if _may_be_shared(answer, flight.policy):
                flight.kept = self._keep(place, flight, answer.body)
                return flight.kept
            flight.has_failed = True
            return answer
        finally:
            # After a change during the run another flight may stand in its place.
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]
            flight.landed.set()

    def _keep(self, place: Place, flight: _Flight, body: bytes) -> Kept:
        """Keep an answer, unless what it was made from has changed, or it is too large."""
        etag = _etag(place.media_type, body)
        kept = Kept(
            body=body,
            etag=etag,
            head=[
                (b"etag", etag),
                (b"vary", self._vary_line),
                (b"content-type", f"{place.media_type}; charset=utf-8".encode()),
                (b"content-length", b"%d" % len(body)),
            ],
            tags=flight.policy.tags,
            version=flight.version,
            expires_at=self._clock() + flight.policy.seconds,
            key=flight.key,
            size=len(body) + OVERHEAD_BYTES,
        )
        if self.versions.current(kept.tags) != kept.version:
            # Those who waited asked before they could know; nobody keeps it any longer.
            kept.expires_at = self._clock()
        elif kept.size + len(place.raw) + OVERHEAD_BYTES <= self._max_bytes // _LARGEST_SHARE:
            former = self._kept.get(kept.key)
            if former is not None:
                self._drop(former)
            self._kept[kept.key] = kept
            self.bytes += kept.size
            self._remember(place, kept)
        return kept

    def _remember(self, place: Place, kept: Kept) -> None:
        """Find the answer by these words next time, and make room."""
        other = self._by_place.get(place)
        if other is kept:
            return
        if other is not None:
            # The same words were parsed anew meanwhile, and are another operation.
            self._forget_place(other, place)
        if len(kept.places) == PLACES:
            self._forget_place(kept, kept.places[0])
        kept.places.append(place)
        self._by_place[place] = kept
        self.bytes += len(place.raw) + OVERHEAD_BYTES
        while self.bytes > self._max_bytes or len(self._kept) > self._max_entries:
            self._drop(next(iter(self._kept.values())))
            self.statistics.evicted += 1

    def _forget_place(self, kept: Kept, place: Place) -> None:
        kept.places.remove(place)
        del self._by_place[place]
        self.bytes -= len(place.raw) + OVERHEAD_BYTES

    def _drop(self, kept: Kept) -> None:
        for place in list(kept.places):
            self._forget_place(kept, place)
        del self._kept[kept.key]
        self.bytes -= kept.size

    def _holds(self, kept: Kept) -> bool:
        """Tell whether a kept answer may be served; one that may not is dropped."""
        if kept.version == self.versions.current(kept.tags) and self._clock() < kept.expires_at:
            return True
        self.statistics.stale += 1
        self._drop(kept)
        return False

    def _known_of(self, operation: Operation) -> _Known | None:
        """Return how an operation's answers are shared; None when they are not."""
        if operation not in self._known:
            policy = policy_of(operation.engine.schema, operation.document, operation.node)
            self._known[operation] = None if policy is None else _Known(operation, policy)
        return self._known[operation]


class _Known:
    """A cacheable operation: its policy, and how its requests are told apart."""

    __slots__ = ("_identity", "_variables", "policy")

    def __init__(self, operation: Operation, policy: Policy) -> None:
        self.policy = policy
        # Stands for the operation without keeping it alive: it may be large, and its cache bounded.
        self._identity = object()
        nodes = operation.node.variable_definitions or ()
        self._variables = tuple(node.variable.name.value for node in nodes)

    def key(self, place: Place, given: Mapping[str, Any] | None) -> Hashable | None:
        """Return what determines the answer; None for variables that are no JSON of ours.

        Variables that the operation doesn't declare make no difference to it.
        """
        taken = {name: given[name] for name in self._variables if name in given} if given else {}
        try:
            variables = orjson.dumps(taken, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            return None
        return (self._identity, variables, place.media_type, place.varies)


class _Flight:
    """A run that others wait for; it ends with `kept`, or it failed, or was cancelled."""

    __slots__ = ("has_failed", "kept", "key", "landed", "policy", "version")

    def __init__(self, key: Hashable, version: Hashable, policy: Policy) -> None:
        self.key = key
        self.version = version
        self.policy = policy
        self.landed = asyncio.Event()
        self.kept: Kept | None = None
        self.has_failed = False


def _may_be_shared(answer: Answer, policy: Policy) -> bool:
    """Tell whether all went well, and what is for those who are signed in is null."""
    outcome = answer.outcome
    if answer.status != 200 or outcome.errors or outcome.data is None:
        return False
    data = outcome.data
    return all(data.get(name) is None for name in policy.absent)


def _etag(media_type: str, body: bytes) -> bytes:
    """Return a strong validator of the representation (RFC 9110, section 8.8.3)."""
    digest = blake2b(body, digest_size=16, key=media_type.encode()[:64])
    return b'"%s"' % digest.hexdigest().encode()


def _names(if_none_match: bytes, etag: bytes) -> bool:
    """Compare as If-None-Match wants it: weakly, with any of a list (RFC 9110, 13.1.2)."""
    if if_none_match.strip() == b"*":
        return True
    return any(each.strip().removeprefix(b"W/") == etag for each in if_none_match.split(b","))
