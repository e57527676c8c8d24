"""The frame of JPEG, PNG and WebP files: how large a picture is, and whether it came whole.

Only headers are read, never pixels: decoding what strangers send is where decoders break.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

MAX_SIDE = 12_000
MAX_PIXELS = 60_000_000
"""Above what phones take; a file of some kilobytes can claim gigapixels and stop a viewer."""

Size = tuple[int, int]

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's start-of-frame markers; the three left out are tables."""
_SCAN = 0xDA
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG's markers without a length."""


def read_size(data: bytes, content_type: str) -> Size | None:
    """Return width and height of a whole file; None when it is broken, cut off, or too large."""
    read = _READERS.get(content_type)
    size = read(data) if read else None
    if size is None:
        return None
    width, height = size
    fits = 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS
    return size if fits else None


def content_type_of(data: bytes) -> str | None:
    """Return what the first bytes say the file is; None for what we don't take."""
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(_JPEG_START):
        return "image/jpeg"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _png_size(data: bytes) -> Size | None:
    if not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return None
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"IEND":
            return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
        at = end
    return None


def _jpeg_size(data: bytes) -> Size | None:
    """Walk the segments up to the first scan; the end marker must follow it."""
    if not data.startswith(_JPEG_START):
        return None
    size: Size | None = None
    at = len(_JPEG_START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            size = int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        if marker == _SCAN:
            return size if data.rfind(_JPEG_END) > at else None
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    return None


def _webp_size(data: bytes) -> Size | None:
    is_whole = len(data) >= 30 and int.from_bytes(data[4:8], "little") + 8 <= len(data)
    if not is_whole or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return width, height
    return None


_READERS: Mapping[str, Callable[[bytes], Size | None]] = MappingProxyType(
    {"image/jpeg": _jpeg_size, "image/png": _png_size, "image/webp": _webp_size}
)
