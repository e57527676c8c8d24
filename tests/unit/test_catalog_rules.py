"""Pure rules of the catalogue: stock levels, labels, options, scene codes, words, rich text."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import (
    ProductLabel,
    StockLevel,
    product_labels,
    product_options,
    stock_level,
    variant_name,
)
from domain.members import SceneKind
from domain.rules import CatalogRules
from domain.scenes import read_target_scene_code, target_scene_code
from services.product_search import KeywordTooLong, plain, read_keyword
from services.rich_text import MAX_LENGTH, clean_html

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("available", "level"),
    [(-1, "OUT"), (0, "OUT"), (1, "LOW"), (10, "LOW"), (11, "IN_STOCK"), (2**53, "IN_STOCK")],
)
def test_stock_levels(available: int, level: str) -> None:
    assert stock_level(available, CatalogRules()) is StockLevel(level)


def labels(**facts: object) -> list[ProductLabel]:
    given_facts = {
        "published_at": NOW - timedelta(days=100),
        "sold": 0,
        "has_member_price": False,
        "has_limited_time_price": False,
        "is_limited": False,
        "rules": CatalogRules(),
        "now": NOW,
        **facts,
    }
    return product_labels(**given_facts)  # type: ignore[arg-type]


def test_labels_in_their_order() -> None:
    assert labels() == []
    assert labels(
        published_at=NOW,
        sold=100,
        has_member_price=True,
        has_limited_time_price=True,
        is_limited=True,
    ) == [
        ProductLabel.LIMITED_TIME,
        ProductLabel.MEMBER_PRICE,
        ProductLabel.NEW,
        ProductLabel.BEST_SELLER,
        ProductLabel.PURCHASE_LIMIT,
    ]


def test_a_product_is_new_for_thirty_days_and_sells_best_from_a_hundred() -> None:
    assert labels(published_at=NOW - timedelta(days=30)) == [ProductLabel.NEW]
    assert labels(published_at=NOW - timedelta(days=30, microseconds=1)) == []
    assert labels(published_at=NOW + timedelta(seconds=1)) == []
    assert labels(sold=99) == []
    assert labels(sold=0, rules=CatalogRules(best_seller_pieces=0)) == []


def test_options_stand_in_the_order_they_first_appear() -> None:
    variants: list[tuple[dict[str, str], str | None]] = [
        ({"颜色": "白", "尺码": "M"}, None),
        ({"颜色": "黑", "尺码": "M"}, "black.png"),
        ({"颜色": "白", "尺码": "L"}, "white.png"),
        ({"颜色": "黑", "尺码": "L"}, "other.png"),
    ]
    assert product_options(variants) == [
        {
            "name": "颜色",
            "values": [
                {"value": "白", "image_url": "white.png"},
                {"value": "黑", "image_url": "black.png"},
            ],
        },
        {
            "name": "尺码",
            "values": [{"value": "M", "image_url": None}, {"value": "L", "image_url": None}],
        },
    ]
    assert product_options([({}, None)]) == []


def test_a_variant_is_named_by_its_options() -> None:
    assert variant_name([]) == ""
    assert (
        variant_name([{"name": "颜色", "value": "白"}, {"name": "尺码", "value": "M"}]) == "白 / M"
    )


@given(
    st.uuids(),
    st.sampled_from([SceneKind.PRODUCT, SceneKind.STORE, SceneKind.COUPON_CAMPAIGN]),
)
def test_scene_codes_are_read_back(target: UUID, kind: SceneKind) -> None:
    code = target_scene_code(kind, target)
    assert read_target_scene_code(code) == (kind, target)
    assert len(code) == 23
    assert code.isalnum()


@given(st.text(max_size=40))
def test_other_texts_are_no_scene_codes(text: str) -> None:
    found = read_target_scene_code(text)
    assert found is None or target_scene_code(*found) == text


@pytest.mark.parametrize(
    "code", ["", "p", "p" + "z" * 22, "x" + "0" * 22, "p" + "0" * 23, "p" + "-" * 22]
)
def test_what_is_no_scene_code(code: str) -> None:
    assert read_target_scene_code(code) is None


def test_keywords_become_patterns() -> None:
    found = read_keyword(" Ａ_b　100% \\苹果 ")
    assert found is not None
    assert found.text == "a_b 100% \\苹果"
    assert found.patterns == ("%a\\_b%", "%100\\%%", "%\\\\苹果%")
    assert read_keyword(" \x00　\n") is None
    assert read_keyword("a" * 64) is not None
    with pytest.raises(KeywordTooLong):
        read_keyword("a" * 65)


@given(st.text())
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<p>好吃</p>", "<p>好吃</p>"),
        ("<script>alert(1)</script>a", "a"),
        ('<p onclick="x()" class="c" id="i">a</p>', "<p>a</p>"),
        ('<a href="https://a.example">b</a>', "b"),
        ('<img src="https://a.example/b.png" onerror="x">', '<img src="https://a.example/b.png">'),
        ('<img src="http://a.example/b.png">', "<img>"),
        ('<img src="javascript:x"><img src="/a.png">', "<img><img>"),
        ('<p style="color:red;position:fixed">a</p>', '<p style="color:red">a</p>'),
        ("<iframe src=https://a.example></iframe><video></video>", ""),
        ('<td colspan="2">a</td>', "a"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("<p>未关闭", "<p>未关闭</p>"),
        ("<!-- x -->a", "a"),
    ],
)
def test_rich_text_keeps_what_the_component_shows(html: str, cleaned: str) -> None:
    assert clean_html(html) == cleaned
    assert clean_html(cleaned) == cleaned


def test_rich_text_is_bounded() -> None:
    assert clean_html("a" * MAX_LENGTH) == "a" * MAX_LENGTH
    with pytest.raises(ValueError, match="at most 100000 characters"):
        clean_html("a" * (MAX_LENGTH + 1))
