"""The member schema as Strawberry serves it by itself: `python -m benchmarks.plain_strawberry`.

What one gets without the executor: Starlette, Strawberry's own view for ASGI, its caches of parsed
and validated documents, answers written by orjson. Context, tokens, request ids, figures, pool and
resolvers are the mall's own. Listens at `BENCHMARK_PORT`.
"""

from __future__ import annotations

import os
from typing import Any

import orjson
import strawberry
import uvicorn
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from api.app import MallApp
from api.observability import Observed
from executor.asgi import headers_of
from resolvers.common.context import Context
from resolvers.common.scalars import SCALARS
from resolvers.member.schema import Mutation, Query
from settings import load
from wiring import memory


class View(GraphQL[Context, None]):
    """Strawberry's view with the mall's context and a quick encoder."""

    def __init__(self, mall: MallApp) -> None:
        schema = strawberry.Schema(
            query=Query,
            mutation=Mutation,
            extensions=[lambda: ParserCache(maxsize=128), lambda: ValidationCache(maxsize=128)],
            config=StrawberryConfig(scalar_map=SCALARS),
        )
        super().__init__(schema, graphql_ide=None)
        self._mall = mall

    async def get_context(self, request: HTTPConnection, response: Any) -> Context:  # noqa: ARG002
        """Build the context that the mall would build."""
        headers = headers_of(request.scope)
        return await self._mall._context(request.scope, headers)  # noqa: SLF001 (that very one)

    def encode_json(self, data: object) -> bytes:
        """Write the answer by orjson, as the other sides do."""
        return orjson.dumps(data)


def application() -> ASGIApp:
    """Return the application: the view at /graphql, the mall's own pages elsewhere."""
    mall = MallApp(load())
    view = View(mall)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        at_graphql = scope["type"] == "http" and scope["path"] == "/graphql"
        await (view if at_graphql else mall)(scope, receive, send)

    return Observed(app)


if __name__ == "__main__":
    served = application()
    memory.settle()
    uvicorn.run(
        served,
        host="127.0.0.1",
        port=int(os.environ["BENCHMARK_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )
