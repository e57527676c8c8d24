"""GET /media/<name>: the brand's own files, pictures and the pages of its agreements.

They lie in `media` below MALL_HOME. What ships with the program stands in where there is none.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.files import A_DAY, not_found, shown
from settings import Settings

_SHIPPED = Path(__file__).with_name("static")
_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_.\-]*/){0,4}[A-Za-z0-9][A-Za-z0-9_.\-]*")
"""No part begins with a dot: neither the folder above nor a file that is being written."""
_NAME_LENGTH = 200
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


def media_routes(settings: Settings) -> list[BaseRoute]:
    """Return the route of the brand's files."""
    folder = settings.home / "media"

    async def show(request: Request) -> Response:
        """Show one of the brand's files."""
        name = request.path_params["name"]
        content_type = _CONTENT_TYPES.get(Path(name).suffix)
        if content_type is None or len(name) > _NAME_LENGTH or not _NAME.fullmatch(name):
            return not_found()
        data = await _read(folder / name) or _shipped().get(name)
        if data is None:
            return not_found()
        return shown(request, data, content_type=content_type, cache_control=A_DAY)

    return [Route("/media/{name:path}", show)]


async def _read(path: Path) -> bytes | None:
    try:
        return await anyio.Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


@cache
def _shipped() -> dict[str, bytes]:
    """Return the pictures beside this module by name."""
    return {path.name: path.read_bytes() for path in _SHIPPED.glob("*.png")}
