"""Step 3: full reductions (docs/rules.md, section 5.3)."""

from domain.pricing import DiscountKind, quote
from tests.unit.pricing.cases import (
    line,
    line_payables,
    offs,
    products,
    reduction,
    request,
    three_at_80,
    uid,
)

FULL = DiscountKind.FULL_REDUCTION
RUNGS = ((10_000, 1_000), (20_000, 3_000))


def test_the_best_rung_reached_applies_once() -> None:
    for spend_fen, off_fen in [(9_999, 0), (10_000, 1_000), (19_999, 1_000), (60_000, 3_000)]:
        priced = quote(request(line(1, spend_fen), promotions=(reduction(70, *RUNGS),)))
        assert priced.discount_total_fen == off_fen


def test_a_reduction_tests_what_the_step_before_left() -> None:
    promotions = (three_at_80(60), reduction(70, (10_000, 1_000)))
    reached = quote(request(line(1, 4_167, 3), promotions=promotions))  # 12501 → 10001
    assert offs(reached) == [(DiscountKind.QUANTITY_DISCOUNT, 2_500), (FULL, 1_000)]
    missed = quote(request(line(1, 4_166, 3), promotions=promotions))  # 12498 → 9998
    assert offs(missed) == [(DiscountKind.QUANTITY_DISCOUNT, 2_500)]


def test_a_reduction_is_shared_by_what_is_left_on_the_lines_in_scope() -> None:
    priced = quote(
        request(
            line(1, 2_847),
            line(2, 4_751),
            line(3, 9_000),
            promotions=(reduction(70, (7_000, 1_000), scope=products(1, 2)),),
        )
    )
    assert line_payables(priced) == [2_472, 4_126, 9_000]


def test_a_reduction_never_takes_more_than_the_goods_cost() -> None:
    priced = quote(request(line(1, 300), promotions=(reduction(70, (100, 500)),)))
    assert offs(priced) == [(FULL, 300)]
    assert line_payables(priced) == [0]


def test_the_reduction_that_takes_most_goes_first_then_the_rest_on_free_lines() -> None:
    lines = [line(1, 5_000), line(2, 6_000), line(3, 5_000)]
    promotions = (
        reduction(70, (10_000, 1_000), scope=products(1, 2)),
        reduction(71, (10_000, 1_500), scope=products(2, 3)),
        reduction(72, (5_000, 200), scope=products(1)),
    )
    priced = quote(request(*lines, promotions=promotions))
    assert [(d.source_id, d.amount_fen) for d in priced.discounts] == [
        (uid(71), 1_500),
        (uid(72), 200),
    ]
    assert line_payables(priced) == [4_800, 6_000 - 818, 5_000 - 682]


def test_equal_reductions_go_to_the_lower_id() -> None:
    promotions = (reduction(71, (5_000, 500)), reduction(70, (5_000, 500)))
    priced = quote(request(line(1, 5_000), promotions=promotions))
    assert [(d.source_id, d.amount_fen) for d in priced.discounts] == [(uid(70), 500)]


def test_a_line_may_take_part_in_one_campaign_of_each_step() -> None:
    promotions = (three_at_80(60, scope=products(1)), reduction(70, (4_000, 1_000)))
    priced = quote(request(line(1, 1_000, 3), line(2, 2_000), promotions=promotions))
    assert line_payables(priced) == [2_400 - 545, 2_000 - 455]


def test_the_next_rung_is_hinted() -> None:
    promotion = reduction(70, *RUNGS)
    below = quote(request(line(1, 9_900), promotions=(promotion,))).hints
    assert [(hint.missing_fen, hint.facts["off_fen"]) for hint in below] == [(100, 1_000)]
    between = quote(request(line(1, 15_000), promotions=(promotion,))).hints
    assert [(hint.missing_fen, hint.facts["off_fen"]) for hint in between] == [(5_000, 3_000)]
    assert quote(request(line(1, 20_000), promotions=(promotion,))).hints == ()
    no_better = reduction(70, (10_000, 1_000), (20_000, 1_000))
    assert quote(request(line(1, 15_000), promotions=(no_better,))).hints == ()
