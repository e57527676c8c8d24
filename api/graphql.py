"""/graphql: the executor's endpoint, set up for the mall."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from functools import cache

from graphql import OperationType

from api.errors import ErrorTelling
from api.explorer import explorer
from api.figures import OperationTimes
from api.schema import member_engine
from api.trusted import trusted_source
from executor.asgi import Headers, Scope
from executor.documents import Documents
from executor.http import GraphQLHTTP
from executor.limits import Limits
from executor.operation import Operation
from executor.public_cache import PublicCache
from executor.trusted import DocumentSource
from models.database import reading
from resolvers.common.context import Context
from settings import Settings

MAX_COST = 50_000
"""A page of a hundred cards with everything on them costs 37,500, and a page of ours 1,400.

graphql-core takes some 3.5 µs for a field, so this much keeps a core busy for a fifth of a second.
"""
LIMITS = Limits(cost=MAX_COST)

ContextOf = Callable[[Scope, Headers], Awaitable[Context]]


def limits_of(settings: Settings) -> Limits:
    """Return what a document may ask, by HTTP and WebSocket alike."""
    return replace(LIMITS, introspection=settings.graphql_introspection)


def document_source(settings: Settings) -> DocumentSource:
    """Return where documents come from; one source, however they are asked for."""
    return trusted_source(settings, _documents(limits_of(settings)))


@cache
def _documents(limits: Limits) -> Documents:
    """Return the documents of this process, so that its applications compile trusted ones once."""
    return Documents(member_engine(), limits)


def graphql_endpoint(
    settings: Settings,
    documents: DocumentSource,
    context_of: ContextOf,
    *,
    cache: PublicCache | None = None,
) -> GraphQLHTTP[Context]:
    """Return the ASGI callable behind /graphql."""
    return GraphQLHTTP(
        documents,
        context_of,
        tell=ErrorTelling(debug=settings.debug),
        page=explorer if settings.shows_graphiql else None,
        cache=cache,
        on_run=OperationTimes(documents.operations()),
        around=connection_for,
        max_body_bytes=settings.request_max_bytes,
        body_seconds=settings.request_body_timeout_seconds,
        run_seconds=settings.request_timeout_seconds,
    )


def connection_for(operation: Operation) -> AbstractAsyncContextManager[None]:
    """Give a query, or an event, one connection for all its reads.

    Mutations may wait for WeChat in between.
    """
    return nullcontext() if operation.kind is OperationType.MUTATION else reading()
