"""Cursors: what we gave comes back as it was; what anybody made up is refused by name."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.pages import PageRequestInvalid, encode_cursor, page_request

AN_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
KINDS = (bool, int, str, datetime, UUID)
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SOUND: list[Any] = [True, 7, "店", NOW.isoformat(), str(AN_ID)]


def made_up(values: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def test_a_cursor_comes_back_as_it_was() -> None:
    row = (True, 7, "店", NOW, AN_ID)
    assert page_request(20, encode_cursor(row), *KINDS).after == row


def test_a_time_comes_back_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=8)))
    [found] = page_request(20, made_up([there.isoformat()]), datetime).after or ()
    assert (found, found.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 1),
        (0, None),
        (1, True),
        (1, 1.5),
        (1, "7"),
        (1, 2**63),
        (1, -(2**63)),
        (2, 1),
        (2, "a\x00b"),
        (3, 1),
        (3, []),
        (3, "2026-11-22T04:00:00"),
        (3, "0001-01-01T00:00:00+14:00"),
        (3, "9999-12-31T23:59:59-14:00"),
        (4, 1),
        (4, {}),
        (4, "x"),
    ],
)
def test_a_made_up_value_is_refused(place: int, value: Any) -> None:
    values = [*SOUND[:place], value, *SOUND[place + 1 :]]
    with pytest.raises(PageRequestInvalid, match="after: this is no cursor of this list"):
        page_request(20, made_up(values), *KINDS)


@pytest.mark.parametrize(
    "cursor",
    ["", "!", "é", "a", "bm9uZQ", made_up({}), made_up([]), made_up(SOUND[:4]), "W" * 9_999],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(PageRequestInvalid):
        page_request(20, cursor, *KINDS)


@pytest.mark.parametrize("first", [0, -1, 101, 2**31])
def test_first_has_bounds(first: int) -> None:
    with pytest.raises(PageRequestInvalid, match="first: 1 to 100 is expected"):
        page_request(first, None)
