"""Amounts, the two roundings, and splitting by largest remainder (docs/rules.md, section 0)."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.money import (
    MAX_FEN,
    AmountOutOfRange,
    Money,
    Points,
    floor_bps,
    floor_per_yuan,
    split,
    split_runs,
    to_pay_fen,
)

weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=8)


def test_money_adds_and_compares_with_money() -> None:
    assert Money(300) + Money(-100) == Money(200)
    assert Money(300) - Money(500) == Money(-200)
    assert -Money(7) == Money(-7)
    assert Money(1) < Money(2)


@pytest.mark.parametrize("fen", [MAX_FEN + 1, -MAX_FEN - 1])
def test_money_is_bounded_by_what_a_client_reads_exactly(fen: int) -> None:
    assert Money(MAX_FEN).fen == 9_007_199_254_740_991
    with pytest.raises(AmountOutOfRange):
        Money(fen)


@pytest.mark.parametrize("fen", [1.0, True, "1", None])
def test_money_is_whole_fen(fen: Any) -> None:
    with pytest.raises(TypeError):
        Money(fen)


def test_points_are_never_below_zero() -> None:
    assert Points(3) + Points(4) == Points(7)
    assert Points(4) - Points(4) == Points(0)
    assert Points(3) < Points(4)
    with pytest.raises(AmountOutOfRange):
        Points(3) - Points(4)


@pytest.mark.parametrize("count", [1.5, True, "1", None])
def test_points_are_whole(count: Any) -> None:
    with pytest.raises(TypeError):
        Points(count)


def test_money_and_points_do_not_mix() -> None:
    money: Any = Money(1)
    points: Any = Points(1)
    with pytest.raises(TypeError):
        money + points
    with pytest.raises(TypeError):
        points - money
    with pytest.raises(TypeError):
        money < points  # noqa: B015  # The comparison is what is refused.
    assert money != points


@pytest.mark.parametrize(
    ("base_fen", "pay_bps", "paid_fen"),
    [
        (999, 9_500, 949),  # 949.05
        (5_001, 9_500, 4_751),  # 4750.95
        (1, 5_000, 1),  # 0.5 is rounded up
        (3, 5_000, 2),  # 1.5 too
        (1, 4_999, 0),
        (999, 10_000, 999),
        (999, 0, 0),
        (MAX_FEN, 5_000, 4_503_599_627_370_496),
    ],
)
def test_what_is_to_be_paid_is_rounded_half_up(base_fen: int, pay_bps: int, paid_fen: int) -> None:
    assert to_pay_fen(base_fen, pay_bps) == paid_fen


def test_caps_are_rounded_down() -> None:
    assert floor_bps(6_099, 5_000) == 3_049


def test_earnings_are_floored_once_on_the_exact_product() -> None:
    # Floored after each factor it would be 50 × 1.5 = 75.
    assert floor_per_yuan(5_098, 1, (15_000,)) == 76
    assert floor_per_yuan(5_098, 10) == 509
    assert floor_per_yuan(3_333, 1, (15_000, 20_000)) == 99
    assert floor_per_yuan(99, 1) == 0


@pytest.mark.parametrize(
    ("amount", "parts", "shares"),
    [
        (1_000, [2_847, 4_751], [375, 625]),
        (500, [2_472, 4_126], [187, 313]),
        (100, [1, 1, 1], [34, 33, 33]),
        (2, [1, 1, 1], [1, 1, 0]),
        (0, [0, 0], [0, 0]),
        (5, [0, 5, 0], [0, 5, 0]),
        (1, [0, 1, 1], [0, 1, 0]),
    ],
)
def test_split_is_by_largest_remainder_with_ties_to_the_earlier(
    amount: int, parts: list[int], shares: list[int]
) -> None:
    assert split(amount, parts) == shares


def test_split_gives_what_a_full_share_cannot_take_to_the_others() -> None:
    assert split(100, [1, 1, 1], caps=[10, 100, 100]) == [10, 45, 45]
    assert split(60, [5, 3, 2], caps=[10, 20, 30]) == [10, 20, 30]


@pytest.mark.parametrize(
    ("amount", "parts", "caps", "why"),
    [
        (1, [], None, "nothing weighs"),
        (1, [0, 0], None, "nothing weighs"),
        (11, [1, 1], [5, 5], "nothing weighs"),
        (-1, [1], None, "below zero"),
        (1, [2, -1], None, "below zero"),
    ],
)
def test_split_refuses_what_cannot_be_shared_out(
    amount: int, parts: list[int], caps: list[int] | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        split(amount, parts, caps=caps)


@settings(deadline=None)
@given(amount=st.integers(0, MAX_FEN), parts=weights)
def test_shares_add_up_and_lie_within_one_of_their_proportion(
    amount: int, parts: list[int]
) -> None:
    total = sum(parts)
    assume(total)
    shares = split(amount, parts)
    assert sum(shares) == amount
    for share, part in zip(shares, parts, strict=True):
        assert abs(share * total - amount * part) < total


@settings(deadline=None)
@given(parts=weights, data=st.data())
def test_a_share_never_exceeds_what_is_left_when_it_is_split_by_what_is_left(
    parts: list[int], data: st.DataObject
) -> None:
    amount = data.draw(st.integers(0, sum(parts)))
    shares = split(amount, parts)
    assert all(0 <= share <= part for share, part in zip(shares, parts, strict=True))


@settings(deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=1, max_size=6),
    data=st.data(),
)
def test_caps_hold_and_shares_still_add_up(
    parts: list[tuple[int, int]], data: st.DataObject
) -> None:
    by_weight, caps = [weight for weight, _ in parts], [cap for _, cap in parts]
    amount = data.draw(st.integers(0, sum(caps)))
    shares = split(amount, by_weight, caps=caps)
    assert sum(shares) == amount
    assert all(0 <= share <= cap for share, cap in zip(shares, caps, strict=True))


@settings(deadline=None)
@given(
    runs=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 99)), min_size=1, max_size=6),
    amount=st.integers(0, 10_000),
)
def test_runs_get_what_their_units_would_get_one_by_one(
    runs: list[tuple[int, int]], amount: int
) -> None:
    units = [weight for count, weight in runs for _ in range(count)]
    assume(sum(units))
    pieces = [piece for parts in split_runs(amount, runs) for piece in parts]
    assert [share for count, share in pieces for _ in range(count)] == split(amount, units)
    assert len(pieces) <= len(runs) + 1


def test_runs_refuse_an_amount_that_nothing_can_take() -> None:
    assert split_runs(0, [(3, 0)]) == [[(3, 0)]]
    with pytest.raises(ValueError, match="nothing weighs"):
        split_runs(1, [(3, 0)])
