"""Every message a quote can carry reads in both languages, with the facts it is given."""

from string import Formatter

import pytest

from domain.pricing import quote, texts
from domain.pricing.results import Facts
from resolvers.common.messages import chinese, translate
from tests.unit.pricing.cases import (
    buyer,
    coupon,
    line,
    reduction,
    request,
    shipping_coupon,
    three_at_80,
)

MESSAGES = {name: text for name, text in vars(texts).items() if name.isupper()}
NAMES = {"tier_en": "tier", "coupon_en": "coupon"}
"""What has a name of its own in each language."""


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_each_message_has_a_chinese_text_with_the_same_facts(name: str) -> None:
    english = MESSAGES[name]
    translated = chinese()[english]
    facts = placeholders(english)
    assert placeholders(translated) <= facts | {NAMES[name] for name in facts & set(NAMES)}


def test_titles_reasons_hints_and_problems_render_with_their_facts() -> None:
    priced = quote(
        request(
            line(1, 5_000, 2),
            buyer=buyer("SILVER", points=10),
            promotions=(reduction(70, (12_000, 1_500)), three_at_80(60)),
            coupons=(
                coupon(30, 500, title_en="Coupon 30"),
                coupon(31, 1_500, min_spend_fen=10_000),
                shipping_coupon(32, min_pieces=3),
            ),
            use=[30],
            points_to_spend=11,
        )
    )

    def shown(message: str, facts: Facts) -> tuple[str, str]:
        return translate(message, "zh", **facts), translate(message, "en", **facts)

    assert [shown(each.title, each.facts) for each in priced.discounts] == [
        ("银卡会员价", "Silver member price"),
        ("券30", "Coupon 30"),
    ]
    assert [shown(each.message, each.facts) for each in priced.hints] == [
        ("再买 1 件享3件8折", "Add 1 more for 3件8折."),
        (
            "再买 ¥22.00 可享满 ¥120.00 减 ¥15.00",
            "Spend ¥22.00 more to get ¥15.00 off from ¥120.00.",
        ),
        ("再买 ¥2.00 可用券31", "Spend ¥2.00 more to use 券31."),
        ("再买 1 件可用券32", "Add 1 more to use 券32."),
        ("再买 ¥6.00 包邮", "Spend ¥6.00 more for free shipping."),
    ]
    assert [shown(each.reason, each.facts) for each in priced.unusable_coupons] == [
        (
            "再买 ¥2.00 适用商品即可使用。",
            "Spend ¥2.00 more on goods that this coupon covers.",
        ),
        ("再买 1 件适用商品即可使用。", "Add 1 more of the goods that this coupon covers."),
    ]
    assert [shown(each.message, each.facts) for each in priced.problems] == [
        ("您只有 10 积分。", "You have 10 points."),
    ]
