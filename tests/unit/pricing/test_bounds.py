"""Amounts stay within ±(2^53 − 1) (docs/rules.md, section 0)."""

from dataclasses import replace

import pytest

from domain.errors import ErrorCode
from domain.money import MAX_FEN
from domain.orders import DeliveryMethod
from domain.pricing import Line, OrderTooLarge, quote
from tests.unit.pricing.cases import RULES, buyer, line, request


def test_the_largest_order_is_priced_exactly() -> None:
    priced = quote(request(line(1, MAX_FEN), buyer=buyer("GOLD")))
    assert priced.goods_total_fen == MAX_FEN
    assert priced.payable_fen == 8_556_839_292_003_941  # 95 % is …941.45


@pytest.mark.parametrize("lines", [[line(1, MAX_FEN), line(2, 1)], [line(1, MAX_FEN // 98, 99)]])
def test_goods_beyond_the_bound_are_refused(lines: list[Line]) -> None:
    with pytest.raises(OrderTooLarge) as refusal:
        quote(request(*lines))
    assert (refusal.value.code, refusal.value.path) == (ErrorCode.INVALID_INPUT, ("lines",))


def test_shipping_that_goes_beyond_the_bound_is_refused() -> None:
    rules = replace(RULES, shipping=replace(RULES.shipping, free_from_fen=MAX_FEN + 1))
    with pytest.raises(OrderTooLarge):
        quote(request(line(1, MAX_FEN), rules=rules))
    picked_up = request(line(1, MAX_FEN), rules=rules, delivery=DeliveryMethod.PICKUP)
    assert quote(picked_up).payable_fen == MAX_FEN


def test_earnings_beyond_the_bound_are_refused() -> None:
    rich = buyer(extra_multipliers_bps=(10_000_000,))
    with pytest.raises(OrderTooLarge):
        quote(request(line(1, MAX_FEN), buyer=rich))
