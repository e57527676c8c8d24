"""Coupons in quotes, carts and orders over the API; the worked example from end to end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.ledger import EntryReason, SourceKind
from domain.pricing import FullReduction, Rung
from domain.promotions import Scheduled
from models import database as db
from models.ids import new_id
from services import finality, points, promotions
from settings import Settings
from tests.factories.coupons import FIVE_OFF, FREE_SHIPPING, a_coupon
from tests.factories.members import signed_in_member
from tests.factories.shop import SkuFacts, a_cart_line, a_sku
from tests.support.graphql import GraphQLClient
from tests.support.shopping import Shopper, a_shopper, assert_books_agree
from tests.support.simulator import Simulator
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("live")

COUPONS = """
fragment Coupons on OrderQuote {
  discounts { kind title amount coupon { id status } }
  coupons { id }
  usableCoupons { coupon { id terms { name minSpend } validUntil } amountOff }
  unusableCoupons { coupon { id terms { name } } reason missingAmount missingPieces }
  hints { message missingAmount missingPieces coupon { id } }
  problems { code message path }
}
"""
QUOTE = f"""
query Checkout($d: OrderDraftInput!) {{
  quoteOrder(input: $d) {{
    ...Coupons lines {{ payable pointsOff discounts {{ kind amount coupon {{ id }} }} }}
    goodsTotal discountTotal shipping pointsSpent pointsOff payable pointsToEarn maxPointsToSpend
  }}
}} {COUPONS}
"""
CART = f"query {{ me {{ cart {{ quote {{ ...Coupons payable }} }} }} }} {COUPONS}"
PLACE = f"""
mutation Place($i: PlaceOrderInput!) {{
  placeOrder(input: $i) {{
    order {{ id status payable }} quote {{ ...Coupons payable }} userErrors {{ code path }}
  }}
}} {COUPONS}
"""
ORDER = """
query OrderPage($id: ID!) {
  order(id: $id) {
    status goodsTotal discountTotal shipping pointsSpent pointsOff payable paid pointsEarned finalAt
    discounts { kind title amount coupon { id status usedOn { id } } }
    lines { payable pointsOff }
  }
  me { points { balance pending } membership { growth } }
}
"""


@pytest.fixture
async def shopper(client: GraphQLClient, wxsim: Simulator) -> Shopper:
    return await a_shopper(client, wxsim)


async def coupon_of(member_id: UUID, *terms: Any, **changes: Any) -> str:
    now = datetime.now(UTC) - timedelta(minutes=1)
    window = {"valid_from": now, "valid_until": now + timedelta(days=7)} | changes
    return str(await a_coupon(member_id, *terms, **window))


def a_draft(*lines: tuple[SkuFacts, int], **choices: Any) -> dict[str, Any]:
    return {
        "lines": [{"skuId": str(sku.id), "quantity": quantity} for sku, quantity in lines]
    } | choices


async def test_the_worked_example_from_quote_to_finality(
    shopper: Shopper, wxsim: Simulator
) -> None:
    now = datetime.now(UTC)
    await promotions.publish(
        Scheduled(
            promotion=FullReduction(id=new_id(), title="满70减10", rungs=(Rung(7_000, 1_000),)),
            starts_at=now - timedelta(days=1),
            ends_at=now + timedelta(days=1),
        ),
        now=now,
    )
    await db.execute("UPDATE member SET tier_code = 'GOLD' WHERE id = $1", shopper.member_id)
    await points.grant(
        shopper.member_id,
        1000,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=now,
    )
    coupon_id = await coupon_of(shopper.member_id)
    lines = (await a_sku(999), 3), (await a_sku(5_001), 1)
    draft = a_draft(*lines, couponIds=[coupon_id], pointsToSpend=1000)

    seen = (await shopper.client.gql(QUOTE, {"d": draft}, shopper.token)).data["quoteOrder"]
    assert seen["problems"] == []
    assert [(each["kind"], each["title"], each["amount"]) for each in seen["discounts"]] == [
        ("MEMBER_PRICE", "金卡会员价", 400),
        ("FULL_REDUCTION", "满70减10", 1_000),
        ("COUPON", "满60减5", 500),
        ("POINTS", "积分抵扣", 1_000),
        ("SHIPPING", "金卡会员包邮", 1_000),
    ]
    assert [each["coupon"] and each["coupon"]["id"] for each in seen["discounts"]] == [
        *(None, None, coupon_id, None, None)
    ]
    assert [line["payable"] for line in seen["lines"]] == [1_910, 3_188]
    assert (seen["goodsTotal"], seen["discountTotal"], seen["shipping"]) == (7_998, 1_900, 0)
    assert (seen["pointsSpent"], seen["pointsOff"], seen["payable"]) == (1_000, 1_000, 5_098)
    assert seen["pointsToEarn"] == 76
    assert seen["coupons"] == [{"id": coupon_id}]

    given = {"draft": draft, "expectedPayable": 5_098, "idempotencyKey": "worked"}
    placed = (await shopper.client.gql(PLACE, {"i": given}, shopper.token)).data["placeOrder"]
    assert placed["userErrors"] == []
    order_id = placed["order"]["id"]
    assert placed["order"]["payable"] == 5_098
    await wxsim.pay(prepay_id=await shopper.prepay(order_id))
    assert (await shopper.refresh(order_id))["order"]["pointsEarned"] == 76

    await finality.receive(UUID(order_id), at=now)
    await finality.finalize_due(now + timedelta(days=9))
    page = (await shopper.client.gql(ORDER, {"id": order_id}, shopper.token)).data
    order = page["order"]
    assert [(each["kind"], each["amount"]) for each in order["discounts"]] == [
        (each["kind"], each["amount"]) for each in seen["discounts"]
    ]
    assert order["discounts"][2]["coupon"] == {
        "id": coupon_id,
        "status": "USED",
        "usedOn": {"id": order_id},
    }
    assert [(line["payable"], line["pointsOff"]) for line in order["lines"]] == [
        (1_910, 375),
        (3_188, 625),
    ]
    assert (order["paid"], order["pointsEarned"]) == (5_098, 76)
    assert order["finalAt"] is not None
    assert page["me"] == {
        "points": {"balance": 76, "pending": 0},
        "membership": {"growth": 509},
    }
    await assert_books_agree()


async def test_a_quote_tells_of_every_coupon(shopper: Shopper) -> None:
    usable, second = (
        await coupon_of(shopper.member_id),
        await coupon_of(shopper.member_id, amount_off_fen=300),
    )
    missing = await coupon_of(shopper.member_id, min_spend_fen=12_000, amount_off_fen=900)
    pieces = await coupon_of(shopper.member_id, min_spend_fen=0, min_pieces=2, amount_off_fen=900)
    sku = await a_sku(11_000)
    found = await shopper.client.gql(
        QUOTE, {"d": a_draft((sku, 1), bestCoupons=True)}, shopper.token
    )
    seen = found.data["quoteOrder"]
    assert [(each["coupon"]["id"], each["amountOff"]) for each in seen["usableCoupons"]] == [
        (usable, 500),
        (second, 300),
    ]
    assert seen["usableCoupons"][0]["coupon"]["terms"] == {"name": "满60减5", "minSpend": 6_000}
    told = {
        each["coupon"]["id"]: (each["reason"], each["missingAmount"], each["missingPieces"])
        for each in seen["unusableCoupons"]
    }
    assert told == {
        missing: ("再买 ¥10.00 适用商品即可使用。", 1_000, None),
        pieces: ("再买 1 件适用商品即可使用。", None, 1),
    }
    assert {each["coupon"]["id"] for each in seen["hints"] if each["coupon"]} == {missing, pieces}
    assert seen["coupons"] == [{"id": usable}]


async def test_the_cart_is_quoted_with_the_best_coupons(shopper: Shopper) -> None:
    coupon_id = await coupon_of(shopper.member_id)
    await a_cart_line(shopper.member_id, await a_sku(12_000))
    seen = (await shopper.client.gql(CART, token=shopper.token)).data["me"]["cart"]["quote"]
    assert (seen["payable"], seen["coupons"]) == (11_500, [{"id": coupon_id}])


async def test_a_coupon_that_cannot_be_used_is_named_with_its_place(shopper: Shopper) -> None:
    below, sku = await coupon_of(shopper.member_id), await a_sku(100)
    draft = a_draft((sku, 1), couponIds=[below, str(new_id())])
    given = {"draft": draft, "idempotencyKey": "k"}
    payload = (await shopper.client.gql(PLACE, {"i": given}, shopper.token)).data["placeOrder"]
    assert payload["order"] is None
    assert [(each["code"], each["path"]) for each in payload["userErrors"]] == [
        ("NOT_FOUND", ["draft", "couponIds", "1"]),
        ("COUPON_NOT_APPLICABLE", ["draft", "couponIds", "0"]),
    ]


async def test_strange_coupon_ids_are_refused_or_count_once(
    shopper: Shopper, settings: Settings
) -> None:
    own, sku = await coupon_of(shopper.member_id), await a_sku(20_000)
    others = await coupon_of((await signed_in_member(settings)).id)
    for ids, refusals, used in (
        (["nonsense"], [("NOT_FOUND", ["couponIds", "0"])], []),
        ([""], [("NOT_FOUND", ["couponIds", "0"])], []),
        ([own, others], [("NOT_FOUND", ["couponIds", "1"])], [own]),
        ([own, own], [], [own]),
        ([str(new_id()) for _ in range(101)], [("INVALID_INPUT", ["couponIds"])], []),
    ):
        draft = a_draft((sku, 1), couponIds=ids)
        found = await shopper.client.gql(QUOTE, {"d": draft}, shopper.token)
        seen = found.data["quoteOrder"]
        assert [(each["code"], each["path"]) for each in seen["problems"]] == refusals
        assert [each["id"] for each in seen["coupons"]] == used


async def test_two_taps_with_one_coupon_are_one_discount(shopper: Shopper) -> None:
    coupon_id, sku = await coupon_of(shopper.member_id), await a_sku(20_000)
    draft = a_draft((sku, 1), couponIds=[coupon_id])
    answers = await asyncio.gather(
        *(
            shopper.client.gql(
                PLACE, {"i": {"draft": draft, "idempotencyKey": f"k{number}"}}, shopper.token
            )
            for number in range(8)
        )
    )
    payloads = [answer.data["placeOrder"] for answer in answers]
    assert sum(payload["order"] is not None for payload in payloads) == 1
    refusals = [payload["userErrors"] for payload in payloads if payload["order"] is None]
    assert refusals == [
        [{"code": "COUPON_NOT_APPLICABLE", "path": ["draft", "couponIds", "0"]}] for _ in range(7)
    ]


async def test_another_price_shows_the_coupons_of_the_new_quote(shopper: Shopper) -> None:
    coupon_id, sku = await coupon_of(shopper.member_id), await a_sku(12_000)
    draft = a_draft((sku, 1), couponIds=[coupon_id])
    given = {"draft": draft, "expectedPayable": 12_000, "idempotencyKey": "k"}
    payload = (await shopper.client.gql(PLACE, {"i": given}, shopper.token)).data["placeOrder"]
    assert [each["code"] for each in payload["userErrors"]] == ["PRICE_CHANGED"]
    assert (payload["quote"]["payable"], payload["quote"]["coupons"]) == (
        11_500,
        [{"id": coupon_id}],
    )


async def test_coupons_of_a_quote_are_read_at_once(
    shopper: Shopper, statements: StatementLog
) -> None:
    sku = await a_sku(12_000)
    draft = {"d": a_draft((sku, 1), bestCoupons=True)}
    counts = []
    for number in (1, 20):
        for _ in range(number):
            await coupon_of(shopper.member_id, FIVE_OFF)
            await coupon_of(shopper.member_id, FIVE_OFF, min_spend_fen=50_000)
        await coupon_of(shopper.member_id, FREE_SHIPPING)
        for _ in range(2):
            await shopper.client.gql(QUOTE, draft, shopper.token)
        async with statements.record() as heard:
            answer = await shopper.client.gql(QUOTE, draft, shopper.token)
        assert len(answer.data["quoteOrder"]["usableCoupons"]) >= number
        counts.append(len(heard))
    assert counts[0] == counts[1] <= 6, counts
