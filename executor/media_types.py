"""Which media types a request brings and takes, by GraphQL over HTTP and RFC 9110."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
RESPONSE_JSON: Final = "application/graphql-response+json"

_UNDERSTOOD = {b"application/json", b"application/json; charset=utf-8"}
_RANGES = {
    RESPONSE_JSON: (RESPONSE_JSON, "application/*", "*/*"),
    JSON: (JSON, "application/*", "*/*"),
}
"""What an Accept header may call each type, the most specific name first."""


def is_json(content_type: bytes) -> bool:
    """Tell whether a body of this content type is read: JSON in UTF-8.

    Only this type: a page of another site can make a browser send forms and plain text with a
    member's cookies, but for JSON the browser asks us first, and we don't allow it.
    """
    if content_type in _UNDERSTOOD:
        return True
    kind, *parameters = content_type.decode("latin-1").lower().split(";")
    if kind.strip() != JSON:
        return False
    charsets = [
        value.strip(' "')
        for name, _, value in (parameter.partition("=") for parameter in parameters)
        if name.strip() == "charset"
    ]
    return all(charset in ("utf-8", "utf8") for charset in charsets)


@lru_cache(maxsize=256)
def answer_type(accept: bytes) -> str | None:
    """Choose an answer's media type (RFC 9110, 12.5.1); None when the client takes neither.

    Who doesn't tell, or takes anything, gets JSON as older clients expect it. Of two that are
    wanted alike, the one that is named first.
    """
    ranges = _ranges(accept.decode("latin-1").lower())
    if not ranges:
        return JSON
    best, chosen = (0.0, 0, 0), None
    for media_type in (JSON, RESPONSE_JSON):
        for rank, name in enumerate(_RANGES[media_type]):
            if name in ranges:
                quality, position = ranges[name]
                wanted = (quality, -rank, -position)
                if quality > 0 and (chosen is None or wanted > best):
                    best, chosen = wanted, media_type
                break  # A more specific name takes precedence over a wider one.
    return chosen


def _ranges(accept: str) -> dict[str, tuple[float, int]]:
    """Return each media range's quality, 0 to 1, and its place in the header."""
    ranges: dict[str, tuple[float, int]] = {}
    for position, item in enumerate(accept.split(",")):
        name, *parameters = item.split(";")
        if name.strip():
            ranges.setdefault(name.strip(), (_quality(parameters), position))
    return ranges


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
