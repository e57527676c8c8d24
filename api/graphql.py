"""POST /graphql: GraphQL over HTTP as a plain ASGI callable.

Queries also come by GET. A document, its variables and the operation's name are taken from a JSON
body; no batching. Expected refusals are data (`userErrors`); what stands in `errors` always carries
`extensions.code`, and an unexpected failure is masked and logged with the request's id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog
from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from api.schema import MemberSchema
from domain.errors import Busy, DomainError
from resolvers.common.context import Context
from resolvers.common.errors import ApiError
from resolvers.common.messages import translate

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
ContextOf = Callable[[Scope, Headers], Awaitable[Context]]

ONLY_QUERIES = frozenset({OperationType.QUERY})
QUERIES_AND_MUTATIONS = frozenset({OperationType.QUERY, OperationType.MUTATION})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks to run."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    only_queries: bool = False


class Refused(Exception):
    """A request that isn't GraphQL over HTTP: an HTTP status and a reason."""

    def __init__(self, status: int, message: str, *, allow: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.allow = allow


class GraphQLEndpoint:
    """The ASGI callable behind /graphql."""

    def __init__(
        self,
        schema: MemberSchema,
        context_of: ContextOf,
        *,
        max_body_bytes: int,
        debug: bool,
        explorer: ASGIApp | None,
    ) -> None:
        self._schema = schema
        self._context_of = context_of
        self._max_body_bytes = max_body_bytes
        self._debug = debug
        self._explorer = explorer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        media_type = _media_type(headers.get("accept", ""))
        try:
            if self._wants_page(scope, headers):
                assert self._explorer is not None
                await self._explorer(scope, receive, send)
                return
            request = await self._read(scope, headers, receive)
        except Refused as refused:
            body = _errors_body("BAD_REQUEST", refused.message)
            extra = [(b"allow", refused.allow.encode())] if refused.allow else []
            await _send(send, refused.status, body, media_type or JSON, extra)
            return
        status, body = await self._answer(scope, headers, request, media_type or JSON)
        await _send(send, status, body, media_type or JSON)

    def _wants_page(self, scope: Scope, headers: Headers) -> bool:
        if self._explorer is None or scope["method"] != "GET":
            return False
        return "text/html" in headers.get("accept", "") and b"query=" not in scope["query_string"]

    async def _read(self, scope: Scope, headers: Headers, receive: Receive) -> Request:
        if _media_type(headers.get("accept", "")) is None:
            raise Refused(406, f"The answer is {RESPONSE_JSON} or {JSON}.")
        if scope["method"] == "GET":
            return _request(_parameters(scope["query_string"]), only_queries=True)
        if scope["method"] != "POST":
            raise Refused(405, "Use POST, or GET for queries.", allow="GET, POST")
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != JSON:
            raise Refused(415, f"The body's content type is {JSON}.")
        return _request(_json(await self._body(headers, receive)))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._max_body_bytes:
            raise self._too_large()
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "The connection was closed.")
            body += bytes(message.get("body", b""))
            if len(body) > self._max_body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return body

    def _too_large(self) -> Refused:
        return Refused(413, f"The body holds at most {self._max_body_bytes} bytes.")

    async def _answer(
        self, scope: Scope, headers: Headers, request: Request, media_type: str
    ) -> tuple[int, bytes]:
        try:
            context = await self._context_of(scope, headers)
        except ApiError as error:
            status = 401 if media_type == RESPONSE_JSON else 200
            return status, orjson.dumps({"errors": [error.formatted], "data": None})
        allowed = ONLY_QUERIES if request.only_queries else QUERIES_AND_MUTATIONS
        try:
            result = await self._schema.execute(
                request.query,
                request.variables,
                context,
                operation_name=request.operation_name,
                allowed_operation_types=allowed,
            )
        except InvalidOperationTypeError:
            return 405 if request.only_queries else 400, _errors_body(
                "BAD_REQUEST", "Only queries come by GET, and subscriptions by WebSocket."
            )
        except CannotGetOperationTypeError as error:
            return _bad(media_type), _errors_body("BAD_REQUEST", str(error))
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [self._told(error, context) for error in result.errors]
        if result.data is not None or not _is_request_error(result.errors):
            answer["data"] = result.data
        refused = "data" not in answer
        return _bad(media_type) if refused else 200, orjson.dumps(answer)

    def _told(self, error: GraphQLError, context: Context) -> Mapping[str, Any]:
        """Return the error as clients see it; what nobody expected is masked and logged."""
        told: dict[str, Any] = dict(error.formatted)
        cause = error.original_error
        while isinstance(cause, GraphQLError) and cause.original_error is not None:
            cause = cause.original_error
        if isinstance(cause, Busy):
            # A mutation says so in its userErrors; a read has none, and the fault is ours.
            log.warning("graphql_field_busy", path=error.path, cause=repr(cause.__cause__))
            told["message"] = translate(cause.message, context.language)
            told["extensions"] = {
                "code": "INTERNAL",
                "userErrorCode": cause.code.value,
                "retryAfterSeconds": cause.retry_after_seconds,
                "requestId": context.request_id,
            }
        elif isinstance(cause, DomainError):
            told["message"] = translate(cause.message, context.language, **cause.facts)
            told["extensions"] = {"code": "BAD_REQUEST", "userErrorCode": cause.code.value}
        elif cause is None or isinstance(cause, GraphQLError):
            extensions = dict(told.get("extensions") or {})
            told["extensions"] = {"code": "BAD_REQUEST", **extensions}
        else:
            log.error("graphql_field_failed", path=error.path, exc_info=cause)
            shown = repr(cause) if self._debug else "Something went wrong on our side."
            told["message"] = shown
            told["extensions"] = {"code": "INTERNAL", "requestId": context.request_id}
        return told


