"""Redeeming and cancelling on real PostgreSQL: points, cash, stock and limits, to the piece."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.campaigns import CampaignEnded, CampaignNotStarted, TierTooLow
from domain.errors import (
    ConsentRequired,
    DomainError,
    IdempotencyKeyReused,
    InsufficientPoints,
    InvalidInput,
    NotFound,
)
from domain.ledger import AccountKind, EntryReason
from domain.orders import DeliveryMethod
from domain.pricing import CouponStatus, Scope, ScopeKind
from domain.rewards import (
    RedemptionNotCancellable,
    RewardInvalid,
    RewardKind,
    RewardLimitReached,
    RewardSoldOut,
)
from models import database as db
from models.ids import new_id
from services import coupons, finality, points, reward_admin
from services.order_addresses import ChangeOrderAddress, change_order_address
from services.placing import DraftRefused, PriceChanged
from services.reversal import Reversal, reverse
from tests.factories.catalog import a_category
from tests.factories.coupons import FIVE_OFF
from tests.factories.orders import NO_WECHAT, lines_of, pay
from tests.factories.orders import cancelled as timed_out
from tests.factories.rewards import (
    a_code_reward,
    a_goods_reward,
    a_redeemer,
    a_reward,
    cancelled,
    left_of,
    order_of,
    pieces_of,
    redeemed,
)
from tests.factories.shop import (
    DATA,
    NOW,
    XIZANG,
    a_member,
    a_sku,
    a_store,
    an_address,
    stock_of,
)
from tests.support.shopping import assert_books_agree
from tests.support.wallets import earn, held

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
SPENDABLE = AccountKind.SPENDABLE


async def row_of(table: str, id_: UUID) -> Any:
    row = await db.fetch_one(f"SELECT * FROM {table} WHERE id = $1", id_)
    assert row is not None
    return row


async def order_row(redemption_id: UUID) -> Any:
    return await row_of("sales_order", await order_of(redemption_id))


# ── Coupons and codes ──


async def test_a_coupon_is_the_members_at_once() -> None:
    member_id = await a_redeemer(points=250)
    reward_id = await a_reward(points_price=100, quantity=3)
    redemption = await row_of("redemption", await redeemed(member_id, reward_id))
    assert (redemption["status"], redemption["points"], redemption["cash_fen"]) == (
        "FULFILLED",
        100,
        0,
    )
    [coupon] = await coupons.live(member_id, now=NOW)
    assert (coupon.id, coupon.title) == (redemption["coupon_id"], FIVE_OFF.name)
    # 30 days with today, so it ends as 21 December does.
    assert coupon.valid_until.isoformat() == "2026-12-21T16:00:00+00:00"
    assert await held(member_id) == {SPENDABLE: 150}
    assert (await left_of(reward_id), await pieces_of(member_id, reward_id)) == (2, 1)
    await assert_books_agree()


async def test_a_coupon_that_nobody_used_is_given_back_for_its_points() -> None:
    member_id = await a_redeemer(points=100)
    reward_id = await a_reward(points_price=100, quantity=1, per_member_limit=1)
    redemption_id = await redeemed(member_id, reward_id)
    for _ in range(2):
        await cancelled(member_id, redemption_id, key="again")
    await cancelled(member_id, redemption_id)
    row = await row_of("redemption", redemption_id)
    assert (row["status"], row["returned"]) == ("CANCELLED", 1)
    assert (await row_of("coupon", row["coupon_id"]))["status"] == CouponStatus.REVOKED
    assert await held(member_id) == {SPENDABLE: 100}
    assert (await left_of(reward_id), await pieces_of(member_id, reward_id)) == (1, 0)
    assert await redeemed(member_id, reward_id) != redemption_id
    await assert_books_agree()


async def test_a_coupon_that_is_held_used_or_over_is_not() -> None:
    member_id = await a_redeemer(points=300)
    reward_id = await a_reward(valid_days=1)
    used, over = await redeemed(member_id, reward_id), await redeemed(member_id, reward_id)
    coupon_id = (await row_of("redemption", used))["coupon_id"]
    await coupons.use_in_shop(coupon_id, member_id=member_id, purchase_id=None, now=NOW)
    for redemption_id, now in ((used, NOW), (over, NOW + DAY)):
        with pytest.raises(RedemptionNotCancellable):
            await cancelled(member_id, redemption_id, now=now)
    assert await held(member_id) == {SPENDABLE: 100}


async def test_codes_are_given_once_each_and_stay_told() -> None:
    member_id = await a_redeemer(points=1_000)
    reward_id = await a_code_reward("AAA-1", "BBB-2")
    assert await reward_admin.add_codes(reward_id, ["BBB-2", " CCC-3 "], DATA) == 1
    assert await left_of(reward_id) == 3
    given = []
    for _ in range(3):
        redemption_id = await redeemed(member_id, reward_id)
        sealed = await db.fetch_value(
            "SELECT code_encrypted FROM reward_code WHERE redemption_id = $1", redemption_id
        )
        assert b"AAA" not in sealed
        given.append(reward_admin.open_code(sealed, DATA))
    assert given == ["AAA-1", "BBB-2", "CCC-3"]
    with pytest.raises(RewardSoldOut):
        await redeemed(member_id, reward_id)
    with pytest.raises(RedemptionNotCancellable):
        await cancelled(member_id, redemption_id)
    assert await held(member_id) == {SPENDABLE: 700}
    await assert_books_agree()


# ── Who may, and how often ──


@pytest.mark.parametrize(
    ("facts", "refusal", "path"),
    [
        ({"starts_at": NOW + DAY}, CampaignNotStarted, "rewardId"),
        ({"ends_at": NOW}, CampaignEnded, "rewardId"),
        ({"min_tier_code": "GOLD"}, TierTooLow, "rewardId"),
        ({"points_price": 1_001}, InsufficientPoints, "rewardId"),
    ],
)
async def test_what_stands_in_the_way(
    facts: dict[str, Any], refusal: type[DomainError], path: str
) -> None:
    member_id = await a_redeemer(points=1_000, tier="SILVER")
    reward_id = await a_reward(**facts)
    with pytest.raises(refusal) as refused:
        await redeemed(member_id, reward_id)
    assert refused.value.path == (path,)
    assert await db.fetch_value("SELECT count(*) FROM redemption") == 0


async def test_a_visitor_and_an_unknown_reward() -> None:
    reward_id = await a_reward()
    with pytest.raises(ConsentRequired):
        await redeemed(await a_member(joined=False, points=500), reward_id)
    with pytest.raises(NotFound):
        await redeemed(await a_redeemer(), new_id())


async def test_one_that_was_withdrawn_is_over_and_what_was_redeemed_stands() -> None:
    member_id, reward_id = await a_redeemer(), await a_reward()
    redemption_id = await redeemed(member_id, reward_id)
    await reward_admin.withdraw(reward_id)
    with pytest.raises(CampaignEnded):
        await redeemed(member_id, reward_id)
    assert (await row_of("redemption", redemption_id))["status"] == "FULFILLED"


async def test_a_limit_counts_what_was_not_given_back() -> None:
    member_id = await a_redeemer(points=1_000)
    reward_id = await a_reward(per_member_limit=2)
    first = await redeemed(member_id, reward_id)
    await redeemed(member_id, reward_id)
    with pytest.raises(RewardLimitReached) as refused:
        await redeemed(member_id, reward_id)
    assert (refused.value.path, refused.value.facts) == (("rewardId",), {"limit": 2})
    await cancelled(member_id, first)
    await redeemed(member_id, reward_id)


async def test_the_same_key_is_the_same_redemption_even_of_the_last_piece() -> None:
    member_id = await a_redeemer(points=100)
    reward_id = await a_reward(points_price=100, quantity=1)
    first = await redeemed(member_id, reward_id, key="k")
    assert await redeemed(member_id, reward_id, key="k") == first
    with pytest.raises(IdempotencyKeyReused):
        await redeemed(member_id, await a_reward(), key="k")
    assert await held(member_id) == {}


@pytest.mark.parametrize("quantity", [0, 2])
async def test_coupons_and_codes_go_one_by_one(quantity: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        await redeemed(await a_redeemer(), await a_reward(), quantity)
    assert refused.value.path == ("quantity",)


# ── Goods ──


async def test_goods_for_points_alone_are_an_order_that_is_paid() -> None:
    member_id = await a_redeemer(points=1_000, tier="GOLD")  # GOLD ships for nothing.
    sku = await a_sku(4_990, stock=10)
    reward_id = await a_goods_reward(sku, points_price=300, quantity=5)
    redemption_id = await redeemed(member_id, reward_id, 2)
    order = await order_row(redemption_id)
    assert (order["kind"], order["status"]) == ("REDEMPTION", "AWAITING_SHIPMENT")
    assert (order["goods_total_fen"], order["points_off_fen"]) == (9_980, 9_980)
    assert (order["points_spent"], order["payable_fen"], order["shipping_fen"]) == (600, 0, 0)
    assert (order["points_earned"], order["growth_earned"]) == (0, 0)
    assert [each["kind"] for each in order["discounts"]] == ["POINTS", "SHIPPING"]
    assert await stock_of(sku) == {"available": 8, "reserved": 0, "sold": 2}
    assert await held(member_id) == {SPENDABLE: 400}
    assert (await left_of(reward_id), await pieces_of(member_id, reward_id)) == (3, 2)
    await assert_books_agree()


async def test_cash_and_shipping_are_paid_like_any_orders() -> None:
    member_id = await a_redeemer(points=1_000)
    sku = await a_sku(4_990, stock=10)
    reward_id = await a_goods_reward(sku, points_price=200, cash_price_fen=990)
    redemption_id = await redeemed(member_id, reward_id, 2, expected_payable_fen=2_780)
    order = await order_row(redemption_id)
    assert (order["status"], order["goods_total_fen"]) == ("AWAITING_PAYMENT", 9_980)
    assert (order["points_off_fen"], order["shipping_fen"]) == (8_000, 800)
    assert (order["payable_fen"], order["points_spent"]) == (2_780, 400)
    [line] = await db.fetch("SELECT * FROM order_line WHERE order_id = $1", order["id"])
    assert line["units"] == [[2, [4_000], 200, 990, 0, 0]]
    assert (line["unit_price_fen"], line["payable_fen"]) == (4_990, 1_980)
    assert await stock_of(sku) == {"available": 8, "reserved": 2, "sold": 0}
    await pay(order["id"])
    order = await order_row(redemption_id)
    assert (order["status"], order["points_earned"]) == ("AWAITING_SHIPMENT", 0)
    assert order["events_due_at"] is None
    assert await held(member_id) == {SPENDABLE: 600}
    await assert_books_agree()


async def test_free_shipping_goes_by_the_cash_that_is_paid() -> None:
    member_id = await a_redeemer(points=1_000)
    sku = await a_sku(50_000)
    below = await a_goods_reward(sku, points_price=1, cash_price_fen=9_899)
    reached = await a_goods_reward(sku, points_price=1, cash_price_fen=9_900)
    fees = [
        (await order_row(await redeemed(member_id, reward_id)))["shipping_fen"]
        for reward_id in (below, reached)
    ]
    assert fees == [800, 0]


async def test_another_address_does_not_make_points_pay_for_shipping() -> None:
    member_id = await a_redeemer(points=1_000)
    reward_id = await a_goods_reward(await a_sku(50_000), points_price=1, cash_price_fen=100)
    redemption_id = await redeemed(member_id, reward_id)
    order = await order_row(redemption_id)
    command = ChangeOrderAddress(
        member_id=member_id,
        order_id=order["id"],
        address_id=await an_address(member_id, is_default=False),
    )
    await change_order_address(command, NO_WECHAT, DATA, now=NOW)
    order = await order_row(redemption_id)
    assert (order["shipping_fen"], order["payable_fen"]) == (800, 900)
    assert [each["kind"] for each in order["discounts"]] == ["POINTS"]
    await assert_books_agree()


async def test_cash_above_the_list_price_is_the_price_and_no_tier_lowers_it() -> None:
    member_id = await a_redeemer(points=1_000, tier="GOLD")
    reward_id = await a_goods_reward(await a_sku(1_000), points_price=100, cash_price_fen=1_500)
    order = await order_row(await redeemed(member_id, reward_id))
    assert (order["goods_total_fen"], order["points_off_fen"]) == (1_500, 0)
    assert (order["payable_fen"], order["points_spent"]) == (1_500, 100)
    await assert_books_agree()


async def test_another_amount_than_the_member_saw_is_told() -> None:
    member_id = await a_redeemer()
    reward_id = await a_goods_reward(await a_sku(), cash_price_fen=100)
    with pytest.raises(PriceChanged) as changed:
        await redeemed(member_id, reward_id, expected_payable_fen=100)
    assert changed.value.facts == {"payable_fen": 900}
    assert await held(member_id) == {SPENDABLE: 1_000}


async def test_everything_that_stands_in_an_orders_way_stands_in_its_way() -> None:
    sku = await a_sku(stock=2, limit=1)
    reward_id = await a_goods_reward(sku, points_price=1)
    homeless, far = await a_redeemer(), await a_redeemer()
    await db.execute("DELETE FROM address WHERE member_id = $1", homeless)
    far_away = await an_address(far, region_code="710000", is_default=False)
    store_id = await a_store(is_open=False)

    async def problems(member_id: UUID, quantity: int = 1, **wish: Any) -> list[Any]:
        with pytest.raises(DraftRefused) as refused:
            await redeemed(member_id, reward_id, quantity, **wish)
        return [(problem.code.value, problem.path) for problem in refused.value.problems]

    assert await problems(homeless) == [("ADDRESS_REQUIRED", ("addressId",))]
    assert await problems(far, 2) == [("PURCHASE_LIMIT_REACHED", ("quantity",))]
    assert await problems(far, 3) == [("OUT_OF_STOCK", ("quantity",))]
    assert await problems(far, 100) == [("INVALID_INPUT", ("quantity",))]
    assert await problems(far, address_id=new_id()) == [("NOT_FOUND", ("addressId",))]
    assert (await problems(far, delivery=DeliveryMethod.PICKUP, store_id=store_id)) == [
        ("STORE_NOT_AVAILABLE", ("storeId",))
    ]
    await db.execute("UPDATE sku SET status = 'OFF_SALE'")
    assert await problems(far) == [("SKU_NOT_FOR_SALE", ("rewardId",))]
    assert far_away


async def test_goods_to_a_far_province_and_to_a_store() -> None:
    member_id = await a_redeemer()
    reward_id = await a_goods_reward(await a_sku(), points_price=1)
    xizang = await an_address(member_id, region_code=XIZANG, is_default=False)
    far = await order_row(await redeemed(member_id, reward_id, address_id=xizang))
    assert (far["region_code"], far["status"]) == (XIZANG, "AWAITING_PAYMENT")
    store_id = await a_store()
    near = await order_row(
        await redeemed(member_id, reward_id, delivery=DeliveryMethod.PICKUP, store_id=store_id)
    )
    assert (near["store_id"], near["status"]) == (store_id, "AWAITING_PICKUP")


@pytest.mark.parametrize("way", ["member", "timeout"])
async def test_an_unpaid_redemption_gives_everything_back(way: str) -> None:
    member_id = await a_redeemer(points=500)
    sku = await a_sku(4_990, stock=5, limit=3)
    reward_id = await a_goods_reward(
        sku, points_price=100, cash_price_fen=990, quantity=4, per_member_limit=3
    )
    redemption_id = await redeemed(member_id, reward_id, 3)
    if way == "member":
        for _ in range(2):
            await cancelled(member_id, redemption_id, now=NOW)
    else:
        await timed_out(await order_of(redemption_id), now=NOW + DAY)
    assert (await order_row(redemption_id))["status"] == "CANCELLED"
    assert await held(member_id) == {SPENDABLE: 500}
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    assert (await left_of(reward_id), await pieces_of(member_id, reward_id)) == (4, 0)
    assert await db.fetch_value("SELECT pieces FROM purchase_count") == 0
    reasons = await db.fetch("SELECT reason FROM ledger_transaction ORDER BY created_at, id")
    assert [row["reason"] for row in reasons][1:] == [
        EntryReason.REDEMPTION,
        EntryReason.REDEMPTION_RETURNED,
    ]
    await assert_books_agree()


async def test_a_paid_one_is_refunded_whole_until_it_is_shipped() -> None:
    member_id = await a_redeemer(points=500)
    sku = await a_sku(4_990, stock=5)
    reward_id = await a_goods_reward(sku, points_price=100, cash_price_fen=990, quantity=4)
    redemption_id = await redeemed(member_id, reward_id, 2)
    order_id = await order_of(redemption_id)
    await pay(order_id)
    for _ in range(2):
        await cancelled(member_id, redemption_id, key="again")
    await cancelled(member_id, redemption_id)
    order = await order_row(redemption_id)
    assert (order["status"], order["refunded_fen"]) == ("REFUNDED", 2_780)
    assert await held(member_id) == {SPENDABLE: 500}
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    assert (await left_of(reward_id), await pieces_of(member_id, reward_id)) == (4, 0)
    assert (await row_of("redemption", redemption_id))["cancelled_at"] == NOW
    [case] = await db.fetch("SELECT * FROM payment_case")
    assert (case["kind"], case["amount_fen"], case["status"]) == (
        "REDEMPTION_CANCELLED",
        2_780,
        "OPEN",
    )
    await assert_books_agree()


async def test_what_was_shipped_is_not_cancelled() -> None:
    member_id = await a_redeemer(tier="GOLD")
    redemption_id = await redeemed(member_id, await a_goods_reward(await a_sku(), points_price=10))
    await db.execute("UPDATE sales_order SET status = 'SHIPPED', shipped_at = $1", NOW)
    with pytest.raises(RedemptionNotCancellable):
        await cancelled(member_id, redemption_id)
    assert await held(member_id) == {SPENDABLE: 990}


async def test_a_refund_of_pieces_gives_back_their_points_cash_and_count() -> None:
    member_id = await a_redeemer(points=500)
    reward_id = await a_goods_reward(
        await a_sku(4_990, stock=5), points_price=100, cash_price_fen=990, quantity=4
    )
    redemption_id = await redeemed(member_id, reward_id, 3)
    order_id = await order_of(redemption_id)
    await pay(order_id)
    [line_id] = await lines_of(order_id)
    for pieces, shipped, points_left, left in ((1, 0, 300, 2), (2, 800, 500, 4)):
        refund = Reversal(
            refund_id=new_id(),
            order_id=order_id,
            quantities={line_id: pieces},
            before_shipment=True,
        )
        for repetition in range(2):
            done = await reverse(refund, now=NOW)
            assert (done.goods_fen, done.shipping_fen) == (990 * pieces, shipped), repetition
        assert await held(member_id) == {SPENDABLE: points_left}
        assert (await left_of(reward_id), await pieces_of(member_id, reward_id)) == (left, 4 - left)
    await assert_books_agree()


async def test_points_that_ended_meanwhile_come_back_for_thirty_days() -> None:
    member_id = await a_redeemer(points=0)
    await earn(member_id, 100, days=10)
    redemption_id = await redeemed(member_id, await a_reward(points_price=100, valid_days=60))
    later = NOW + 20 * DAY
    await cancelled(member_id, redemption_id, now=later)
    assert await points.spendable(member_id, now=later + 30 * DAY - timedelta(seconds=1)) == 100
    assert await points.spendable(member_id, now=later + 30 * DAY) == 0


async def test_another_member_cannot_cancel_it() -> None:
    redemption_id = await redeemed(await a_redeemer(), await a_reward())
    with pytest.raises(NotFound):
        await cancelled(await a_redeemer(), redemption_id)


async def test_a_received_redemption_becomes_final_and_earns_nothing() -> None:
    member_id = await a_redeemer(points=500)
    redemption_id = await redeemed(
        member_id, await a_goods_reward(await a_sku(), points_price=100, cash_price_fen=9_900)
    )
    order_id = await order_of(redemption_id)
    await pay(order_id)
    await db.execute("UPDATE sales_order SET status = 'SHIPPED', shipped_at = $1", NOW)
    await finality.receive(order_id, at=NOW)
    await finality.finalize_due(NOW + 9 * DAY)
    assert await held(member_id) == {SPENDABLE: 400}
    await assert_books_agree()


@pytest.mark.parametrize(
    ("facts", "problems"),
    [
        ({"points_price": 0}, ["points_price: 1 or more"]),
        ({"cash_price_fen": 1}, ["cash_price_fen: for GOODS alone"]),
        ({"terms": None}, ["terms: for COUPON, which has them"]),
        ({"valid_days": None}, ["valid_days: for COUPON, 1 or more"]),
        ({"terms": replace(FIVE_OFF, name="")}, ["terms.name: a coupon has one"]),
        (
            {"terms": replace(FIVE_OFF, scope=Scope(ScopeKind.CATEGORIES, frozenset({new_id()})))},
            ["terms.scope: not every category is there"],
        ),
        ({"valid_days": 0}, ["valid_days: for COUPON, 1 or more"]),
        ({"quantity": 0}, ["quantity: 1 or more, or none; VIRTUAL counts its codes"]),
        ({"per_member_limit": 0}, ["per_member_limit: 1 or more"]),
        ({"min_tier_code": "DIAMOND"}, ["min_tier_code: no tier has it"]),
        ({"ends_at": NOW - 2 * DAY}, ["ends_at: after starts_at"]),
        ({"name": " "}, ["name: 1 to 128 letters"]),
        (
            {"kind": RewardKind.GOODS, "sku_id": new_id()},
            ["sku: there is no such SKU"],
        ),
        (
            {"sku_id": new_id(), "name": "x" * 129},
            [
                "name: 1 to 128 letters",
                "sku: for GOODS, which name one",
                "sku: there is no such SKU",
            ],
        ),
        ({"kind": RewardKind.GOODS}, ["sku: for GOODS, which name one"]),
        (
            {"kind": RewardKind.VIRTUAL, "quantity": 3},
            ["quantity: 1 or more, or none; VIRTUAL counts its codes"],
        ),
    ],
)
async def test_what_no_reward_can_be(facts: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(RewardInvalid) as refused:
        await a_reward(**facts)
    assert refused.value.problems == problems
    assert await db.fetch_value("SELECT count(*) FROM reward") == 0


async def test_one_that_was_withdrawn_can_come_back() -> None:
    member_id, reward_id = await a_redeemer(), await a_reward()
    await reward_admin.withdraw(reward_id)
    await reward_admin.restore(reward_id)
    await redeemed(member_id, reward_id)
    for turn in (reward_admin.withdraw, reward_admin.restore):
        with pytest.raises(NotFound):
            await turn(new_id())


async def test_a_coupon_names_its_goods_and_goods_show_their_picture() -> None:
    category_id = await a_category("坚果")
    scope = Scope(ScopeKind.CATEGORIES, frozenset({category_id}))
    await a_reward(terms=replace(FIVE_OFF, scope=scope))
    assert await db.fetch_value("SELECT scope_title FROM coupon_terms") == "坚果"
    sku = await a_sku()
    await db.execute("UPDATE sku SET image_url = '/media/mug.png' WHERE id = $1", sku.id)
    pictured = await a_goods_reward(sku), await a_goods_reward(sku, image_url="/media/gift.png")
    shown = [(await row_of("reward", reward_id))["image_url"] for reward_id in pictured]
    assert shown == ["/media/mug.png", "/media/gift.png"]
