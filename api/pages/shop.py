"""The demo shop at /: a shell in the visitor's language; its script asks the public API for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.pages.answers import page
from resolvers.common.messages import Language, preferred_language
from settings import Settings

_SHELL = Path(__file__).with_name("shop.html")
_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "lang": "zh",
        "title": "商城",
        "skip": "跳到内容",
        "search": "搜索商品",
        "places": "导航",
        "other": "en",
        "other_name": "English",
        "noscript": "这个页面需要 JavaScript。",
    },
    "en": {
        "lang": "en",
        "title": "Shop",
        "skip": "Skip to the content",
        "search": "Search products",
        "places": "Places",
        "other": "zh",
        "other_name": "中文",
        "noscript": "This page needs JavaScript.",
    },
}


def shop_of(settings: Settings) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of the shop."""
    base = urlsplit(settings.base_url)
    # Pictures may lie in a bucket or at the simulator (avatars); scripts and calls stay with us.
    pictures = f"'self' data: https: {base.scheme}://{base.netloc} {settings.simulator_url}"

    async def shop(request: Request) -> Response:
        """Show the shop, in the language asked for by ?lang or else by the browser."""
        if request.url.hostname == "localhost" and base.hostname == "127.0.0.1":
            # WeChat's pages send people back to the base address; a session lives at one origin.
            return RedirectResponse(str(request.url.replace(hostname="127.0.0.1")))
        asked = request.query_params.get("lang")
        language = preferred_language(asked or request.headers.get("accept-language"))
        return page(_shell(language), pictures=pictures.strip())

    return shop


@cache
def _shell(language: Language) -> str:
    return _SHELL.read_text(encoding="utf-8").format(**_WORDS[language])
