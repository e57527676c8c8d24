"""A member's points and standing, as their pages show them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from models import database as db
from models.ids import new_id
from models.orders import Order, OrderReversal
from models.shop import ShopPurchase
from services import ledger, points, rules
from settings import Settings
from tests.factories.coupons import a_coupon
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.rewards import a_code_reward, redeemed
from tests.factories.shop import a_sku, a_store, an_address
from tests.support import wallets
from tests.support.graphql import GraphQLClient
from tests.support.shopping import PLACE
from tests.support.statements import StatementLog

ACCOUNT = "{ me { points { balance pending debt lifetimeEarned expiringSoon { points } } } }"
ENTRIES = """
query ($d: EntryDirection, $first: Int, $after: String) { me { points {
  entries(first: $first, after: $after, direction: $d) {
    nodes { delta balanceAfter reason title expiresAt order { orderNo } }
    pageInfo { hasNextPage hasPreviousPage endCursor } totalCount } } } }
"""
STANDING = """
{ me { membership { tier { code name } growth nextTier { code } growthToNextTier progress
  reviewAt growthToKeep lifetimeGrowth
  growthEntries { nodes { delta growthAfter reason title } } } } }
"""


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def give(member_id: UUID, amount: int, *, days: int) -> None:
    now = datetime.now(UTC)
    await points.grant(
        member_id,
        amount,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=now,
        expires_at=now + timedelta(days=days),
    )


async def grow(member_id: UUID, amount: int) -> None:
    posting = Posting(
        debit=system_account(AccountKind.GROWTH_ISSUED),
        credit=member_account(member_id, AccountKind.GROWTH),
        amount=amount,
    )
    await ledger.post(
        [posting],
        unit=Unit.GROWTH,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=datetime.now(UTC),
    )


async def entries(client: GraphQLClient, member: SignedInMember, **variables: Any) -> Any:
    answer = await client.gql(ENTRIES, variables, member.token)
    return answer.data["me"]["points"]["entries"]


async def test_a_new_member_has_nothing_yet(client: GraphQLClient, member: SignedInMember) -> None:
    answer = await client.gql(ACCOUNT, token=member.token)
    assert answer.data["me"]["points"] == {
        "balance": 0,
        "pending": 0,
        "debt": 0,
        "lifetimeEarned": 0,
        "expiringSoon": [],
    }
    assert (await entries(client, member))["nodes"] == []


async def test_a_lot_past_its_instant_is_not_counted_and_soon_is_thirty_days(
    client: GraphQLClient, member: SignedInMember
) -> None:
    for amount, days in ((5, -1), (10, 10), (20, 29), (40, 31), (80, 300)):
        await give(member.id, amount, days=days)
    shown = (await client.gql(ACCOUNT, token=member.token)).data["me"]["points"]
    assert (shown["balance"], shown["lifetimeEarned"]) == (150, 155)
    assert shown["expiringSoon"] == [{"points": 10}, {"points": 20}]


async def test_entries_are_read_newest_first_page_by_page(
    client: GraphQLClient, member: SignedInMember
) -> None:
    for amount in (10, 20, 30):
        await give(member.id, amount, days=100)
    async with db.in_transaction():
        await points.spend(
            member.id,
            15,
            reason=EntryReason.REDEMPTION,
            source=(SourceKind.ADJUSTMENT, new_id()),
            now=datetime.now(UTC),
        )
    first = await entries(client, member, first=2)
    assert [(e["delta"], e["balanceAfter"]) for e in first["nodes"]] == [(-15, 45), (30, 60)]
    assert first["nodes"][0]["expiresAt"] is None
    assert first["nodes"][1]["expiresAt"] is not None
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (4, True)
    rest = await entries(client, member, first=2, after=first["pageInfo"]["endCursor"])
    assert [e["delta"] for e in rest["nodes"]] == [20, 10]
    assert rest["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "endCursor": rest["pageInfo"]["endCursor"],
    }


async def test_entries_by_direction_and_in_the_readers_language(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await give(member.id, 10, days=100)
    async with db.in_transaction():
        await points.spend(
            member.id,
            4,
            reason=EntryReason.REDEMPTION,
            source=(SourceKind.ADJUSTMENT, new_id()),
            now=datetime.now(UTC),
        )
    came, went = await entries(client, member, d="IN"), await entries(client, member, d="OUT")
    assert [(e["delta"], e["title"]) for e in came["nodes"]] == [(10, "人工调整")]
    assert [(e["delta"], e["title"]) for e in went["nodes"]] == [(-4, "积分兑换")]
    assert (came["totalCount"], went["totalCount"]) == (1, 1)
    english = await client.gql(ENTRIES, {}, member.token, headers={"accept-language": "en"})
    titles = [e["title"] for e in english.data["me"]["points"]["entries"]["nodes"]]
    assert titles == ["Reward redeemed", "Adjustment"]


async def test_points_spent_on_an_order_name_it(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await give(member.id, 1_000, days=100)
    await an_address(member.id)
    sku = await a_sku(10_000)
    draft = {"lines": [{"skuId": str(sku.id), "quantity": 1}], "pointsToSpend": 1_000}
    given = {"draft": draft, "idempotencyKey": "k"}
    placed = (await client.gql(PLACE, {"i": given}, member.token)).data["placeOrder"]
    assert placed["userErrors"] == []
    assert placed["order"]["payable"] == 9_000
    spent, number = (await entries(client, member))["nodes"][0], placed["order"]["orderNo"]
    assert (spent["delta"], spent["reason"]) == (-1_000, "ORDER_DEDUCTION")
    assert (spent["order"], spent["title"]) == ({"orderNo": number}, f"订单 {number} 抵扣")
    english = await client.gql(ENTRIES, {}, member.token, headers={"accept-language": "en"})
    titles = [entry["title"] for entry in english.data["me"]["points"]["entries"]["nodes"]]
    assert titles == [f"Spent on order {number}", "Adjustment"]


async def test_what_points_bought_is_named(client: GraphQLClient, member: SignedInMember) -> None:
    now = datetime.now(UTC)
    await wallets.earn(member.id, 500, now=now)
    reward_id = await a_code_reward("CODE-1")
    await redeemed(member.id, reward_id, now=now)
    coupon_id = await a_coupon(member.id)
    store_id = await a_store()
    purchase = await ShopPurchase.create(
        member_id=member.id,
        store_id=store_id,
        source="till",
        source_id="1",
        amount_fen=4_000,
        points=40,
        growth=0,
        rule_version_id=(await rules.in_force(now=now)).version_id,
        tier_code="REGULAR",
        purchased_at=now,
    )
    async with db.in_transaction():
        await points.spend(
            member.id,
            50,
            reason=EntryReason.COUPON_CLAIM,
            source=(SourceKind.COUPON, coupon_id),
            now=now,
        )
    await points.grant(
        member.id,
        40,
        reason=EntryReason.SHOP_PURCHASE,
        source=(SourceKind.SHOP_PURCHASE, purchase.id),
        now=now,
    )
    terms = await db.fetch_one("SELECT name, name_en FROM coupon_terms")
    store = await db.fetch_value("SELECT name FROM store")
    assert terms is not None
    found = (await entries(client, member))["nodes"]
    assert [each["title"] for each in found] == [
        f"{store}消费",
        f"兑换优惠券：{terms['name']}",
        "积分兑换：视频会员月卡",
        "购物订单",
    ]
    english = await client.gql(ENTRIES, {}, member.token, headers={"accept-language": "en"})
    titles = [each["title"] for each in english.data["me"]["points"]["entries"]["nodes"]]
    assert titles[:2] == [f"Purchase at {store}", f"Coupon bought: {terms['name_en']}"]


async def test_what_a_refund_brings_and_takes_names_its_order(
    client: GraphQLClient, member: SignedInMember
) -> None:
    order = await Order.create(
        order_no="2611220001",
        member_id=member.id,
        status="CANCELLED",
        delivery="PICKUP",
        goods_total_fen=0,
        discount_total_fen=0,
        shipping_fen=0,
        points_spent=0,
        points_off_fen=0,
        payable_fen=0,
        tier_code="REGULAR",
        placed_at=datetime.now(UTC),
        pay_before=datetime.now(UTC),
    )
    refund = await OrderReversal.create(
        order_id=order.id,
        lines=[],
        goods_fen=0,
        shipping_fen=0,
        points_returned=30,
        points_taken=50,
        growth_taken=0,
        coupon_returned=False,
        before_shipment=True,
        created_at=datetime.now(UTC),
    )
    now, source = datetime.now(UTC), (SourceKind.REFUND, refund.id)
    earned = await wallets.earn(member.id, 40, source=(SourceKind.ORDER, order.id), now=now)
    spent = await wallets.spend(member.id, 30, now=now)
    await wallets.give_back(member.id, 30, spent, source=source, now=now)
    await wallets.take_back(member.id, 50, earned, source=source, now=now)
    found = (await entries(client, member))["nodes"]
    assert [(each["delta"], each["title"]) for each in found] == [
        (-40, "订单 2611220001 退款"),
        (30, "订单 2611220001 抵扣退回"),
        (-30, "下单抵扣"),
        (40, "购物订单 2611220001"),
    ]
    numbers = [each["order"] and each["order"]["orderNo"] for each in found]
    assert numbers == ["2611220001", "2611220001", None, "2611220001"]


@pytest.mark.parametrize(
    ("variables", "argument"),
    [({"first": 0}, "first"), ({"first": 101}, "first"), ({"after": "x"}, "after")],
    ids=["none", "many", "cursor"],
)
async def test_wrong_arguments_are_named(
    client: GraphQLClient, member: SignedInMember, variables: dict[str, Any], argument: str
) -> None:
    answer = await client.gql(ENTRIES, variables, member.token)
    assert answer.error_codes == ["BAD_REQUEST"]
    assert answer.errors[0]["extensions"]["argument"] == argument


async def test_entries_cost_the_same_with_more_rows(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog
) -> None:
    await give(member.id, 1, days=100)
    await entries(client, member)
    async with statements.record() as few:
        await entries(client, member)
    for _ in range(19):
        await give(member.id, 1, days=100)
    async with statements.record() as many:
        await entries(client, member)
    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("growth", "missing", "progress"),
    [(0, 3_000, 0.0), (750, 2_250, 0.25), (2_999, 1, 2999 / 3000)],
)
async def test_how_far_the_next_tier_is(
    client: GraphQLClient,
    member: SignedInMember,
    growth: int,
    missing: int,
    progress: float,
) -> None:
    if growth:
        await grow(member.id, growth)
    shown = (await client.gql(STANDING, token=member.token)).data["me"]["membership"]
    assert shown["tier"] == {"code": "REGULAR", "name": "普卡"}
    assert shown["nextTier"] == {"code": "SILVER"}
    assert (shown["growth"], shown["growthToNextTier"]) == (growth, missing)
    assert shown["progress"] == progress
    assert (shown["reviewAt"], shown["growthToKeep"]) == (None, None)


async def test_the_top_has_no_next_and_is_reviewed(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await grow(member.id, 6_500)
    await db.execute(
        """
        UPDATE member SET tier_code = 'GOLD', tier_since = now(), tier_since_seq = 1,
                          tier_review_at = now() + interval '1 year' WHERE id = $1
        """,
        member.id,
    )
    shown = (await client.gql(STANDING, token=member.token)).data["me"]["membership"]
    assert (shown["tier"]["code"], shown["nextTier"], shown["progress"]) == ("GOLD", None, 1.0)
    assert shown["growthToNextTier"] is None
    assert shown["growthToKeep"] == 6_000  # Nothing was earned since the tier was reached.
    assert shown["growthEntries"]["nodes"] == [
        {"delta": 6_500, "growthAfter": 6_500, "reason": "ADJUSTMENT", "title": "人工调整"}
    ]
