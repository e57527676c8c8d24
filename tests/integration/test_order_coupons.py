"""Orders with promotions, coupons and points: quoted, placed, paid, cancelled (rules, 4 and 5)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.pricing import (
    Coupon,
    CouponKind,
    DiscountKind,
    FullReduction,
    LimitedTimePrice,
    Promotion,
    QuantityDiscount,
    QuantityRule,
    Quote,
    Rung,
    Scope,
    ScopeKind,
    discounts_from_json,
    quote,
    units_from_json,
)
from domain.promotions import Scheduled
from domain.rules import ProvinceShipping, Rules, ShippingRules
from models import database as db
from models.ids import new_id
from services import consents, promotions, quoting
from services import rules as rule_versions
from services.order_addresses import ChangeOrderAddress, change_order_address
from services.placing import DraftRefused
from services.points import spendable
from services.quoting import PricedDraft
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.coupons import FIVE_OFF, FREE_SHIPPING, a_coupon
from tests.factories.members import JOINING, agreements
from tests.factories.orders import NO_WECHAT, a_draft, bought, cancelled, placed
from tests.factories.shop import (
    DATA,
    NOW,
    SHANGHAI,
    XIZANG,
    SkuFacts,
    a_buyer,
    a_member,
    a_sku,
    an_address,
    stock_of,
)
from tests.support.shopping import assert_books_agree
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")


async def quoted(
    member_id: UUID, *lines: tuple[SkuFacts, int], now: Any = NOW, **choices: Any
) -> PricedDraft:
    return await quoting.quote_draft(member_id, a_draft(*lines, **choices), now=now)


def told(found: Quote) -> list[tuple[str, tuple[str, ...], str]]:
    return [(problem.code, problem.path, problem.message) for problem in found.problems]


async def refusal(member_id: UUID, *lines: tuple[SkuFacts, int], **more: Any) -> list[Any]:
    """Return code and path of what refuses the order; and prove that nothing was placed."""
    before = await db.fetch("SELECT * FROM coupon ORDER BY id")
    with pytest.raises(DraftRefused) as caught:
        await placed(member_id, *lines, **more)
    assert await db.fetch_value("SELECT count(*) FROM sales_order WHERE member_id = $1", member_id)
    assert await db.fetch("SELECT * FROM coupon ORDER BY id") == before
    return [(problem.code.value, problem.path) for problem in caught.value.problems]


async def status_of(coupon_id: UUID) -> str:
    return str(await db.fetch_value("SELECT status FROM coupon WHERE id = $1", coupon_id))


async def running(promotion: Promotion) -> None:
    """Publish a promotion that runs from yesterday to tomorrow."""
    day = timedelta(days=1)
    scheduled = Scheduled(promotion=promotion, starts_at=NOW - day, ends_at=NOW + day)
    await promotions.publish(scheduled, now=NOW)


async def seventy_minus_ten() -> None:
    rungs = (Rung(7_000, 1_000),)
    await running(FullReduction(id=new_id(), title="满70减10", rungs=rungs))


async def test_the_worked_example_is_quoted_placed_and_paid_to_the_fen() -> None:
    await seventy_minus_ten()
    member_id = await a_buyer(tier="GOLD", points=1000)
    coupon_id = await a_coupon(member_id)
    lines = (await a_sku(999), 3), (await a_sku(5_001), 1)
    choices: dict[str, Any] = {"coupon_ids": (coupon_id,), "points_to_spend": 1000}

    shown = (await quoted(member_id, *lines, **choices)).quote
    assert [(each.kind, each.amount_fen) for each in shown.discounts] == [
        (DiscountKind.MEMBER_PRICE, 400),
        (DiscountKind.FULL_REDUCTION, 1_000),
        (DiscountKind.COUPON, 500),
        (DiscountKind.POINTS, 1_000),
        (DiscountKind.SHIPPING, 1_000),
    ]
    assert (shown.payable_fen, shown.shipping_fen) == (5_098, 0)
    assert (shown.points_to_earn, shown.growth_to_earn) == (76, 509)

    order_id = await placed(member_id, *lines, **choices)
    assert await status_of(coupon_id) == "RESERVED"
    await is_as_quoted(order_id, shown)
    a, b = await db.fetch("SELECT units, payable_fen FROM order_line ORDER BY position")
    assert (a["payable_fen"], b["payable_fen"]) == (1_910, 3_188)
    units = [unit for unit in units_from_json(a["units"]) for _ in range(unit.pieces)]
    assert [unit.payable_fen for unit in units] == [636, 637, 637]
    # Of member price, 满减, coupon and points.
    assert [unit.discounts_fen for unit in units] == [
        (50, 125, 63, 125),
        (50, 125, 62, 125),
        (50, 125, 62, 125),
    ]
    assert sum(unit.points_spent for unit in units) == 375


async def is_as_quoted(order_id: UUID, shown: Quote) -> None:
    """Compare a placed order with its quote, line by line."""
    order = await db.fetch_one("SELECT * FROM sales_order WHERE id = $1", order_id)
    assert order is not None
    for name in (
        *("goods_total_fen", "discount_total_fen", "points_spent", "points_off_fen"),
        *("shipping_fen", "payable_fen"),
    ):
        assert order[name] == getattr(shown, name), name
    assert discounts_from_json(order["discounts"]) == shown.discounts
    lines = await db.fetch(
        "SELECT * FROM order_line WHERE order_id = $1 ORDER BY position", order_id
    )
    for row, line in zip(lines, shown.lines, strict=True):
        assert discounts_from_json(row["discounts"]) == line.discounts
        assert units_from_json(row["units"]) == line.units
        assert row["payable_fen"] == line.payable_fen


async def test_a_coupon_is_held_used_and_never_taken_where_it_takes_nothing_off() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000)
    goods, shipping = await a_coupon(member_id), await a_coupon(member_id, FREE_SHIPPING)
    # ¥95 of goods pay shipping; ¥105 don't, and the shipping coupon finds nothing to take off.
    order_id = await bought(member_id, (sku, 1), coupon_ids=(goods, shipping))
    assert (await status_of(goods), await status_of(shipping)) == ("USED", "USED")
    assert await db.fetch_value("SELECT shipping_fen FROM sales_order") == 0
    used = await db.fetch_value("SELECT order_id FROM coupon WHERE id = $1", goods)
    assert used == order_id

    other = await a_buyer()
    spared = await a_coupon(other, FREE_SHIPPING)
    await bought(other, (sku, 2), coupon_ids=(spared,))
    assert await status_of(spared) == "USABLE"
    await assert_books_agree()


async def test_cancelling_gives_coupons_points_and_stock_back() -> None:
    member_id, sku = await a_buyer(points=500), await a_sku(10_000)
    kept, ended = await a_coupon(member_id), await a_coupon(member_id, FREE_SHIPPING)
    order_id = await placed(member_id, (sku, 1), coupon_ids=(kept, ended), points_to_spend=500)
    assert await spendable(member_id, now=NOW) == 0
    await db.execute(
        "UPDATE coupon SET valid_until = $2 WHERE id = $1", ended, NOW + timedelta(minutes=5)
    )
    await cancelled(order_id, now=NOW + timedelta(minutes=10))
    assert (await status_of(kept), await status_of(ended)) == ("USABLE", "EXPIRED")
    assert await db.fetch_value("SELECT count(*) FROM coupon WHERE order_id IS NOT NULL") == 0
    assert await spendable(member_id, now=NOW) == 500
    assert await stock_of(sku) == {"available": 100, "reserved": 0, "sold": 0}
    await assert_books_agree()


async def test_a_coupon_that_ends_between_quote_and_order_places_nothing() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000)
    await placed(member_id, (sku, 1))
    end = NOW + timedelta(hours=1)
    coupon_id = await a_coupon(member_id, valid_until=end)
    before = end - timedelta(microseconds=1)
    assert (
        told((await quoted(member_id, (sku, 1), coupon_ids=(coupon_id,), now=before)).quote) == []
    )
    assert await refusal(member_id, (sku, 1), coupon_ids=(coupon_id,), now=end) == [
        ("COUPON_NOT_APPLICABLE", ("couponIds", "0"))
    ]
    # One that was held in time may be paid for later.
    order_id = await bought(member_id, (sku, 1), coupon_ids=(coupon_id,), now=before)
    assert await status_of(coupon_id) == "USED"
    assert await db.fetch_value(
        "SELECT discount_total_fen FROM sales_order WHERE id = $1", order_id
    )


async def test_one_that_ends_between_price_and_write_is_refused_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member_id, sku = await a_buyer(), await a_sku(20_000)
    await placed(member_id, (sku, 1))
    coupon_id = await a_coupon(member_id)
    for choices, path in (
        ({"coupon_ids": (coupon_id,)}, ("couponIds", "0")),
        ({"best_coupons": True}, ("bestCoupons",)),
    ):
        await db.execute("UPDATE coupon SET status = 'USABLE'")
        priced = await quoted(member_id, (sku, 1), **choices)
        assert priced.quote.coupon_ids == (coupon_id,)

        async def as_seen_before(*_: Any, priced: PricedDraft = priced, **__: Any) -> PricedDraft:
            return priced

        await db.execute("UPDATE coupon SET status = 'REVOKED'")
        with monkeypatch.context() as patched:
            patched.setattr(quoting, "quote_draft", as_seen_before)
            assert await refusal(member_id, (sku, 1), **choices) == [
                ("COUPON_NOT_APPLICABLE", path)
            ]
    assert await stock_of(sku) == {"available": 99, "reserved": 1, "sold": 0}


async def test_coupons_that_do_not_apply_say_why_and_what_is_missing() -> None:
    member_id, sku, other = await a_buyer(), await a_sku(5_000), await a_sku(100)
    below = await a_coupon(member_id)
    pieces = await a_coupon(member_id, min_spend_fen=0, min_pieces=3)
    later = await a_coupon(member_id, valid_from=NOW + timedelta(days=1))
    elsewhere = await a_coupon(
        member_id, scope=Scope(ScopeKind.PRODUCTS, frozenset({other.product_id}))
    )
    held = await a_coupon(member_id, min_spend_fen=0)
    await placed(member_id, (sku, 1), coupon_ids=(held,))
    usable = await a_coupon(member_id, FREE_SHIPPING)
    ended = await a_coupon(member_id, valid_until=NOW + timedelta(seconds=1))
    now = NOW + timedelta(seconds=2)
    shown = (await quoted(member_id, (sku, 1), now=now, coupon_ids=(usable, ended))).quote

    assert [(each.coupon_id, each.off_fen) for each in shown.usable_coupons] == [(usable, 800)]
    assert {
        each.coupon_id: (each.reason, each.missing_fen, each.missing_pieces)
        for each in shown.unusable_coupons
    } == {
        below: ("Spend {missing_fen} more on goods that this coupon covers.", 1_000, None),
        pieces: ("Add {missing_pieces} more of the goods that this coupon covers.", None, 2),
        later: ("This coupon is not valid yet.", None, None),
        elsewhere: ("No goods in this order are covered by this coupon.", None, None),
        held: ("This coupon is held by an unpaid order.", None, None),
        ended: ("This coupon has expired.", None, None),
    }
    assert told(shown) == [
        ("COUPON_NOT_APPLICABLE", ("couponIds", "1"), "This coupon has expired.")
    ]
    assert {(hint.coupon_id, hint.missing_fen, hint.missing_pieces) for hint in shown.hints} == {
        (below, 1_000, None),
        (pieces, None, 2),
    }


async def test_a_scope_reaches_goods_through_the_categories_above_them() -> None:
    fruit = await a_category("水果")
    apples = await a_category("苹果", fruit)
    product_id = await a_product("红富士", a_variant(20_000), categories=[apples])
    sku = SkuFacts(
        await db.fetch_value("SELECT id FROM sku WHERE product_id = $1", product_id), product_id
    )
    member_id = await a_buyer()
    inside = await a_coupon(member_id, scope=Scope(ScopeKind.CATEGORIES, frozenset({fruit})))
    await a_coupon(member_id, scope=Scope(ScopeKind.CATEGORIES, frozenset({new_id()})))
    shown = (await quoted(member_id, (sku, 1), best_coupons=True)).quote
    assert shown.coupon_ids == (inside,)


async def test_another_members_coupon_is_not_found_and_a_visitor_needs_consent() -> None:
    sku, member_id = await a_sku(10_000), await a_buyer()
    others = await a_coupon(await a_buyer())
    shown = (await quoted(member_id, (sku, 1), coupon_ids=(others,))).quote
    assert told(shown) == [("NOT_FOUND", ("couponIds", "0"), "There is no such coupon.")]

    visitor = await a_member(joined=False)
    await an_address(visitor)
    own = await a_coupon(visitor)
    shown = (await quoted(visitor, (sku, 1), coupon_ids=(own,))).quote
    assert [(code, path) for code, path, _ in told(shown)] == [
        ("CONSENT_REQUIRED", ("couponIds", "0"))
    ]
    assert (shown.payable_fen, shown.usable_coupons, shown.unusable_coupons) == (10_000, (), ())
    assert (await quoted(visitor, (sku, 1), best_coupons=True)).quote.coupon_ids == ()


async def test_under_a_new_version_nothing_is_used_until_it_is_accepted() -> None:
    sku, member_id = await a_sku(10_000), await a_buyer(points=1_000)
    own = await a_coupon(member_id)
    await agreements(effective_at=NOW)
    asked = await quoted(member_id, (sku, 1), coupon_ids=(own,), points_to_spend=100)
    assert [(code, path) for code, path, _ in told(asked.quote)] == [
        ("CONSENT_REQUIRED", ("couponIds", "0")),
        ("CONSENT_REQUIRED", ("pointsToSpend",)),
    ]
    # What is bought goes on earning: they have joined, and have refused nothing.
    assert (asked.quote.payable_fen, asked.quote.max_points_to_spend) == (10_000, 0)
    assert asked.quote.points_to_earn == 100
    await consents.record(member_id, JOINING, now=NOW)
    shown = await quoted(member_id, (sku, 1), coupon_ids=(own,), points_to_spend=100)
    assert (told(shown.quote), shown.quote.coupon_ids) == ([], (own,))
    assert shown.quote.points_spent == 100


async def test_the_best_pair_of_stored_coupons_beats_every_other() -> None:
    choices = random.Random(4)
    for _ in range(8):
        member_id = await a_buyer(points=2_000)
        lines = [
            (await a_sku(choices.randint(500, 6_000)), choices.randint(1, 3)) for _ in range(3)
        ]
        for _ in range(6):
            await a_coupon(
                member_id,
                amount_off_fen=choices.randint(100, 3_000),
                min_spend_fen=choices.choice([0, 3_000, 9_000, 12_000]),
                scope=choices.choice(
                    [Scope(), Scope(ScopeKind.PRODUCTS, frozenset({lines[0][0].product_id}))]
                ),
            )
        await a_coupon(
            member_id,
            kind=CouponKind.PERCENT_OFF,
            amount_off_fen=0,
            pay_bps=8_800,
            max_off_fen=choices.choice([None, 700]),
        )
        for max_off_fen in (300, 700, None):
            await a_coupon(member_id, FREE_SHIPPING, max_off_fen=max_off_fen)
        best = await quoted(member_id, *lines, best_coupons=True, use_max_points=True)
        request = best.draft.request
        held: list[Coupon | None] = [None, *request.coupons]
        pairs = [
            (goods, shipping)
            for goods in held
            for shipping in held
            if (goods is None or not goods.is_for_shipping)
            and (shipping is None or shipping.is_for_shipping)
        ]
        payables = [
            quote(
                replace(
                    request,
                    best_coupons=False,
                    coupon_ids=tuple(each.id for each in pair if each is not None),
                )
            ).payable_fen
            for pair in pairs
        ]
        assert len(payables) == 8 * 4
        assert best.quote.payable_fen == min(payables)


async def test_a_shipping_coupon_follows_the_order_and_is_let_go_where_nothing_is_left() -> None:
    far, near = ProvinceShipping(("54",), base_fen=2_000), ProvinceShipping(("11",), base_fen=0)
    rules = Rules(shipping=ShippingRules(exceptions=(far, near)))
    await rule_versions.publish(rules, effective_at=NOW, now=NOW)
    member_id, sku = await a_buyer(), await a_sku(7_000)
    goods = await a_coupon(member_id)
    shipping = await a_coupon(member_id, FREE_SHIPPING, max_off_fen=300)
    order_id = await placed(member_id, (sku, 1), coupon_ids=(goods, shipping))

    async def moved_to(region_code: str) -> tuple[int, int, list[UUID | None]]:
        address_id = await an_address(member_id, region_code=region_code, is_default=False)
        command = ChangeOrderAddress(member_id=member_id, order_id=order_id, address_id=address_id)
        await change_order_address(command, NO_WECHAT, DATA, now=NOW)
        row = await db.fetch_one("SELECT shipping_fen, payable_fen, discounts FROM sales_order")
        assert row is not None
        found = discounts_from_json(row["discounts"])
        return row["shipping_fen"], row["payable_fen"], [each.coupon_id for each in found]

    assert await moved_to(XIZANG) == (1_700, 8_200, [goods, shipping])
    assert await moved_to(SHANGHAI) == (500, 7_000, [goods, shipping])
    assert (await status_of(goods), await status_of(shipping)) == ("RESERVED", "RESERVED")
    assert await moved_to("110101") == (0, 6_500, [goods])
    assert (await status_of(goods), await status_of(shipping)) == ("RESERVED", "USABLE")
    assert await moved_to(SHANGHAI) == (800, 7_300, [goods])
    await assert_books_agree()


async def test_an_order_costs_what_was_quoted_whatever_applies() -> None:
    choices = random.Random(9)
    skus = [await a_sku(choices.randint(100, 9_000), stock=1_000) for _ in range(4)]
    scopes = [Scope(), Scope(ScopeKind.PRODUCTS, frozenset({skus[0].product_id}))]
    for scope in scopes:
        offers: list[Promotion] = [
            LimitedTimePrice(id=new_id(), title="限时", pay_bps=9_700, scope=scope),
            QuantityDiscount(
                id=new_id(),
                title="第2件半价",
                rule=QuantityRule.EVERY_NTH_PIECE,
                pieces=2,
                pay_bps=5_000,
                scope=scope,
            ),
            FullReduction(id=new_id(), title="满减", rungs=(Rung(5_000, 777),), scope=scope),
        ]
        for offer in offers:
            await running(offer)
    for _ in range(12):
        member_id = await a_buyer(tier=choices.choice(["REGULAR", "SILVER", "GOLD"]), points=3_000)
        for _ in range(3):
            await a_coupon(member_id, min_spend_fen=choices.choice([0, 2_000]))
        await a_coupon(member_id, FREE_SHIPPING)
        lines = [(sku, choices.randint(1, 5)) for sku in choices.sample(skus, 3)]
        wanted: dict[str, Any] = {
            "best_coupons": choices.random() < 0.7,
            "use_max_points": choices.random() < 0.7,
        }
        shown = (await quoted(member_id, *lines, **wanted)).quote
        assert {each.kind for each in shown.discounts} >= {DiscountKind.FULL_REDUCTION}
        await is_as_quoted(await bought(member_id, *lines, **wanted), shown)
    await assert_books_agree()


async def test_a_quote_reads_as_much_with_two_hundred_coupons_as_with_one(
    statements: StatementLog,
) -> None:
    await seventy_minus_ten()
    sku = await a_sku(10_000)
    counts = []
    for number in (1, 200):
        member_id = await a_buyer()
        for _ in range(number):
            await a_coupon(member_id, FIVE_OFF)
        for _ in range(2):  # The first finds terms and promotions that it doesn't know yet.
            await quoted(member_id, (sku, 1), best_coupons=True)
        async with statements.record() as heard:
            priced = await quoted(member_id, (sku, 1), best_coupons=True)
        assert len(priced.quote.usable_coupons) == number
        counts.append(len(heard))
    assert counts == [3, 3]
