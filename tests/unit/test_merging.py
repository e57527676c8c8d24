"""When two members are one person, and the tier that is left."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.merging import Standing, Ties, may_be_one, merged_tier
from domain.rules import Rules

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
REVIEW_AT = NOW + timedelta(days=365)
LONG_AGO = NOW - timedelta(days=100)

PHONE_ONLY = Ties()
MINI = Ties.of([("wx-mini", "u1")])
MINI_WITHOUT_UNIONID = Ties.of([("wx-mini", None)])
OFFICIAL = Ties.of([("wx-official", "u1")])
OFFICIAL_OF_ANOTHER = Ties.of([("wx-official", "u2")])
OFFICIAL_WITHOUT_UNIONID = Ties.of([("wx-official", None)])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (PHONE_ONLY, PHONE_ONLY, True),
        (PHONE_ONLY, MINI, True),
        (MINI, OFFICIAL, True),
        (MINI, OFFICIAL_WITHOUT_UNIONID, True),
        (MINI_WITHOUT_UNIONID, OFFICIAL_WITHOUT_UNIONID, True),
        (MINI, OFFICIAL_OF_ANOTHER, False),
        (MINI, MINI, False),
        (MINI, MINI_WITHOUT_UNIONID, False),
    ],
)
def test_two_members_may_be_one_person(first: Ties, second: Ties, *, expected: bool) -> None:
    assert may_be_one(first, second) is expected
    assert may_be_one(second, first) is expected


def _standing(code: str, since: datetime = LONG_AGO) -> Standing:
    return Standing(code, since, None if code == "REGULAR" else since + timedelta(days=365))


@pytest.mark.parametrize(
    ("survivor", "loser", "growth", "expected"),
    [
        (_standing("REGULAR"), _standing("REGULAR"), 2_999, _standing("REGULAR")),
        (_standing("REGULAR"), _standing("REGULAR"), 3_000, Standing("SILVER", NOW, REVIEW_AT)),
        (_standing("SILVER"), _standing("REGULAR"), 6_000, Standing("GOLD", NOW, REVIEW_AT)),
        (_standing("REGULAR"), _standing("GOLD"), 100, _standing("GOLD")),
        (_standing("GOLD"), _standing("SILVER"), 0, _standing("GOLD")),
        (_standing("SILVER"), _standing("SILVER", NOW), 3_500, _standing("SILVER")),
    ],
)
def test_merged_tier(survivor: Standing, loser: Standing, growth: int, expected: Standing) -> None:
    tier = merged_tier(survivor, loser, growth=growth, rules=Rules(), now=NOW, review_at=REVIEW_AT)
    assert tier == expected
