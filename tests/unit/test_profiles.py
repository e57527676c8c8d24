"""Nicknames and birthdays."""

from datetime import date

import pytest

from domain.errors import InvalidInput
from domain.profiles import UnderAge, check_birthday, parse_nickname

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("小明", "小明"),
        ("  小   明\n", "小 明"),
        ("👨‍👩‍👧 一家三口", "👨‍👩‍👧 一家三口"),
        ("é" * 20, "é" * 20),
        ("字" * 20, "字" * 20),
        ("❤️" * 20, "❤️" * 20),
    ],
)
def test_a_nickname_has_1_to_20_visible_characters(text: str, kept: str) -> None:
    assert parse_nickname(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "字" * 21,
        "字" * 10_000,
        "a\x00b",
        "evil\u202etxt",
        "\u200b",
        "\u3164",
        "\u200d\u200d",
        "\ud800",
        "e" + "\u0301" * 100,
    ],
)
def test_other_nicknames_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_nickname(text, "nickname")
    assert refused.value.path == ("nickname",)


def test_a_member_is_14_on_their_birthday() -> None:
    check_birthday(date(2012, 11, 22), today=TODAY, minimum_age=14)
    with pytest.raises(UnderAge) as refused:
        check_birthday(date(2012, 11, 23), today=TODAY, minimum_age=14)
    assert refused.value.path == ("birthday",)


@pytest.mark.parametrize("birthday", [date(2026, 11, 23), date(9999, 12, 31), date(1905, 11, 22)])
def test_a_birthday_lies_behind_us_and_within_a_life(birthday: date) -> None:
    with pytest.raises(InvalidInput):
        check_birthday(birthday, today=TODAY, minimum_age=14)
    check_birthday(date(1905, 11, 23), today=TODAY, minimum_age=14)
