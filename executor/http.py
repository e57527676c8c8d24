"""GraphQL over HTTP as a plain ASGI callable.

It speaks the GraphQL over HTTP specification, draft of stage 2 ("the specification" below): POST
with a JSON body, GET for queries, both media types of answers with their rules for statuses. No
batching: one request asks for one operation, so limits on requests limit operations.

Safe from forgery by other sites without tokens of its own. POST takes `application/json` alone,
which a browser sends to another site only after asking for leave, and leave is never given here.
GET runs queries alone, which change nothing, and the page that made a browser ask can't read the
answer. Where credentials stand in the Authorization header, a browser doesn't even add them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from graphql import GraphQLError, OperationType

from executor.asgi import App, Headers, Message, Receive, Scope, Send, headers_of
from executor.engine import UnknownOperation
from executor.media_types import JSON, RESPONSE_JSON, answer_type, is_json
from executor.operation import Operation
from executor.outcome import Outcome
from executor.public_cache import Answer, Kept, Place, PublicCache
from executor.request import BadRequest, Request, bad_request, from_json, from_parameters
from executor.telling import masked, tell_all
from executor.trusted import DocumentSource
from executor.watchdog import LOOKS_AFTER_SECONDS, ClientGone, TimeLimitExceeded, Watchdog

ContextT = TypeVar("ContextT")
Pair = tuple[bytes, bytes]

STATUS_BY_CODE = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403, "RATE_LIMITED": 429}
"""Statuses of an error by which `context_of` refuses a request; 400 for any other code."""

_MAX_ACCEPT_BYTES = 512
_MAX_LENGTH_DIGITS = 15
_DOCUMENT_PARAMETERS = (b"query=", b"documentId=", b"extensions=")
_CONTENT_TYPES = {
    media_type: (b"content-type", f"{media_type}; charset=utf-8".encode())
    for media_type in (JSON, RESPONSE_JSON)
}
_NO_STORE = (b"cache-control", b"no-store")
_CLOSE = (b"connection", b"close")


class _Reply(NamedTuple):
    """What is sent back."""

    status: int
    headers: list[Pair]
    body: bytes


class _Refused(Exception):
    """A request that is answered with an HTTP status of its own, and told why."""

    def __init__(self, status: int, *errors: GraphQLError, headers: Iterable[Pair] = ()) -> None:
        super().__init__(f"{status}: " + "; ".join(error.message for error in errors))
        self.status = status
        self.errors = errors
        self.headers = headers


@dataclass(slots=True)
class _Exchange:
    """One request, and how far it has come."""

    scope: Scope
    headers: Headers
    media_type: str
    is_get: bool
    body_is_read: bool = False
    place: Place | None = None
    context: Any = None


class GraphQLHTTP(Generic[ContextT]):
    """Answers HTTP requests by running operations: mount it at a path, it looks at none.

    `context_of` makes the context of a run out of the request's scope and headers; a GraphQLError
    that it raises refuses the request. `tell` says how a client sees an error. `page` is shown to
    a browser that asks for no operation. `on_run` hears of every run and the seconds it took.
    `around` makes a block that an operation runs in, such as one that keeps a connection for it.

    A body has `body_seconds` to come in, then `run_seconds` to be answered: what takes longer is
    cancelled and never run again. A query is also cancelled when its client goes; a mutation is
    brought to its end, for the client may ask what became of it.
    """

    def __init__(
        self,
        documents: DocumentSource,
        context_of: Callable[[Scope, Headers], Awaitable[ContextT]],
        *,
        tell: Callable[[GraphQLError, ContextT | None], Mapping[str, Any]] = masked,
        page: App | None = None,
        cache: PublicCache | None = None,
        on_run: Callable[[Operation, Outcome, float], None] | None = None,
        around: Callable[[Operation], AbstractAsyncContextManager[None]] | None = None,
        max_body_bytes: int = 256 * 1_024,
        body_seconds: float = 10.0,
        run_seconds: float = 30.0,
        looks_after_seconds: float = LOOKS_AFTER_SECONDS,
        challenge: str = "Bearer",
    ) -> None:
        self._documents = documents
        self._context_of = context_of
        self._tell = tell
        self._page = page
        self._cache = cache
        self._on_run = on_run
        self._around = around
        self._max_body_bytes = max_body_bytes
        self._body_seconds = body_seconds
        self._run_seconds = run_seconds
        self._patience = looks_after_seconds
        self._challenge = (b"www-authenticate", challenge.encode("ascii"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        is_get = scope["method"] == "GET"
        accept = headers.get(b"accept", b"")
        if is_get and self._page is not None and _wants_page(accept, scope["query_string"]):
            await self._page(scope, receive, send)
            return
        media_type = answer_type(accept[:_MAX_ACCEPT_BYTES])
        exchange = _Exchange(scope, headers, media_type or JSON, is_get)
        if media_type is None:
            error = bad_request(f"The answer is {RESPONSE_JSON} or {JSON}.")
            await _send(send, self._refusal(exchange, 406, [error]))
            return
        try:
            with Watchdog(self._body_seconds, looks_after_seconds=self._patience) as watchdog:
                reply = await self._answer(exchange, receive, watchdog)
        except _Refused as refused:
            reply = self._refusal(exchange, refused.status, refused.errors, refused.headers)
        except BadRequest as wrong:
            reply = self._refusal(exchange, 400, wrong.errors)
        except TimeLimitExceeded:
            reply = self._too_slow(exchange)
        except ClientGone:
            return
        except Exception:
            # The client gets an answer all the same; who serves us logs what it was.
            await _send(send, self._broken(exchange))
            raise
        await _send(send, reply)

    async def _answer(self, exchange: _Exchange, receive: Receive, watchdog: Watchdog) -> _Reply:
        raw = self._parameters(exchange) if exchange.is_get else await self._body(exchange, receive)
        watchdog.restart(self._run_seconds)
        exchange.body_is_read = True
        if self._cache is not None:
            kept = self._look_up(self._cache, exchange, raw)
            if kept is not None:
                return self._shared(self._cache, exchange, kept)
        request = from_parameters(raw) if exchange.is_get else from_json(raw)
        try:
            exchange.context = await self._context_of(exchange.scope, exchange.headers)
        except GraphQLError as error:
            return self._denial(exchange, error)
        document = self._documents.find(request)
        if document.errors:
            return self._refusal(exchange, _failed(exchange), document.errors)
        try:
            operation = document.operation(request.operation_name)
        except UnknownOperation as error:
            return self._refusal(exchange, _failed(exchange), [bad_request(str(error))])
        if operation.kind is OperationType.QUERY:
            watchdog.listen(receive)
        else:
            _require_way(operation, exchange)
        if self._cache is not None and exchange.place is not None:
            return await self._share(self._cache, exchange, exchange.place, operation, request)
        answer = await self._run(exchange, operation, request)
        return _reply(exchange, answer.status, answer.body)

    def _parameters(self, exchange: _Exchange) -> bytes:
        """Return the query string of a GET."""
        query_string: bytes = exchange.scope["query_string"]
        if len(query_string) > self._max_body_bytes:
            message = f"The query string holds at most {self._max_body_bytes} bytes."
            raise _Refused(414, bad_request(message))
        return query_string

    async def _body(self, exchange: _Exchange, receive: Receive) -> bytes:
        """Return the body of a POST, if its head lets us read it."""
        self._check_head(exchange)
        message = await receive()
        body = _chunk(message)
        if message.get("more_body", False):
            parts = bytearray(body)
            while message.get("more_body", False) and len(parts) <= self._max_body_bytes:
                message = await receive()
                parts += _chunk(message)
            body = bytes(parts)
        if len(body) > self._max_body_bytes:
            # It was sent in pieces, and there is no telling when it ends.
            raise self._too_large(_CLOSE)
        return body

    def _check_head(self, exchange: _Exchange) -> None:
        """Refuse what is no POST of JSON, or says that it is too large."""
        if exchange.scope["method"] != "POST":
            message = "Use POST, or GET for queries."
            raise _Refused(405, bad_request(message), headers=[(b"allow", b"GET, POST")])
        headers = exchange.headers
        if not is_json(headers.get(b"content-type", b"")):
            raise _Refused(415, bad_request(f"The body's content type is {JSON}, in UTF-8."))
        if headers.get(b"content-encoding", b"identity") != b"identity":
            message = "The body isn't compressed."
            raise _Refused(415, bad_request(message), headers=[(b"accept-encoding", b"identity")])
        declared = headers.get(b"content-length", b"")
        if len(declared) > _MAX_LENGTH_DIGITS or (
            declared.isdigit() and int(declared) > self._max_body_bytes
        ):
            raise self._too_large()

    def _too_large(self, *headers: Pair) -> _Refused:
        message = f"The body holds at most {self._max_body_bytes} bytes."
        return _Refused(413, bad_request(message), headers=headers)

    def _look_up(self, cache: PublicCache, exchange: _Exchange, raw: bytes) -> Kept | None:
        """Look for a public answer to these very bytes, and remember where it would be."""
        exchange.place = cache.place(
            exchange.headers, raw, is_get=exchange.is_get, media_type=exchange.media_type
        )
        return cache.find(exchange.place) if exchange.place is not None else None

    def _shared(self, cache: PublicCache, exchange: _Exchange, kept: Kept) -> _Reply:
        if_none_match = exchange.headers.get(b"if-none-match")
        return _Reply(*cache.reply(kept, is_get=exchange.is_get, if_none_match=if_none_match))

    async def _share(
        self,
        cache: PublicCache,
        exchange: _Exchange,
        place: Place,
        operation: Operation,
        request: Request,
    ) -> _Reply:
        """Run the operation for all who ask the same, if its answer may be shared."""

        async def run() -> Answer:
            return await self._run(exchange, operation, request)

        made = await cache.share(place, operation, request.variables, run)
        if isinstance(made, Kept):
            return self._shared(cache, exchange, made)
        return _reply(exchange, made.status, made.body)

    async def _run(self, exchange: _Exchange, operation: Operation, request: Request) -> Answer:
        started = perf_counter()
        if self._around is None:
            outcome = await operation.run(request.variables, context=exchange.context)
        else:
            async with self._around(operation):
                outcome = await operation.run(request.variables, context=exchange.context)
        if self._on_run is not None:
            self._on_run(operation, outcome, perf_counter() - started)
        if not outcome.errors:
            return Answer(200, orjson.dumps({"data": outcome.data}), outcome)
        errors = tell_all(outcome.errors, self._tell, exchange.context)
        if not outcome.was_run:
            return Answer(_failed(exchange), orjson.dumps({"errors": errors}), outcome)
        body = orjson.dumps({"errors": errors, "data": outcome.data})
        return Answer(200, body, outcome)

    def _denial(self, exchange: _Exchange, error: GraphQLError) -> _Reply:
        """Tell why there is no context for a request: above all, that a token doesn't hold."""
        status = _failed(exchange)
        if status != 200:
            status = STATUS_BY_CODE.get((error.extensions or {}).get("code", ""), status)
        headers = [self._challenge] if status == 401 else []
        return self._refusal(exchange, status, [error], headers)

    def _too_slow(self, exchange: _Exchange) -> _Reply:
        if not exchange.body_is_read:
            error = bad_request("The body took too long to come in.")
            return self._refusal(exchange, 408, [error], [_CLOSE])  # RFC 9110, 15.5.9.
        error = GraphQLError(
            f"This took more than {self._run_seconds:g} seconds, and was given up.",
            extensions={"code": "TIMEOUT"},
        )
        return self._refusal(exchange, 503, [error])

    def _broken(self, exchange: _Exchange) -> _Reply:
        error = GraphQLError("Something went wrong on our side.", extensions={"code": "INTERNAL"})
        return self._refusal(exchange, 500, [error])

    def _refusal(
        self,
        exchange: _Exchange,
        status: int,
        errors: Iterable[GraphQLError],
        headers: Iterable[Pair] = (),
    ) -> _Reply:
        told = tell_all(errors, self._tell, exchange.context)
        return _reply(exchange, status, orjson.dumps({"errors": told}), headers)


