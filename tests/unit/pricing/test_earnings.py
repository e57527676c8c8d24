"""What an order earns, and the units' shares of it (docs/rules.md, sections 1 and 2)."""

from dataclasses import replace

from domain.pricing import quote, with_earnings
from tests.unit.pricing.cases import RULES, buyer, line, request

BIRTHDAY = (20_000,)


def test_one_point_and_ten_growth_for_each_yuan_of_goods_payable() -> None:
    priced = quote(request(line(1, 5_099), buyer=buyer(points=1_000), points_to_spend=1_000))
    assert priced.goods_payable_fen == 4_099
    assert (priced.points_to_earn, priced.growth_to_earn) == (40, 409)


def test_shipping_earns_nothing() -> None:
    priced = quote(request(line(1, 99)))
    assert (priced.payable_fen, priced.points_to_earn, priced.growth_to_earn) == (899, 0, 9)


def test_multipliers_multiply_and_the_product_is_floored_once() -> None:
    assert quote(request(line(1, 9_999), buyer=buyer("SILVER"))).points_to_earn == 117  # 97.99
    gold = buyer("GOLD", extra_multipliers_bps=BIRTHDAY)
    priced = quote(request(line(1, 3_333), buyer=gold))
    assert priced.goods_payable_fen == 3_166
    assert priced.points_to_earn == 94  # 31.66 × 3 = 94.98
    assert priced.growth_to_earn == 316


def test_a_visitor_earns_nothing() -> None:
    priced = quote(request(line(1, 9_999), buyer=buyer(is_member=False)))
    assert (priced.points_to_earn, priced.growth_to_earn) == (0, 0)


def test_earnings_are_split_to_lines_and_units_by_what_they_cost() -> None:
    priced = quote(request(line(1, 250, 3), line(2, 100), line(3, 0)))
    assert priced.points_to_earn == 8  # 8.50: 7.06 and 0.94
    assert [each.points_to_earn for each in priced.lines] == [7, 1, 0]
    assert [unit.points_to_earn for unit in priced.lines[0].units for _ in range(unit.pieces)] == [
        3,
        2,
        2,
    ]
    assert [each.growth_to_earn for each in priced.lines] == [75, 10, 0]


def test_the_multipliers_of_the_moment_of_payment_replace_those_of_the_quote() -> None:
    priced = quote(request(line(1, 1_000, 2), line(2, 500), buyer=buyer()))
    assert priced.points_to_earn == 25
    paid = with_earnings(
        [quoted.units for quoted in priced.lines],
        buyer(extra_multipliers_bps=BIRTHDAY),
        RULES,
    )
    assert (paid.points, paid.growth) == (50, 250)
    assert [sum(u.pieces * u.points_to_earn for u in units) for units in paid.lines] == [40, 10]
    assert [sum(u.pieces * u.payable_fen for u in units) for units in paid.lines] == [2_000, 500]


def test_rules_say_how_much_a_yuan_earns() -> None:
    rules = replace(
        RULES,
        points=replace(RULES.points, points_per_yuan=3),
        growth=replace(RULES.growth, growth_per_yuan=0),
    )
    priced = quote(request(line(1, 1_050), rules=rules))
    assert (priced.points_to_earn, priced.growth_to_earn) == (31, 0)
