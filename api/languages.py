"""The language that a request is answered in."""

from __future__ import annotations

from functools import lru_cache

from executor.asgi import Headers
from resolvers.common.messages import Language, preferred_language

MAX_BYTES = 512
"""What stands beyond in an Accept-Language header is not read."""


def language_of(headers: Headers) -> Language:
    """Return the language of an answer: Chinese, unless the caller prefers English."""
    return _language(headers.get(b"accept-language", b"")[:MAX_BYTES])


@lru_cache(maxsize=1_024)
def _language(accept_language: bytes) -> Language:
    return preferred_language(accept_language.decode("latin-1"))
