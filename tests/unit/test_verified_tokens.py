"""Tokens that were checked once are known until they end, in bounded memory."""

from datetime import UTC, datetime, timedelta

import pytest

from api.auth import VerifiedTokens
from gateways.tokens import AccessClaims
from models.ids import new_id

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CLAIMS = AccessClaims(new_id(), new_id(), NOW + timedelta(hours=2))


def test_a_token_is_known_until_the_instant_it_ends() -> None:
    verified = VerifiedTokens()
    assert verified.find("token", now=NOW) is None
    verified.remember("token", CLAIMS)
    assert verified.find("token", now=NOW) is CLAIMS
    assert verified.find("token", now=CLAIMS.expires_at - timedelta(microseconds=1)) is CLAIMS
    assert verified.find("token", now=CLAIMS.expires_at) is None
    assert verified.find("Token", now=NOW) is None


def test_a_flood_of_tokens_forgets_those_that_nobody_sends() -> None:
    verified = VerifiedTokens(limit=10)
    verified.remember("busy", CLAIMS)
    verified.remember("quiet", CLAIMS)
    for number in range(1_000):
        verified.remember(f"flood {number}", CLAIMS)
        assert verified.find("busy", now=NOW) is CLAIMS
        assert len(verified) <= 20
    assert verified.find("quiet", now=NOW) is None
    assert verified.find("flood 999", now=NOW) is CLAIMS


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_small_memories_hold_too(limit: int) -> None:
    verified = VerifiedTokens(limit=limit)
    for _ in range(3):
        for number in range(10):
            verified.remember(str(number), CLAIMS)
            assert verified.find(str(number), now=NOW) is CLAIMS
            assert len(verified) <= 2 * limit
