"""Step 2: quantity discounts (docs/rules.md, section 5.2)."""

from domain.pricing import DiscountKind, quote
from tests.unit.pricing.cases import (
    buyer,
    categories,
    every_second_half,
    line,
    line_payables,
    offs,
    products,
    request,
    three_at_80,
    uid,
    unit_payables,
)

QUANTITY = DiscountKind.QUANTITY_DISCOUNT


def test_every_second_piece_at_half_counts_dearest_first() -> None:
    # Pieces: 1000, 800 | 800, 300 | 300. At half: 800 and 300.
    priced = quote(
        request(
            line(1, 300, 2), line(2, 800, 2), line(3, 1_000), promotions=(every_second_half(60),)
        )
    )
    assert offs(priced)[0] == (QUANTITY, 550)


def test_the_half_price_is_shared_by_the_pieces_of_full_pairs() -> None:
    # Pieces: 1000, 400 | 100. Off 200, shared 1000 : 400; the last piece pays its price.
    priced = quote(
        request(line(1, 100), line(2, 400), line(3, 1_000), promotions=(every_second_half(60),))
    )
    assert line_payables(priced) == [100, 400 - 57, 1_000 - 143]


def test_a_line_half_in_a_pair_shares_by_its_paired_pieces() -> None:
    # Pieces: 1000, 500 | 500, 500 | 500. Off 500, shared 1000 : 1500 of line 2's 2000.
    priced = quote(request(line(1, 1_000), line(2, 500, 4), promotions=(every_second_half(60),)))
    assert line_payables(priced) == [1_000 - 200, 2_000 - 300]
    assert unit_payables(priced, 1) == [425, 425, 425, 425]


def test_equal_prices_pair_by_line() -> None:
    # Three pieces at the same price: the last line's is left over.
    lines = [line(number, 1_000) for number in (1, 2, 3)]
    priced = quote(request(*lines, promotions=(every_second_half(60),)))
    assert line_payables(priced) == [750, 750, 1_000]


def test_the_percentage_is_applied_once_to_all_discounted_pieces() -> None:
    # Two pieces at 999 at half are 999, not 2 × 500.
    priced = quote(request(line(1, 999, 4), promotions=(every_second_half(60),)))
    assert line_payables(priced) == [4 * 999 - 999]
    assert unit_payables(priced) == [749, 749, 749, 750]


def test_three_pieces_at_80_percent_covers_all_pieces_in_scope() -> None:
    lines = [line(1, 999, 2, category_ids=frozenset({uid(7)})), line(2, 500), line(3, 100)]
    scoped = three_at_80(60, scope=categories(7))
    assert offs(quote(request(*lines, promotions=(scoped,)))) == []
    everything = quote(request(*lines, promotions=(three_at_80(60),)))
    assert offs(everything) == [(QUANTITY, 520)]  # 2598 × 80 % = 2078.4 is paid as 2078.
    assert line_payables(everything) == [1_598, 400, 80]


def test_scope_reaches_pieces_through_parent_categories() -> None:
    deep = frozenset({uid(7), uid(8)})
    priced = quote(
        request(
            line(1, 1_000, 3, category_ids=deep), promotions=(three_at_80(60, scope=categories(7)),)
        )
    )
    assert line_payables(priced) == [2_400]


def test_quantity_discounts_start_from_the_selling_price() -> None:
    priced = quote(request(line(1, 1_000, 3), buyer=buyer("GOLD"), promotions=(three_at_80(60),)))
    assert line_payables(priced) == [2_280]


def test_the_campaign_that_takes_most_off_the_free_lines_goes_first() -> None:
    # 3件8折 on lines 1 and 2 takes 800; 第2件半价 on line 2 and 3 takes 1000 and goes first.
    # Then only line 1 is free for the other: two pieces are too few.
    lines = [line(1, 500, 2), line(2, 1_500, 2), line(3, 500, 2)]
    promotions = (
        three_at_80(60, scope=products(1, 2)),
        every_second_half(61, scope=products(2, 3)),
    )
    priced = quote(request(*lines, promotions=promotions))
    assert [(d.source_id, d.amount_fen) for d in priced.discounts] == [(uid(61), 1_000)]
    assert line_payables(priced) == [1_000, 2_250, 750]


def test_a_line_takes_part_in_one_quantity_discount() -> None:
    lines = [line(1, 1_000, 3), line(2, 400, 3)]
    promotions = (
        three_at_80(60, scope=products(1)),
        every_second_half(61, scope=products(1, 2)),
    )
    # 61 first: pieces 1000, 1000 | 1000, 400 | 400, 400: off 500 + 200 + 200. Nothing is left.
    priced = quote(request(*lines, promotions=promotions))
    assert [(d.source_id, d.amount_fen) for d in priced.discounts] == [(uid(61), 900)]


def test_equal_quantity_discounts_go_to_the_lower_id() -> None:
    promotions = (three_at_80(61), three_at_80(60))
    priced = quote(request(line(1, 1_000, 3), promotions=promotions))
    assert [(d.source_id, d.amount_fen) for d in priced.discounts] == [(uid(60), 600)]


def test_pieces_that_miss_are_hinted() -> None:
    priced = quote(request(line(1, 500, 2), promotions=(three_at_80(60, scope=products(1)),)))
    assert [(hint.missing_pieces, hint.facts["title"]) for hint in priced.hints[:1]] == [
        (1, "3件8折")
    ]
    elsewhere = three_at_80(60, scope=products(2))
    assert quote(request(line(1, 9_900, 2), promotions=(elsewhere,))).hints == ()
