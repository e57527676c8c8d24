"""Discounts and units as they are stored with an order line."""

import json

from hypothesis import given, settings

from domain.pricing import (
    QuoteRequest,
    discounts_from_json,
    discounts_to_json,
    quote,
    units_from_json,
    units_to_json,
)
from tests.unit.pricing.cases import buyer, coupon, line, request, uid
from tests.unit.pricing.strategies import requests


def test_the_stored_form_is_compact_json() -> None:
    priced = quote(
        request(line(1, 1_000, 3), buyer=buyer("GOLD"), coupons=(coupon(30, 100),), use=[30])
    )
    [quoted] = priced.lines
    assert json.loads(json.dumps(units_to_json(quoted.units))) == [
        [1, [50, 34], 0, 916, 13, 91],
        [2, [50, 33], 0, 917, 14, 92],
    ]
    assert json.loads(json.dumps(discounts_to_json(quoted.discounts))) == [
        {
            "kind": "MEMBER_PRICE",
            "title": "{tier_en} member price",
            "facts": {"tier": "金卡", "tier_en": "Gold"},
            "amount_fen": 150,
            "source_id": None,
        },
        {
            "kind": "COUPON",
            "title": "{coupon_en}",
            "facts": {"coupon": "券30", "coupon_en": "券30"},
            "amount_fen": 100,
            "source_id": str(uid(30)),
        },
    ]


def test_equal_units_are_stored_once() -> None:
    [quoted] = quote(request(line(1, 1_000, 99))).lines
    assert units_to_json(quoted.units) == [(99, [], 0, 1_000, 10, 100)]


@settings(deadline=None)
@given(requests())
def test_what_is_stored_reads_back_as_it_was(request: QuoteRequest) -> None:
    for quoted in quote(request).lines:
        units = json.loads(json.dumps(units_to_json(quoted.units)))
        discounts = json.loads(json.dumps(discounts_to_json(quoted.discounts)))
        assert units_from_json(units) == quoted.units
        assert discounts_from_json(discounts) == quoted.discounts
