"""How changes apply to a cart, and why a line can't be bought."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.carts import (
    CartLine,
    LineChange,
    SkuNotForSale,
    SkuOffer,
    TooManyPieces,
    change_lines,
    limit_reached,
    line_problem,
)
from domain.errors import DomainError, ErrorCode, InvalidInput, NotFound
from resolvers.common.messages import translate

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
APPLE, PEAR, PLUM = UUID(int=1), UUID(int=2), UUID(int=3)
FIRST, SECOND = UUID(int=11), UUID(int=12)
OFFERS = {
    PEAR: SkuOffer(product="梨", price_fen=300, is_for_sale=True),
    PLUM: SkuOffer(product="李", price_fen=400, is_for_sale=False),
}


def a_line(line_id: UUID, sku_id: UUID, quantity: int, *, selected: bool = True) -> CartLine:
    return CartLine(
        id=line_id,
        sku_id=sku_id,
        quantity=quantity,
        selected=selected,
        price_when_added_fen=100,
        created_at=NOW,
    )


CART = [a_line(FIRST, APPLE, 2), a_line(SECOND, PEAR, 3, selected=False)]


def after(
    *changes: LineChange, select_all: bool | None = None, cart: list[CartLine] | None = None
) -> dict[UUID, tuple[UUID, int, bool]]:
    lines = change_lines(cart or CART, changes, OFFERS, select_all=select_all)
    return {id_: (line.sku_id, line.quantity, line.selected) for id_, line in lines.items()}


def refusal(*changes: LineChange, cart: list[CartLine] | None = None) -> DomainError:
    with pytest.raises(DomainError) as caught:
        after(*changes, cart=cart)
    return caught.value


def test_select_all_comes_before_the_lines() -> None:
    assert after(LineChange(line_id=FIRST, selected=False), select_all=True) == {
        FIRST: (APPLE, 2, False),
        SECOND: (PEAR, 3, True),
    }


def test_what_is_absent_stays() -> None:
    assert after(LineChange(line_id=SECOND, quantity=9)) == {
        FIRST: (APPLE, 2, True),
        SECOND: (PEAR, 9, False),
    }


def test_quantity_zero_removes() -> None:
    assert after(LineChange(line_id=FIRST, quantity=0)) == {SECOND: (PEAR, 3, False)}


def test_other_options_take_the_new_price() -> None:
    cart = [a_line(FIRST, APPLE, 2)]
    change = LineChange(line_id=FIRST, sku_id=PEAR)
    changed = change_lines(cart, [change], OFFERS, select_all=None)
    assert changed[FIRST].sku_id == PEAR
    assert changed[FIRST].price_when_added_fen == 300


def test_options_that_are_in_the_cart_merge_and_never_twice() -> None:
    change = LineChange(line_id=FIRST, sku_id=PEAR, quantity=4)
    merged = {SECOND: (PEAR, 7, True)}
    assert after(change) == merged
    # The client that didn't hear the answer asks again: the line is gone, nothing adds up twice.
    error = refusal(change, cart=[a_line(SECOND, PEAR, 7)])
    assert isinstance(error, NotFound)


def test_two_lines_may_change_places() -> None:
    offers = OFFERS | {APPLE: SkuOffer(product="苹果", price_fen=100, is_for_sale=True)}
    changes = [LineChange(line_id=FIRST, quantity=0), LineChange(line_id=SECOND, sku_id=APPLE)]
    changed = change_lines(CART, changes, offers, select_all=None)
    assert {line.id: line.sku_id for line in changed.values()} == {SECOND: APPLE}


@pytest.mark.parametrize(
    ("change", "kind", "path"),
    [
        (LineChange(line_id=PLUM), NotFound, ("lines", "1", "lineId")),
        (LineChange(line_id=FIRST, quantity=-1), InvalidInput, ("lines", "1", "quantity")),
        (LineChange(line_id=FIRST, quantity=100), InvalidInput, ("lines", "1", "quantity")),
        (LineChange(line_id=FIRST, sku_id=PLUM), SkuNotForSale, ("lines", "1", "skuId")),
        (LineChange(line_id=FIRST, sku_id=FIRST), NotFound, ("lines", "1", "skuId")),
        (
            LineChange(line_id=FIRST, sku_id=PEAR, quantity=97),
            TooManyPieces,
            ("lines", "1", "skuId"),
        ),
    ],
)
def test_a_refusal_names_its_change(
    change: LineChange, kind: type[DomainError], path: tuple[str, ...]
) -> None:
    error = refusal(LineChange(line_id=FIRST, selected=True), change)
    assert type(error) is kind
    assert error.path == path


@pytest.mark.parametrize(
    ("facts", "code", "told"),
    [
        ({}, None, {}),
        ({"available": 2}, ErrorCode.OUT_OF_STOCK, {"left": 2}),
        ({"available": 0}, ErrorCode.OUT_OF_STOCK, {"left": 0}),
        ({"is_for_sale": False, "available": 0}, ErrorCode.SKU_NOT_FOR_SALE, {}),
        (
            {"purchase_limit": 4, "purchased": 2},
            ErrorCode.PURCHASE_LIMIT_REACHED,
            {"limit": 4, "left": 2},
        ),
        ({"purchase_limit": 5, "purchased": 2}, None, {}),
        (
            {"purchase_limit": 3, "purchased": 5},
            ErrorCode.PURCHASE_LIMIT_REACHED,
            {"limit": 3, "left": 0},
        ),
    ],
)
def test_why_three_pieces_cannot_be_bought(
    facts: dict[str, int], code: ErrorCode | None, told: dict[str, int]
) -> None:
    usual = {"is_for_sale": True, "available": 9, "purchase_limit": None, "purchased": 0}
    problem = line_problem(product="苹果", quantity=3, **(usual | facts))  # type: ignore[arg-type]
    assert (problem.code if problem else None) == code
    assert problem is None or problem.facts == {"product": "苹果"} | told


@pytest.mark.parametrize(
    ("purchased", "said"),
    [
        (2, "苹果每人限购 3 件，您还可购买 1 件。"),
        (3, "苹果每人限购 3 件，您已购满。"),
        (5, "苹果每人限购 3 件，您已购满。"),
    ],
)
def test_a_limit_that_is_used_up_offers_no_more(purchased: int, said: str) -> None:
    left = max(0, 3 - purchased)
    problem = limit_reached(product="苹果", limit=3, left=left, path=())
    assert translate(problem.message, "zh", **problem.facts) == said
