"""Mobile numbers of mainland China."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ErrorCode, InvalidInput
from domain.phones import masked, parse_phone


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "+86 138 0013 8000",
        "138-0013-8000",
        " (138) 00138000 ",
        "＋８６１３８００１３８０００",
    ],
)
def test_a_number_is_read_however_it_is_written(text: str) -> None:
    assert parse_phone(text, "phone") == "13800138000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12800138000",
        "1380013800",
        "138001380000",
        "+85291234567",
        "+1 415 555 0100",
        "010-65551234",
        "1380013800a",
        "13800138000 " * 3,
        "१३८००१३८०००x",
        "\x00" * 11,
        "+86+8613800138000",
    ],
)
def test_other_numbers_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_phone(text, "phone")
    assert (refusal.value.code, refusal.value.path) == (ErrorCode.INVALID_INPUT, ("phone",))


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        phone = parse_phone(text)
    except InvalidInput:
        return
    assert len(phone) == 11
    assert phone.isascii()


def test_masking_shows_three_and_four_digits() -> None:
    assert masked("13812345678") == "138****5678"
