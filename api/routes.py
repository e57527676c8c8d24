"""Everything that is served beside /graphql."""

from __future__ import annotations

from ipaddress import ip_address

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from api.callbacks import callback_routes
from api.codes import code_routes
from api.exports import export_routes
from api.media import media_routes
from api.pages import page_routes
from api.uploads import upload_routes
from settings import Settings


def routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of a web process."""

    async def metrics(request: Request) -> Response:
        """Figures for Prometheus, for the networks that may read them."""
        client = ip_address(request.client.host) if request.client else None
        if client is None or not any(client in network for network in settings.metrics_networks):
            return PlainTextResponse("Not found.", 404)
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        *callback_routes,
        *page_routes(settings),
        *upload_routes,
        *media_routes(settings),
        *code_routes(settings),
        *export_routes,
    ]


async def healthz(_request: Request) -> Response:
    """Say that the process is alive; nothing else is asked."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Say whether PostgreSQL and Redis answer."""
    problems = await request.app.state.process.unready()
    if problems:
        return JSONResponse({"status": "not ready", "problems": problems}, 503)
    return JSONResponse({"status": "ok"})
