"""The frame of every page, and escaping; there are no assets beyond this package."""

from html import escape
from importlib.resources import files
from typing import Any

STYLE = files("wxsim").joinpath("static/style.css").read_text(encoding="utf-8")
SCRIPT = files("wxsim").joinpath("static/live.js").read_text(encoding="utf-8")


def e(value: Any) -> str:
    """Any value as text that is safe in HTML and in quoted attributes."""
    return escape(str(value), quote=True)


def yuan(fen: int) -> str:
    """An amount of fen as people read it."""
    return f"¥{fen // 100}.{fen % 100:02d}"


def document(title: str, body: str, *, live: bool = False) -> str:
    """A whole page; a live one refreshes itself and has working buttons."""
    script = f"<script>{SCRIPT}</script>" if live else ""
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{e(title)}</title>'
        '<link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body>{body}{script}</body></html>"
    )


def message(title: str, text: str, mood: str = "") -> str:
    """A page that says one thing."""
    return document(
        title,
        f'<main class="single"><section class="card {e(mood)}"><h1>{e(title)}</h1>'
        f"<p>{e(text)}</p></section></main>",
    )
