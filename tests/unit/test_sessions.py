"""Refresh tokens and what a presented one deserves."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sessions import (
    RefreshClaim,
    RefreshVerdict,
    SessionState,
    judge_refresh,
    read_refresh_token,
    write_refresh_token,
)

KEY, OLD_KEY, FOREIGN_KEY = b"k" * 32, b"o" * 32, b"f" * 32
CLAIM = RefreshClaim(UUID("01890a5d-ac96-774b-bcce-b302099a8057"), 7)
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@given(st.uuids(), st.integers(0, 2**31 - 1))
def test_refresh_token_is_read_as_it_was_written(session_id: UUID, generation: int) -> None:
    claim = RefreshClaim(session_id, generation)
    token = write_refresh_token(claim, KEY)
    assert token == write_refresh_token(claim, KEY)
    assert read_refresh_token(token, [KEY]) == claim


def test_refresh_token_of_the_previous_key_is_read() -> None:
    assert read_refresh_token(write_refresh_token(CLAIM, OLD_KEY), [KEY, OLD_KEY]) == CLAIM


def test_refresh_token_of_a_foreign_key_is_not_ours() -> None:
    assert read_refresh_token(write_refresh_token(CLAIM, FOREIGN_KEY), [KEY, OLD_KEY]) is None


@given(st.integers(0, 68), st.sampled_from("AZaz09-_."))
def test_refresh_token_with_one_character_changed_is_not_ours(place: int, other: str) -> None:
    token = write_refresh_token(CLAIM, KEY)
    changed = token[:place] + other + token[place + 1 :]
    assert read_refresh_token(changed, [KEY]) == (CLAIM if changed == token else None)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "令.1.牌", "x" * 129, "\x00.1.\x00", "AAAA.1." + "A" * 43]
)
def test_garbage_is_no_refresh_token(text: str) -> None:
    assert read_refresh_token(text, [KEY]) is None


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert read_refresh_token(text, [KEY]) is None


def _state(**changes: object) -> SessionState:
    facts: dict[str, object] = {
        "generation": 7,
        "rotated_at": NOW,
        "expires_at": NOW + timedelta(days=30),
        "revoked_at": None,
    }
    return SessionState(**{**facts, **changes})  # type: ignore[arg-type]  # Built from literals.


@pytest.mark.parametrize(
    ("generation", "seconds", "verdict"),
    [
        (7, 0, RefreshVerdict.ROTATE),
        (7, 29 * 86_400, RefreshVerdict.ROTATE),
        (6, 0, RefreshVerdict.REPEAT),
        (6, 60, RefreshVerdict.REPEAT),
        (6, 61, RefreshVerdict.REVOKE),
        (5, 0, RefreshVerdict.REVOKE),
        (0, 0, RefreshVerdict.REVOKE),
        (8, 0, RefreshVerdict.REFUSE),
        (7, 30 * 86_400, RefreshVerdict.REFUSE),
        (6, 30 * 86_400, RefreshVerdict.REFUSE),
    ],
)
def test_refresh_verdict(generation: int, seconds: int, verdict: RefreshVerdict) -> None:
    assert judge_refresh(_state(), generation, now=NOW + timedelta(seconds=seconds)) is verdict


def test_nothing_refreshes_a_revoked_session() -> None:
    state = _state(revoked_at=NOW)
    assert judge_refresh(state, 7, now=NOW) is RefreshVerdict.REFUSE
    assert judge_refresh(state, 6, now=NOW) is RefreshVerdict.REFUSE