def _wants_page(accept: bytes, query_string: bytes) -> bool:
    return b"text/html" in accept and not any(name in query_string for name in _DOCUMENT_PARAMETERS)


def _require_way(operation: Operation, exchange: _Exchange) -> None:
    """Refuse an operation that isn't run for a request of this kind."""
    if operation.kind is OperationType.SUBSCRIPTION:
        raise _Refused(400, bad_request("Subscriptions come by WebSocket."))
    if exchange.is_get:
        # The specification, section "GET": never by a method that is safe.
        raise _Refused(405, bad_request("Mutations come by POST."), headers=[(b"allow", b"POST")])


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    chunk: bytes = message.get("body", b"")
    return chunk


def _failed(exchange: _Exchange) -> int:
    """Return the status of a sound request that nothing could be run for.

    The specification, sections "application/json" and "application/graphql-response+json".
    """
    return 400 if exchange.media_type == RESPONSE_JSON else 200


def _reply(exchange: _Exchange, status: int, body: bytes, headers: Iterable[Pair] = ()) -> _Reply:
    return _Reply(
        status,
        [
            _CONTENT_TYPES[exchange.media_type],
            (b"content-length", b"%d" % len(body)),
            _NO_STORE,
            *headers,
        ],
        body,
    )


async def _send(send: Send, reply: _Reply) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})
