"""Small pictures without a library: spans of colour on rows, written as PNG (RFC 2083).

WeChat's share cards take PNG and JPEG, and no SVG; a library for a few placeholders is too much.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

WIDTH, HEIGHT = 500, 400
"""5:4, as share cards want it."""

Colour = tuple[int, int, int]
Span = tuple[float, float]
_BORDERS = 2


class Shape(Protocol):
    """Anything that can say which part of a row it covers."""

    def spans(self, y: float) -> Iterable[Span]:
        """Return from where to where the row at height `y` is covered, in pixels."""


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse by its centre and radii; what lies above `from_y` is cut off."""

    x: float
    y: float
    rx: float
    ry: float
    from_y: float = 0

    def spans(self, y: float) -> Iterable[Span]:
        """Return the chord at that height."""
        height = (y - self.y) / self.ry
        if abs(height) >= 1 or y < self.from_y:
            return ()
        half = self.rx * sqrt(1 - height * height)
        return ((self.x - half, self.x + half),)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its left upper corner and size, its corners rounded."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 0

    def spans(self, y: float) -> Iterable[Span]:
        """Return the row of the rectangle, shorter where a corner is round."""
        inside = min(y - self.y, self.y + self.height - y)
        if inside <= 0:
            return ()
        cut = 0.0
        if inside < self.radius:
            cut = self.radius - sqrt(self.radius**2 - (self.radius - inside) ** 2)
        return ((self.x + cut, self.x + self.width - cut),)


@dataclass(frozen=True, slots=True)
class Polygon:
    """A polygon by its corners; inside by the even-odd rule."""

    corners: Sequence[tuple[float, float]]

    def spans(self, y: float) -> Iterable[Span]:
        """Return the parts between the edges crossed, in pairs."""
        crossings = sorted(
            x1 + (y - y1) * (x2 - x1) / (y2 - y1)
            for (x1, y1), (x2, y2) in zip(
                self.corners, (*self.corners[1:], self.corners[0]), strict=True
            )
            if (y1 <= y) != (y2 <= y)
        )
        return zip(crossings[::2], crossings[1::2], strict=True)


def draw(top: Colour, bottom: Colour, shapes: Sequence[tuple[Colour, Shape]]) -> bytes:
    """Return a PNG of shapes, the later over the earlier, on a ground that fades downwards."""
    raw = bytearray()
    for row_number in range(HEIGHT):
        y = row_number + 0.5
        row = bytearray(bytes(_mix(top, bottom, row_number / HEIGHT)) * WIDTH)
        for colour, shape in shapes:
            for span in shape.spans(y):
                _fill(row, colour, span)
        raw += b"\0"  # No filter: rows of few colours pack well as they are.
        raw += row
    return _png(bytes(raw))


def _fill(row: bytearray, colour: Colour, span: Span) -> None:
    """Colour a span; the pixels at its ends take a share, which smooths the edge."""
    start, end = max(span[0], 0.0), min(span[1], float(WIDTH))
    if end - start < _BORDERS:
        return
    first, last = int(start), int(end)
    row[3 * (first + 1) : 3 * last] = bytes(colour) * (last - first - 1)
    for place, share in ((first, first + 1 - start), (last, end - last)):
        if place < WIDTH:
            under = (row[3 * place], row[3 * place + 1], row[3 * place + 2])
            row[3 * place : 3 * place + 3] = bytes(_mix(under, colour, share))


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _png(raw: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(raw, 6)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