def _is_request_error(errors: list[GraphQLError] | None) -> bool:
    """Tell whether nothing was run: syntax, validation or variables were wrong."""
    return bool(errors) and all(error.path is None for error in errors or [])


def _bad(media_type: str) -> int:
    return 400 if media_type == RESPONSE_JSON else 200


def _media_type(accept: str) -> str | None:
    """Choose the answer's media type; None when the client takes neither."""
    if not accept:
        return JSON
    for item in accept.split(","):
        kind = item.partition(";")[0].strip().lower()
        if kind in (RESPONSE_JSON, JSON):
            return kind
        if kind in ("*/*", "application/*"):
            return JSON
    return JSON if "text/html" in accept else None


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "The body is no JSON.") from error


def _parameters(query_string: bytes) -> dict[str, Any]:
    try:
        given: dict[str, Any] = dict(parse_qsl(query_string.decode("ascii")))
    except UnicodeDecodeError as error:
        raise Refused(400, "The query string is no ASCII.") from error
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name].encode())
    return given


def _request(given: Any, *, only_queries: bool = False) -> Request:
    """Check the members of a request; each wrong one is named."""
    if not isinstance(given, dict):
        raise Refused(400, "One object is expected; there is no batching.")
    query = given.get("query")
    variables = given.get("variables")
    operation_name = given.get("operationName")
    extensions = given.get("extensions")
    if not isinstance(query, str) or not query:
        raise Refused(400, "`query` is the text of a document.")
    if variables is not None and not isinstance(variables, dict):
        raise Refused(400, "`variables` is an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Refused(400, "`operationName` is a text.")
    if extensions is not None and not isinstance(extensions, dict):
        raise Refused(400, "`extensions` is an object.")
    return Request(query, variables, operation_name or None, only_queries)


def _errors_body(code: str, message: str) -> bytes:
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})


async def _send(
    send: Send,
    status: int,
    body: bytes,
    media_type: str,
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    headers = [
        (b"content-type", _typed(media_type)),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *(extra or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _typed(media_type: str) -> bytes:
    return f"{media_type}; charset=utf-8".encode()
