"""The size of a picture out of its header, and whether it came whole."""

import struct

import pytest

from domain.images import MAX_SIDE, content_type_of, read_size
from tests.support.pictures import jpeg, png, webp

VP8 = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8 " + bytes(4) + bytes(3) + b"\x9d\x01\x2a"
LOSSLESS = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8L" + bytes(4) + b"\x2f"


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (png(640, 480), "image/png"),
        (png(640, 480, filler=5_000), "image/png"),
        (jpeg(640, 480), "image/jpeg"),
        (jpeg(640, 480, before=b"\xff\xe1\x00\x06Exif"), "image/jpeg"),
        (jpeg(640, 480) + b"some phones add a film here", "image/jpeg"),
        (webp(640, 480), "image/webp"),
        (VP8 + struct.pack("<HH", 640, 480), "image/webp"),
        (LOSSLESS + struct.pack("<I", 639 | 479 << 14) + bytes(5), "image/webp"),
    ],
)
def test_the_size_stands_in_the_header(data: bytes, content_type: str) -> None:
    assert content_type_of(data) == content_type
    assert read_size(data, content_type) == (640, 480)


@pytest.mark.parametrize(
    ("data", "content_type"), [(png(), "image/png"), (jpeg(), "image/jpeg"), (webp(), "image/webp")]
)
def test_a_file_that_was_cut_off_is_no_picture(data: bytes, content_type: str) -> None:
    assert read_size(data, content_type) == (4, 3)
    for length in range(len(data) - 1):
        assert read_size(data[:length], content_type) is None


@pytest.mark.parametrize("size", [(0, 3), (4, 0), (MAX_SIDE + 1, 1), (9_000, 9_000)])
def test_a_picture_has_a_size_that_a_phone_can_show(size: tuple[int, int]) -> None:
    assert read_size(jpeg(*size), "image/jpeg") is None


def test_another_type_than_said_is_no_picture() -> None:
    assert read_size(png(), "image/jpeg") is None
    assert read_size(jpeg(), "image/webp") is None
    assert read_size(webp(), "image/png") is None
    assert read_size(png(), "image/svg+xml") is None
    assert content_type_of(b"<svg xmlns='http://www.w3.org/2000/svg'/>") is None
    assert content_type_of(b"") is None


def test_segments_without_an_end_do_not_hang() -> None:
    assert read_size(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1_000, "image/jpeg") is None
    assert read_size(b"\xff\xd8" + b"\xff" * 10_000, "image/jpeg") is None
    assert read_size(b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + bytes(10_000), "image/png") is None
