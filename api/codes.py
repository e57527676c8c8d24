"""GET /codes/<scene>.png: the mini-program code of a scene."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.addresses import client_address
from api.files import A_DAY, not_found, refusal, shown
from domain.errors import DomainError
from domain.images import content_type_of
from services.code_images import CodeImages
from services.scenes import find_scene
from settings import Settings


def code_routes(settings: Settings) -> list[BaseRoute]:
    """Return the route of codes."""

    async def show(request: Request) -> Response:
        """Show a scene's code; WeChat draws it when it is seen first."""
        scene_code = request.path_params["scene_code"]
        if await find_scene(scene_code, now=datetime.now(UTC)) is None:
            return not_found()
        client_ip = client_address(request.scope, settings.trusted_proxies)
        try:
            image = await _images(request).image(scene_code, client_ip=client_ip)
        except DomainError as error:
            return refusal(request, error)
        content_type = content_type_of(image) or "image/png"
        return shown(request, image, content_type=content_type, cache_control=A_DAY)

    return [Route("/codes/{scene_code}.png", show)]


def _images(request: Request) -> CodeImages:
    """Return the codes that this process is drawing."""
    state = request.app.state
    if not hasattr(state, "code_images"):
        ports = state.process.ports
        state.code_images = CodeImages(ports.code_painter, ports.pictures, ports.limits)
    images: CodeImages = state.code_images
    return images
