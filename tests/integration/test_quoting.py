"""Quotes of drafts on real PostgreSQL; the price itself is proven in tests/unit/pricing."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.drafts import NO_ID, DraftLine, OrderDraft
from domain.errors import ErrorCode
from domain.orders import DeliveryMethod
from models import database as db
from services.quoting import PricedDraft, quote_cart, quote_draft
from tests.factories.shop import (
    NOW,
    XIZANG,
    SkuFacts,
    a_buyer,
    a_cart_line,
    a_member,
    a_sku,
    a_store,
    a_tier_price,
    an_address,
)
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")
Told = list[tuple[str, tuple[str, ...]]]


def a_draft(*lines: tuple[SkuFacts | UUID, int], **choices: Any) -> OrderDraft:
    return OrderDraft(
        lines=tuple(
            DraftLine(sku_id=sku if isinstance(sku, UUID) else sku.id, quantity=quantity)
            for sku, quantity in lines
        ),
        **choices,
    )


async def quoted(
    member_id: UUID, *lines: tuple[SkuFacts | UUID, int], **choices: Any
) -> PricedDraft:
    return await quote_draft(member_id, a_draft(*lines, **choices), now=NOW)


def told(priced: PricedDraft) -> Told:
    return [(problem.code.value, problem.path) for problem in priced.quote.problems]


async def test_the_worked_example_without_coupons_and_promotions() -> None:
    member_id = await a_buyer(tier="GOLD", points=1000)
    first, second = await a_sku(999), await a_sku(5001)
    priced = await quoted(member_id, (first, 3), (second, 1), points_to_spend=1000)
    quote = priced.quote
    assert told(priced) == []
    assert (quote.goods_total_fen, quote.discount_total_fen) == (7998, 400)
    assert (quote.points_spent, quote.points_off_fen) == (1000, 1000)
    assert (quote.shipping_fen, quote.payable_fen) == (0, 6598)
    assert quote.max_points_to_spend == 1000


async def test_a_quote_reads_twice(statements: StatementLog) -> None:
    member_id = await a_buyer()
    skus = [await a_sku() for _ in range(20)]
    for _ in range(2):  # The first finds no rules yet, the second keeps them for five seconds.
        await quoted(member_id, (skus[0], 1))
    async with statements.record() as heard:
        await quoted(member_id, *((sku, 1) for sku in skus))
    assert len(heard) == 2, heard


async def test_a_tier_has_its_own_price() -> None:
    sku = await a_sku(1000)
    await a_tier_price(sku, "SILVER", 900)
    for tier, payable_fen in (("REGULAR", 1000), ("SILVER", 900), ("GOLD", 950)):
        priced = await quoted(await a_buyer(tier=tier), (sku, 1))
        assert priced.quote.goods_payable_fen == payable_fen


async def test_points_count_double_on_the_birthday() -> None:
    sku = await a_sku(10_000)
    celebrating = await a_member(birthday=date(1990, 11, 22))
    await an_address(celebrating)
    assert (await quoted(celebrating, (sku, 1))).quote.points_to_earn == 200
    assert (await quoted(await a_buyer(), (sku, 1))).quote.points_to_earn == 100


async def test_a_visitor_neither_earns_nor_spends_points() -> None:
    visitor = await a_member(joined=False, points=100)
    await an_address(visitor)
    priced = await quoted(visitor, (await a_sku(10_000), 1), points_to_spend=100)
    assert told(priced) == [("CONSENT_REQUIRED", ("pointsToSpend",))]
    assert priced.quote.points_to_earn == 0


@pytest.mark.parametrize(
    ("points", "code"), [(101, ErrorCode.INSUFFICIENT_POINTS), (51, ErrorCode.POINTS_NOT_USABLE)]
)
async def test_points_beyond_the_balance_or_the_cap_are_problems(
    points: int, code: ErrorCode
) -> None:
    member_id = await a_buyer(points=100)
    priced = await quoted(member_id, (await a_sku(100), 1), points_to_spend=points)
    assert told(priced) == [(code, ("pointsToSpend",))]
    assert (priced.quote.points_spent, priced.quote.max_points_to_spend) == (0, 50)


async def test_expired_points_are_not_there_whatever_the_job_did() -> None:
    member_id = await a_buyer(points=100)
    sku = await a_sku(10_000)
    later = NOW + timedelta(days=365)
    priced = await quote_draft(member_id, a_draft((sku, 1), use_max_points=True), now=later)
    assert priced.quote.points_spent == 0


async def test_every_problem_is_named_with_its_path() -> None:
    member_id = await a_member()
    gone, few, limited = (
        await a_sku(on_sale=False),
        await a_sku(stock=2),
        await a_sku(limit=1, name="限量苹果"),
    )
    priced = await quoted(member_id, (NO_ID, 1), (gone, 1), (few, 3), (limited, 2))
    assert told(priced) == [
        ("NOT_FOUND", ("lines", "0", "skuId")),
        ("SKU_NOT_FOR_SALE", ("lines", "1", "skuId")),
        ("OUT_OF_STOCK", ("lines", "2", "quantity")),
        ("PURCHASE_LIMIT_REACHED", ("lines", "3", "quantity")),
        ("ADDRESS_REQUIRED", ("addressId",)),
    ]
    assert priced.quote.problems[2].facts == {"product": "苹果", "left": 2}
    # What can be priced is.
    assert [line.sku_id for line in priced.quote.lines] == [few.id, limited.id]


async def test_pieces_that_were_ordered_count_towards_the_limit() -> None:
    member_id, sku = await a_buyer(), await a_sku(limit=5)
    await db.execute(
        "INSERT INTO purchase_count (id, member_id, sku_id, pieces)"
        " VALUES (gen_random_uuid(), $1, $2, 3)",
        member_id,
        sku.id,
    )
    assert told(await quoted(member_id, (sku, 2))) == []
    priced = await quoted(member_id, (sku, 3))
    assert told(priced) == [("PURCHASE_LIMIT_REACHED", ("lines", "0", "quantity"))]
    assert priced.quote.problems[0].facts == {"product": "苹果", "limit": 5, "left": 2}


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        (OrderDraft(lines=()), [("INVALID_INPUT", ("lines",))]),
        (
            OrderDraft(lines=(DraftLine(sku_id=NO_ID, quantity=0),)),
            [("INVALID_INPUT", ("lines", "0", "quantity"))],
        ),
        (OrderDraft(from_cart=True), [("INVALID_INPUT", ("fromCart",))]),
    ],
)
async def test_an_invalid_draft_costs_nothing_and_says_why(
    draft: OrderDraft, expected: Told
) -> None:
    priced = await quote_draft(await a_buyer(), draft, now=NOW)
    assert told(priced) == expected
    assert (priced.quote.payable_fen, priced.quote.lines) == (0, ())


async def test_an_amount_beyond_all_bounds_is_a_problem() -> None:
    sku = await a_sku(2**53 - 1)
    priced = await quoted(await a_buyer(), (sku, 2))
    assert told(priced) == [("INVALID_INPUT", ("lines",))]
    assert priced.quote.lines == ()


async def test_coupons_that_are_not_the_members_are_named() -> None:
    priced = await quoted(await a_buyer(), (await a_sku(), 1), coupon_ids=(NO_ID,))
    assert told(priced) == [("NOT_FOUND", ("couponIds", "0"))]


async def test_the_default_address_or_the_one_named() -> None:
    member_id, sku = await a_buyer(), await a_sku(1000)
    other = await an_address(member_id, region_code=XIZANG, is_default=False)
    default = (await quoted(member_id, (sku, 1))).draft.address
    assert default is not None
    assert default.is_default
    named = (await quoted(member_id, (sku, 1), address_id=other)).draft.address
    assert named is not None
    assert (named.id, named.region_code) == (other, XIZANG)


async def test_an_address_of_another_member_is_not_there() -> None:
    stranger = await a_member()
    theirs = await an_address(stranger)
    priced = await quoted(await a_buyer(), (await a_sku(), 1), address_id=theirs)
    assert told(priced) == [("NOT_FOUND", ("addressId",))]
    assert priced.draft.address is None


async def test_a_deleted_address_is_not_there() -> None:
    member_id, sku = await a_buyer(), await a_sku()
    await db.execute("UPDATE address SET deleted_at = now()")
    assert told(await quoted(member_id, (sku, 1))) == [("ADDRESS_REQUIRED", ("addressId",))]


async def test_pickup_needs_a_store_that_hands_out_orders_and_no_address() -> None:
    member_id, sku = await a_member(), await a_sku(1000)
    closed, without = await a_store(is_open=False), await a_store(supports_pickup=False)
    pickup = DeliveryMethod.PICKUP
    assert told(await quoted(member_id, (sku, 1), delivery=pickup)) == [
        ("STORE_REQUIRED", ("storeId",))
    ]
    for store_id in (closed, without, NO_ID):
        priced = await quoted(member_id, (sku, 1), delivery=pickup, store_id=store_id)
        assert told(priced) == [("STORE_NOT_AVAILABLE", ("storeId",))]
    store_id = await a_store()
    priced = await quoted(member_id, (sku, 1), delivery=pickup, store_id=store_id)
    assert told(priced) == []
    assert (priced.quote.shipping_fen, priced.draft.store_id) == (0, store_id)


async def test_a_cart_is_quoted_by_its_selected_lines() -> None:
    member_id = await a_buyer()
    apple, pear = await a_sku(1000), await a_sku(300)
    await a_cart_line(member_id, apple, 2)
    await a_cart_line(member_id, pear, 5, selected=False)
    priced = await quote_cart(member_id, now=NOW)
    assert [(line.sku_id, line.quantity) for line in priced.quote.lines] == [(apple.id, 2)]
    assert priced.quote.payable_fen == 2800
    assert told(priced) == []


@pytest.mark.parametrize("lines", [0, 1])
async def test_a_cart_with_nothing_selected_costs_nothing(lines: int) -> None:
    member_id = await a_member()
    for _ in range(lines):
        await a_cart_line(member_id, await a_sku(), selected=False)
    priced = await quote_cart(member_id, now=NOW)
    assert (priced.quote.payable_fen, told(priced)) == (0, [])


async def test_a_cart_says_what_cannot_be_ordered_and_prices_the_rest() -> None:
    member_id = await a_buyer()
    gone, apple = await a_sku(on_sale=False, name="桃"), await a_sku(1000)
    await a_cart_line(member_id, gone)
    await a_cart_line(member_id, apple)
    priced = await quote_draft(member_id, OrderDraft(from_cart=True), now=NOW)
    assert told(priced) == [("SKU_NOT_FOR_SALE", ("fromCart",))]
    assert priced.quote.problems[0].facts == {"product": "桃"}
    assert [line.sku_id for line in priced.quote.lines] == [apple.id]


async def test_lines_stay_in_the_order_of_the_draft() -> None:
    member_id = await a_buyer()
    skus = [await a_sku() for _ in range(5)]
    priced = await quoted(member_id, *((sku, 1) for sku in reversed(skus)))
    assert [line.sku_id for line in priced.quote.lines] == [sku.id for sku in reversed(skus)]
