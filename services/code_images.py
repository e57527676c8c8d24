"""Mini-program codes as pictures: drawn by WeChat on first view, then kept for good."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Protocol

from domain.errors import WechatUnavailable
from domain.images import content_type_of, read_size
from services.rate_limits import Door, RateLimits, pass_door
from services.uploads import PictureStorage

WIDTH = 430
"""Pixels; enough for a poster shown on a phone."""
LAUNCH_PAGE = ""
"""The mini-program's first page: it asks `scene` what the code means, and goes on from there."""


class CodePainter(Protocol):
    """Draws the codes of our mini-program."""

    @property
    def appid(self) -> str:
        """The mini-program that the codes open."""

    async def code_image(self, scene: str, *, page: str = "", width: int = WIDTH) -> bytes:
        """Return a lasting code as PNG or JPEG; raises `WechatUnavailable`."""


class CodeImages:
    """The codes that this process is drawing: many who ask at once are answered by one call."""

    def __init__(self, painter: CodePainter, storage: PictureStorage, limits: RateLimits) -> None:
        self._painter = painter
        self._storage = storage
        self._limits = limits
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def image(self, scene_code: str, *, client_ip: str) -> bytes:
        """Return the picture of a scene's code. A failure is not kept: the next view tries again.

        Raises:
            RateLimited: the address has too many drawn; what was drawn before is free.
            WechatUnavailable, StorageUnavailable
        """
        key = _key(self._painter.appid, scene_code)
        kept = await self._storage.read(key)
        if kept is not None:
            return kept
        drawing = self._under_way.get(key)
        if drawing is None:
            drawing = asyncio.create_task(self._draw(key, scene_code, client_ip))
            self._under_way[key] = drawing
            drawing.add_done_callback(lambda _done: self._under_way.pop(key, None))
        # Shielded: one who hangs up must not take it from the others.
        return await asyncio.shield(drawing)

    async def _draw(self, key: str, scene_code: str, client_ip: str) -> bytes:
        kept = await self._storage.read(key)  # It may have been kept between the look and here.
        if kept is not None:
            return kept
        await pass_door(self._limits, Door.CODE_IMAGE, client_ip)
        image = await self._painter.code_image(scene_code, page=LAUNCH_PAGE, width=WIDTH)
        content_type = content_type_of(image)
        if content_type is None or read_size(image, content_type) is None:
            raise WechatUnavailable
        await self._storage.put(key, image, content_type=content_type)
        return image


def _key(appid: str, scene_code: str) -> str:
    """Return where the picture lies; for ever, since what a code shows never changes."""
    name = sha256(f"{appid}\n{LAUNCH_PAGE}\n{WIDTH}\n{scene_code}".encode()).hexdigest()
    return f"codes/{name}.png"
