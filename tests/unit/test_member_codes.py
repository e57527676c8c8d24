"""The code at the till: good for its minute and the next, for one member alone."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.member_codes import code_of, read_code

NOW = datetime(2026, 11, 22, 4, 0, 59, 999_999, tzinfo=UTC)
NUMBER = "812345678901"


def digest(text: str) -> bytes:
    return hmac.digest(b"key", text.encode(), "sha256")


def test_it_is_taken_until_the_next_minute_is_over() -> None:
    text, expires_at = code_of(NUMBER, NOW, digest)
    assert len(text) == 18
    assert expires_at == datetime(2026, 11, 22, 4, 2, tzinfo=UTC)
    last = expires_at - timedelta(microseconds=1)
    assert [read_code(text, at, digest) for at in (NOW, last, expires_at)] == [
        NUMBER,
        NUMBER,
        None,
    ]
    assert read_code(text, NOW - timedelta(minutes=1), digest) is None


def test_it_changes_every_minute_and_with_the_key() -> None:
    codes = {code_of(NUMBER, NOW + timedelta(minutes=n), digest)[0] for n in range(30)}
    assert len(codes) == 30
    text, _ = code_of(NUMBER, NOW, digest)
    assert read_code(text, NOW, lambda shown: digest(shown + "!")) is None


def test_spaces_of_a_scanner_don_t_matter_and_other_digits_do() -> None:
    text, _ = code_of(NUMBER, NOW, digest)
    assert read_code(f"{text[:6]} {text[6:12]} {text[12:]}", NOW, digest) == NUMBER
    assert read_code("9" + text[1:], NOW, digest) is None
    for wrong in ("", text[:-1], text + "0", text.replace(text[0], "x"), "１" * 18):
        assert read_code(wrong, NOW, digest) is None


@given(
    st.text(alphabet="0123456789", min_size=12, max_size=12),
    st.integers(0, 100 * 366 * 86_400),
)
def test_every_member_is_read_as_they_were_shown(number: str, seconds: int) -> None:
    shown_at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    text, _ = code_of(number, shown_at, digest)
    assert read_code(text, shown_at + timedelta(seconds=60), digest) == number
