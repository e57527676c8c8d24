"""The page behind GET /graphql, for people who want to try a query."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from api.pages.answers import page

_PAGE = Path(__file__).with_name("pages") / "explorer.html"


async def explorer(scope: Scope, receive: Receive, send: Send) -> None:
    """Show the explorer; with ?ide=graphiql GraphiQL, which needs the internet for its scripts."""
    if Request(scope).query_params.get("ide") == "graphiql":
        answer: Response = HTMLResponse(get_graphql_ide_html(graphql_ide="graphiql"))
    else:
        answer = page(_explorer())
    await answer(scope, receive, send)


@cache
def _explorer() -> str:
    return _PAGE.read_text(encoding="utf-8")
