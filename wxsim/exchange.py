"""One simulated host: reads a call, lets faults in, routes it, seals and sends the answer.

A raw ASGI application under a Starlette mount: what is signed is the path after the mount prefix
and the bytes as they came, so nothing may be decoded or re-encoded on the way.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from wxsim.clock import Clock
from wxsim.faults import Fault, Faults
from wxsim.journal import Journal, Stats

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
BODY_LIMIT_BYTES = 1 << 20
HOLD_SECONDS = 120.0


@dataclass(slots=True)
class Call:
    """A request as the host sees it; `target` is path and query as sent, after the mount."""

    host: str
    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: Headers
    body: bytes
    base: str  # Scheme and authority under which the caller reached us.
    params: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)  # Ids for journal and fault matches.
    caller: dict[str, str] = field(default_factory=dict)  # Who was authenticated.

    def note(self, **facts: Any) -> None:
        """Add ids that the journal shows and faults can match."""
        self.facts.update(facts)


@dataclass(slots=True)
class Reply:
    """An answer before it is sealed."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: list[tuple[str, str]] = field(default_factory=list)
    sealed: bool = True  # Whether WeChat Pay signs this kind of answer.


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """A path, which may hold `{names}`, and what answers it; public ones need no signature."""

    method: str
    path: str
    handler: Handler
    public: bool = False


@dataclass(frozen=True, slots=True)
class Manners:
    """What differs between hosts: who is let in, how refusals look, how answers are sealed."""

    admit: Callable[[Call], None]
    refuse: Callable[[Call, Exception], Reply | None]
    unknown: Callable[[Call], Reply]
    fault_refusal: Callable[[Call, Fault], Reply]
    broken: Callable[[Call, int], Reply]
    seal: Callable[[Call, Reply], list[tuple[str, str]]]


def json_reply(data: Any, status: int = 200, *, content_type: str = JSON) -> Reply:
    """An answer of JSON."""
    return Reply(status, orjson.dumps(data), content_type)


def html_reply(page: str, status: int = 200) -> Reply:
    """An answer of HTML that nobody signs."""
    return Reply(status, page.encode(), HTML, sealed=False)


def gateway_error(status: int) -> Reply:
    """What a broken proxy answers: HTML, unsigned."""
    return html_reply(f"<html><body><h1>{status}</h1></body></html>", status)


class Host:
    """The ASGI application of one host name."""

    def __init__(
        self,
        name: str,
        routes: list[Route],
        manners: Manners,
        *,
        clock: Clock,
        faults: Faults,
        journal: Journal,
        stats: Stats,
        revoke_tokens: Callable[[], None],
    ) -> None:
        self._name = name
        self._manners = manners
        self._clock = clock
        self._faults = faults
        self._journal = journal
        self._stats = stats
        self._revoke_tokens = revoke_tokens
        self._exact = {(r.method, r.path): r for r in routes if "{" not in r.path}
        self._patterns = [(_compile(r.path), r) for r in routes if "{" in r.path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        call = await self._read(scope, receive)
        if call is None:
            await _send(send, Reply(413, b"", sealed=False), [])
            return
        reply = await self._answer(call)
        seals = self._manners.seal(call, reply) if reply.sealed else []
        fault = self._fault("timeout", call)
        milliseconds = (time.perf_counter() - started) * 1_000
        self._note(call, None if fault else reply.status, milliseconds)
        if fault:
            await _hold(receive, fault.whole("ms", int(HOLD_SECONDS * 1_000)) / 1_000)
            return
        await _send(send, reply, seals)

    async def _read(self, scope: Scope, receive: Receive) -> Call | None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > BODY_LIMIT_BYTES:
                return None
            if not message.get("more_body", False):
                break
        mount = scope.get("root_path", "")
        raw = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"].decode("latin-1")
        target = raw.decode("latin-1")[len(mount) :]
        headers = Headers(scope=scope)
        return Call(
            host=self._name,
            method=scope["method"],
            path=scope["path"][len(mount) :],
            target=f"{target}?{query}" if query else target,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=body,
            base=f"{scope['scheme']}://{headers.get('host', '127.0.0.1')}",
        )

    def _fault(self, kind: str, call: Call) -> Fault | None:
        if not self._faults.active:
            return None
        return self._faults.take(
            kind, host=call.host, method=call.method, path=call.path, facts=call.facts
        )

    async def _answer(self, call: Call) -> Reply:
        if self._faults.active:
            early = await self._answer_by_fault(call)
            if early is not None:
                return early
        reply = await self._handle(call)
        if fault := self._fault("commit_then_5xx", call):
            return self._manners.broken(call, fault.whole("status", 500))
        if reply.content_type == JSON and reply.body and self._fault("body.whitespace", call):
            loose = orjson.dumps(orjson.loads(reply.body), option=orjson.OPT_INDENT_2)
            reply.body = loose + b"\n"
        return reply

    async def _answer_by_fault(self, call: Call) -> Reply | None:
        if fault := self._fault("latency", call):
            await asyncio.sleep(fault.whole("ms", 1_000) / 1_000)
        if self._fault("token.revoke_now", call):
            self._revoke_tokens()
        if fault := self._fault("http", call):
            return gateway_error(fault.whole("status", 500))
        if fault := self._fault("errcode", call):
            return self._manners.fault_refusal(call, fault)
        return None

    async def _handle(self, call: Call) -> Reply:
        route = self._route(call)
        if route is None:
            return self._manners.unknown(call)
        try:
            if not route.public:
                self._manners.admit(call)
            return await route.handler(call)
        except Exception as error:
            reply = self._manners.refuse(call, error)
            if reply is None:
                raise
            return reply

    def _route(self, call: Call) -> Route | None:
        exact = self._exact.get((call.method, call.path))
        if exact is not None:
            return exact
        for pattern, route in self._patterns:
            found = pattern.fullmatch(call.path) if route.method == call.method else None
            if found:
                call.params = found.groupdict()
                return route
        return None

    def _note(self, call: Call, status: int | None, milliseconds: float) -> None:
        self._stats.counts[f"{call.host}.calls"] += 1
        self._journal.add(
            at=self._clock.now(),
            direction="in",
            host=call.host,
            method=call.method,
            path=call.path,
            status=status,
            milliseconds=milliseconds,
            facts=call.facts,
        )


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in the body, None when it is anything else."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def text_of(data: Mapping[str, Any], name: str) -> str | None:
    """A text member of the object, None when it is missing or no text."""
    value = data.get(name)
    return value if isinstance(value, str) else None


def _compile(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


async def _hold(receive: Receive, seconds: float) -> None:
    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(until_gone(), min(seconds, HOLD_SECONDS))
    except TimeoutError:
        return


async def _send(send: Send, reply: Reply, seals: list[tuple[str, str]]) -> None:
    headers = [(b"content-length", str(len(reply.body)).encode())]
    if reply.status == 204:
        headers = []
    elif reply.body:
        headers.append((b"content-type", reply.content_type.encode()))
    headers += [(k.lower().encode(), v.encode("latin-1")) for k, v in (*reply.headers, *seals)]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
