"""The member API at a fixed instant, for tests of what anybody can look at.

A token is a member's id: who may have one is the business of other tests.
"""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx

from api.errors import ErrorTelling
from api.graphql import MAX_COST
from api.schema import member_engine
from executor.asgi import Headers, Scope
from executor.documents import Documents
from executor.http import GraphQLHTTP
from executor.limits import Limits
from executor.trusted import DocumentSource
from loaders import Loaders
from resolvers.common.context import Context
from resolvers.common.messages import preferred_language
from services import promotions, rules
from services.ports import Ports
from tests.support.graphql import GraphQLClient

BASE_URL = "https://mall.example"


async def catalog_client(now: datetime, **ports: Any) -> GraphQLClient:
    """Return a client of an endpoint whose clock stands still, with the shipped rules at hand.

    `ports` are those that fields need beside the public address.

    A process reads rules and promotions once in five seconds; tests that count statements leave
    that out.
    """
    rules.forget_cached()
    await rules.in_force(now=now)  # Publishes them on an empty database,
    await rules.in_force(now=now)  # and reads them.
    promotions.forget_cached()
    await promotions.running_now(now=now)

    async def context_of(scope: Scope, headers: Headers) -> Context:
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        member_id = UUID(token) if token else None
        return Context(
            now=now,
            language=preferred_language(headers.get(b"accept-language", b"").decode()),
            loaders=Loaders(viewer_id=member_id, now=now),
            ports=cast("Ports", SimpleNamespace(public_base_url=BASE_URL, **ports)),
            member_id=member_id,
            client_ip="203.0.113.7",
        )

    documents = DocumentSource(Documents(member_engine(), Limits(cost=MAX_COST)))
    endpoint = GraphQLHTTP(documents, context_of, tell=ErrorTelling(debug=True))
    transport = httpx.ASGITransport(app=cast("Any", endpoint))
    return GraphQLClient(httpx.AsyncClient(transport=transport, base_url=BASE_URL))
