"""The pages that people see. They ask nobody but this server, and use only the public API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from settings import Settings

FOLDER = Path(__file__).parent
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src {pictures}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the pages that this profile shows; in production, as a rule, none."""
    shown: list[BaseRoute] = []
    if not settings.in_production:
        shown.append(Route("/pages/config.json", _config_of(settings)))
    if shown or settings.shows_graphiql:
        shown.append(Mount("/pages", _Assets(directory=FOLDER / "assets"), name="pages"))
    return shown


def page(text: str, *, pictures: str = "'self' data:", status: int = 200) -> Response:
    """Return a page of ours, which may run our scripts and load nothing from elsewhere.

    `pictures` are the places that pictures may come from, as a content security policy has them.
    """
    return HTMLResponse(
        text,
        status,
        headers={
            "content-security-policy": CONTENT_SECURITY_POLICY.format(pictures=pictures),
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )


class _Assets(StaticFiles):
    """Scripts and styles; a browser asks each time whether its copy is still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "no-cache"
        answer.headers["x-content-type-options"] = "nosniff"
        return answer


def _config_of(settings: Settings) -> Callable[[Request], Awaitable[Response]]:
    told = {
        "appId": settings.wechat_official_account_appid,
        "authorizeUrl": f"{settings.wechat_open_base}/connect/oauth2/authorize",
        "simulatorUrl": f"{settings.simulator_url}/_sim/",
    }

    async def config(_request: Request) -> Response:
        """Tell the pages where a person signs in: in development on the simulator's page."""
        return JSONResponse(told, headers={"cache-control": "no-store"})

    return config
