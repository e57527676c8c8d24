"""The pages that people see. They ask nobody but this server, and use only the public API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.pages.shop import shop_of
from settings import Settings

_ASSETS = Path(__file__).with_name("assets")


def page_routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the pages that this profile shows; in production, as a rule, none."""
    shown: list[BaseRoute] = []
    if not settings.in_production:
        shown.append(Route("/", shop_of(settings)))
        shown.append(Route("/pages/config.json", _config_of(settings)))
    if shown or settings.shows_graphiql:
        assets = _Assets(directory=_ASSETS)
        shown.append(Mount("/pages", assets, middleware=[Middleware(GZipMiddleware)]))
    return shown


class _Assets(StaticFiles):
    """Scripts and styles; a browser asks each time whether its copy is still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "no-cache"
        answer.headers["x-content-type-options"] = "nosniff"
        return answer


def _config_of(settings: Settings) -> Callable[[Request], Awaitable[Response]]:
    told = {
        "baseUrl": settings.base_url,
        "appId": settings.wechat_official_account_appid,
        "authorizeUrl": f"{settings.wechat_open_base}/connect/oauth2/authorize",
        "simulatorUrl": f"{settings.simulator_url}/_sim/",
    }

    async def config(_request: Request) -> Response:
        """Tell the pages where a person signs in: in development on the simulator's page."""
        return JSONResponse(told, headers={"cache-control": "no-store"})

    return config
