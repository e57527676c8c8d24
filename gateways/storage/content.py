"""What a file really is, whatever it was said to be."""

from __future__ import annotations

import re

import filetype

from domain.uploads import EXTENSIONS, ContentRejected

HEAD_BYTES = 262
"""What `filetype` looks at."""

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*\.(?:jpg|png|webp)")


def check_content(head: bytes, content_type: str) -> None:
    """Refuse a file whose first bytes are not of the announced type.

    Raises:
        ContentRejected: they are of another, or of none that we take.
    """
    if content_type not in EXTENSIONS or filetype.guess_mime(head) != content_type:
        raise ContentRejected


def is_key(text: str) -> bool:
    """Tell whether a text is a key as we make them: folders of small letters, and a picture."""
    return len(text) <= 200 and _KEY.fullmatch(text) is not None
