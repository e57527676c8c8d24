"""The simulator as one ASGI application: a mount per WeChat host, and the control API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from wxsim import api, control, mch, open_platform
from wxsim.config import Config, refuse_production
from wxsim.courier import Deliver
from wxsim.world import World


def create_app(config: Config | None = None, *, deliver: Deliver | None = None) -> Starlette:
    """A simulator of its own, its `World` at `app.state.world`.

    `deliver` replaces the network for notifications. Without running the lifespan
    (as under httpx.ASGITransport) everything works but the resumption and saving of state.
    Raises `RefusedInProduction` under a production profile.
    """
    refuse_production()
    world = World(config or Config(), deliver)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        world.resume()
        try:
            yield
        finally:
            await world.close()

    async def home(_: Request) -> Response:
        return RedirectResponse("/_sim/")

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    app = Starlette(
        routes=[
            Mount("/api", api.build(world)),
            Mount("/mch", mch.build(world)),
            Mount("/open", open_platform.build(world)),
            Mount("/_sim", control.build(world)),
            Route("/", home),
            Route("/healthz", healthz),
        ],
        lifespan=lifespan,
    )
    app.state.world = world
    return app
