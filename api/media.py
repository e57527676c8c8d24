"""GET /media/<name>: the brand's own pictures, of banners, categories and products.

They lie in the storage under `media/`; what ships with the program stands in where there is none.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.pictures import A_DAY, not_found, picture, refusal
from domain.errors import DomainError

_SHIPPED = Path(__file__).with_name("static")


async def show(request: Request) -> Response:
    """Show a picture of the brand's."""
    name = request.path_params["name"]
    try:
        kept = await request.app.state.process.ports.pictures.read(f"media/{name}")
    except DomainError as error:
        return refusal(request, error)
    data = kept or _shipped().get(name)
    return not_found() if data is None else picture(request, data, cache_control=A_DAY)


@cache
def _shipped() -> dict[str, bytes]:
    """Return the pictures beside this module by name: a table, so that no path is ever built."""
    return {path.name: path.read_bytes() for path in _SHIPPED.glob("*.png")}


media_routes: list[BaseRoute] = [Route("/media/{name:path}", show)]
