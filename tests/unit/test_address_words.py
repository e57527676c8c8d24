"""What is printed on a parcel's label."""

import pytest

from domain.addresses import parse_contact_phone, parse_detail, parse_name, parse_region_name
from domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("13800138000", "13800138000"),
        ("+86 138-0013-8000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("010-62345678", "010-62345678"),
        ("0769 22345678", "0769-22345678"),
        ("021-62345678-801", "021-62345678-801"),
        ("400-123-4567", "4001234567"),
        ("+852 9123 4567", "+85291234567"),
        ("+853 6612 3456", "+85366123456"),
        ("+886 912 345 678", "+886912345678"),
    ],
)
def test_a_courier_can_ring_it(text: str, kept: str) -> None:
    assert parse_contact_phone(text, "phone") == kept


@pytest.mark.parametrize(
    "text", ["", "123", "12800138000", "+1 212 555 0100", "1380013800x", "1" * 10_000, "138\x0000"]
)
def test_it_cannot_be_rung(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_contact_phone(text, "phone")
    assert refused.value.path == ("phone",)


def test_texts_are_printable_and_short() -> None:
    assert parse_name("  张 三 ", "name") == "张 三"
    assert parse_name("𠮷野" * 15, "name") == "𠮷野" * 15
    assert parse_detail("世纪大道\n100 号", "detail") == "世纪大道 100 号"
    assert parse_detail("号" * 120, "detail") == "号" * 120
    for text in ("", " \t", "三" * 31, "三" * 10_000, "张\x00三", "张\u202e三", "\ud83d"):
        with pytest.raises(InvalidInput):
            parse_name(text, "name")
    for text in ("", "号" * 121, "号" * 100_000, "a\x07"):
        with pytest.raises(InvalidInput):
            parse_detail(text, "detail")
    assert parse_region_name("上海市", "province") == "上海市"
    for text in ("市" * 65, "上海\x00市"):
        with pytest.raises(InvalidInput):
            parse_region_name(text, "province")
