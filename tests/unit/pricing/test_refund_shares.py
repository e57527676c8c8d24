"""Refund symmetry: a refund takes its units' stored shares (docs/rules.md, section 0)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.pricing import (
    Quote,
    RefundShares,
    UnitShares,
    quote,
    refund_shares,
    units_from_json,
    units_to_json,
)
from tests.unit.pricing.strategies import requests

UNITS = (
    UnitShares(1, (125, 63), 125, 636, 9, 63),
    UnitShares(2, (125, 62), 125, 637, 10, 64),
)


def test_a_refund_takes_the_next_units_in_their_stored_order() -> None:
    assert refund_shares(UNITS, 0, 1) == RefundShares(636, 125, 9, 63)
    assert refund_shares(UNITS, 1, 1) == RefundShares(637, 125, 10, 64)
    assert refund_shares(UNITS, 1, 2) == RefundShares(1_274, 250, 20, 128)
    assert refund_shares(UNITS, 0, 3) == RefundShares(1_910, 375, 29, 191)
    assert refund_shares(UNITS, 3, 0) == RefundShares(0, 0, 0, 0)


@pytest.mark.parametrize(("already", "quantity"), [(0, 4), (3, 1), (-1, 1), (0, -1)])
def test_units_that_are_not_left_cannot_be_refunded(already: int, quantity: int) -> None:
    with pytest.raises(ValueError, match="can't be refunded"):
        refund_shares(UNITS, already, quantity)


@settings(deadline=None)
@given(priced=requests(max_quantity=6).map(quote), data=st.data())
def test_partial_refunds_in_any_order_add_up_to_refunding_everything_at_once(
    priced: Quote, data: st.DataObject
) -> None:
    stored = [units_from_json(units_to_json(line.units)) for line in priced.lines]
    refunded = [0] * len(stored)
    totals = [0, 0, 0, 0]
    while any(done < line.quantity for done, line in zip(refunded, priced.lines, strict=True)):
        place = data.draw(st.sampled_from(range(len(stored))))
        left = priced.lines[place].quantity - refunded[place]
        quantity = data.draw(st.integers(0, left))
        shares = refund_shares(stored[place], refunded[place], quantity)
        assert min(shares) >= 0
        refunded[place] += quantity
        totals = [total + share for total, share in zip(totals, shares, strict=True)]
    assert totals == [
        priced.goods_payable_fen,
        priced.points_spent,
        priced.points_to_earn,
        priced.growth_to_earn,
    ]
