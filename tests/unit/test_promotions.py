"""When promotions run and for whom, what may be published, what a page makes of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.pricing import (
    FullReduction,
    LimitedTimePrice,
    Line,
    Promotion,
    QuantityDiscount,
    QuantityRule,
    Rung,
    Scope,
    ScopeKind,
    selling_price,
)
from domain.promotions import (
    KINDS,
    Scheduled,
    TierOffers,
    Timetable,
    check,
    could_meet,
    promotion_from_json,
    terms_to_json,
)
from domain.rules import TierRules
from tests.factories.promotions import a_discount, a_reduction, a_share, prices, scheduled
from tests.factories.shop import NOW

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
IDS = [UUID(int=number) for number in range(1, 7)]
ids = st.sampled_from(IDS)
scopes = st.one_of(
    st.just(Scope()),
    st.builds(
        Scope,
        st.sampled_from([ScopeKind.PRODUCTS, ScopeKind.CATEGORIES]),
        st.frozensets(ids, min_size=1),
    ),
)
bps = st.integers(0, 10_000)
amounts = st.integers(0, 10_000)
limited = st.one_of(
    st.builds(LimitedTimePrice, id=st.uuids(), title=st.text(), pay_bps=bps, scope=scopes),
    st.builds(
        LimitedTimePrice,
        id=st.uuids(),
        title=st.text(),
        price_fen_by_sku=st.dictionaries(ids, amounts, min_size=1),
    ),
)
promotions = st.one_of(
    limited,
    st.builds(
        QuantityDiscount,
        id=st.uuids(),
        title=st.text(),
        rule=st.sampled_from(QuantityRule),
        pieces=st.integers(1, 9),
        pay_bps=bps,
        scope=scopes,
    ),
    st.builds(
        FullReduction,
        id=st.uuids(),
        title=st.text(),
        rungs=st.lists(st.builds(Rung, amounts, amounts)).map(tuple),
        scope=scopes,
    ),
)


@given(promotions)
def test_what_is_stored_is_read_back(promotion: Promotion) -> None:
    read = promotion_from_json(
        KINDS[type(promotion)],
        promotion.id,
        promotion.title,
        promotion.scope,
        terms_to_json(promotion),
    )
    assert read == promotion


def test_a_window_holds_its_first_instant_and_not_its_last() -> None:
    timetable = Timetable([scheduled(a_share(9_000), starts_at=NOW, ends_at=NOW + HOUR)])
    counts = [
        len(timetable.at(instant).of_tier(None).promotions)
        for instant in (NOW - TICK, NOW, NOW + HOUR - TICK, NOW + HOUR)
    ]
    assert counts == [0, 1, 1, 0]


def test_until_something_begins_or_ends_the_answer_is_one_and_the_same() -> None:
    timetable = Timetable([scheduled(a_share(9_000), starts_at=NOW, ends_at=NOW + HOUR)])
    assert timetable.at(NOW) is timetable.at(NOW + HOUR - TICK)
    assert timetable.at(NOW + HOUR) is timetable.at(NOW + 2 * HOUR)
    assert timetable.at(NOW - TICK).of_tier("GOLD").promotions == ()


def test_who_has_no_tier_gets_what_is_for_everybody() -> None:
    everybody = scheduled(a_share(9_000))
    gold = scheduled(a_share(8_000), tiers=["GOLD", "SILVER"])
    running = Timetable([everybody, gold]).at(NOW)
    assert running.of_tier(None).promotions == (everybody.promotion,)
    assert running.of_tier("REGULAR").promotions == (everybody.promotion,)
    assert running.of_tier("GOLD").promotions == (everybody.promotion, gold.promotion)


def test_titles_stand_by_priority_then_by_age() -> None:
    other = Scope(ScopeKind.PRODUCTS, frozenset({IDS[0]}))
    first, second = a_discount(title="第2件半价"), a_reduction(title="满70减10")
    elsewhere = a_reduction(title="满90减20", scope=other)
    running = Timetable(
        [
            scheduled(second),
            scheduled(first),
            scheduled(elsewhere),
            scheduled(a_reduction(title="全场满减"), priority=1),
            scheduled(a_share(9_000)),
        ]
    ).at(NOW)
    titles = running.of_tier(None).titles(IDS[1], ())
    assert titles == ["全场满减", "第2件半价", "满70减10"]


def test_only_categories_that_something_runs_for_are_asked_for() -> None:
    fruit = Scope(ScopeKind.CATEGORIES, frozenset({IDS[1], IDS[0]}))
    later = Scope(ScopeKind.CATEGORIES, frozenset({IDS[2]}))
    running = Timetable(
        [
            scheduled(a_discount(scope=fruit)),
            scheduled(a_reduction(scope=fruit)),
            scheduled(a_share(9_000, later), starts_at=NOW + TICK),
        ]
    ).at(NOW)
    assert running.category_ids == (IDS[0], IDS[1])
    assert running.price_days == ()


@given(
    offers=st.lists(limited, max_size=6),
    sku=ids,
    product=ids,
    categories=st.frozensets(ids),
    list_price=st.integers(0, 10**7),
    member_bps=st.integers(1, 10_000),
)
def test_a_page_asks_what_a_quote_asks(
    offers: list[LimitedTimePrice],
    sku: UUID,
    product: UUID,
    categories: frozenset[UUID],
    list_price: int,
    member_bps: int,
) -> None:
    tier = TierRules(
        code="T", name="T", name_en="T", level=0, growth_threshold=0, member_price_bps=member_bps
    )
    line = Line(
        sku_id=sku,
        product_id=product,
        list_price_fen=list_price,
        quantity=1,
        category_ids=categories,
    )
    asked = selling_price(line, tier, offers).price_fen
    alone = selling_price(line, tier, []).price_fen
    shown = TierOffers([scheduled(offer) for offer in offers])
    share = shown.share(product, categories)
    for key in (sku, str(sku)):
        lowest = shown.lowest(key, list_price, share)
        assert asked == (alone if lowest is None else min(alone, lowest[0]))


_WRONG: list[tuple[Promotion, dict[str, Any], str]] = [
    (a_share(9_000, title=" "), {}, "title"),
    (a_share(9_000), {"ends_at": NOW - timedelta(days=1)}, "endsAt"),
    (a_share(9_000, Scope(ScopeKind.PRODUCTS)), {}, "scope"),
    (a_share(9_000, Scope(ScopeKind.ALL, frozenset(IDS))), {}, "scope"),
    (a_share(10_000), {}, "payBps"),
    (LimitedTimePrice(id=IDS[0], title="x"), {}, "terms"),
    (
        LimitedTimePrice(id=IDS[0], title="x", price_fen_by_sku={IDS[0]: 1}, pay_bps=1),
        {},
        "terms",
    ),
    (prices({IDS[0]: 2**53}), {}, "prices"),
    (a_discount(1), {}, "pieces"),
    (a_discount(2, 10_000), {}, "payBps"),
    (FullReduction(id=IDS[0], title="x", rungs=()), {}, "rungs"),
    (a_reduction((1_000, 1_001)), {}, "rungs"),
    (a_reduction((1_000, 0)), {}, "rungs"),
    (a_reduction((1_000, 100), (2_000, 100)), {}, "rungs"),
    (a_reduction((2_000, 100), (1_000, 200)), {}, "rungs"),
]


@pytest.mark.parametrize(("promotion", "window", "field"), _WRONG)
def test_what_cannot_be_meant_is_refused(
    promotion: Promotion, window: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(scheduled(promotion, **window))
    assert refused.value.path == (field,)


@pytest.mark.parametrize(
    "promotion", [a_share(0), prices({IDS[0]: 0}), a_discount(), a_reduction((1, 1), (2, 2))]
)
def test_what_can_be_meant_is_taken(promotion: Promotion) -> None:
    check(scheduled(promotion))


def _later(promotion: Promotion) -> Scheduled:
    return scheduled(promotion, starts_at=NOW + timedelta(days=1), ends_at=NOW + 48 * HOUR)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (scheduled(a_share(1)), scheduled(a_share(2)), True),
        (scheduled(a_share(1)), scheduled(a_discount()), False),
        (scheduled(a_share(1)), _later(a_share(2)), False),
        (scheduled(a_share(1), tiers=["GOLD"]), scheduled(a_share(2)), True),
        (scheduled(a_share(1), tiers=["GOLD"]), scheduled(a_share(2), tiers=["SILVER"]), False),
        (
            scheduled(a_share(1), tiers=["GOLD", "SILVER"]),
            scheduled(a_share(2), tiers=["SILVER"]),
            True,
        ),
    ],
)
def test_two_meet_in_one_step_at_one_time_for_one_tier(
    one: Scheduled, other: Scheduled, meet: bool
) -> None:
    assert could_meet(one, other) is could_meet(other, one) is meet
