"""Quoting, placing and reading orders over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from api.schema import member_engine
from domain.rules import OrderRules, ProvinceShipping, Rules, ShippingRules
from models import database as db
from models.ids import new_id
from services import rules as rule_versions
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.shop import (
    XIZANG,
    SkuFacts,
    a_cart_line,
    a_sku,
    a_store,
    an_address,
    stock_of,
)
from tests.support.graphql import Answer, GraphQLClient
from tests.support.shopping import a_shopper
from tests.support.simulator import Simulator
from tests.support.statements import StatementLog

QUOTE = """
query Checkout($d: OrderDraftInput!) {
  quoteOrder(input: $d) {
    lines { sku { id } quantity unitPrice payable discounts { kind title amount } }
    goodsTotal discountTotal shipping payable pointsToEarn maxPointsToSpend
    discounts { kind title amount } hints { message missingAmount } store { id name }
    address { id } problems { code message path }
  }
}
"""
PLACE = """
mutation Place($i: PlaceOrderInput!) {
  placeOrder(input: $i) {
    order { id orderNo status kind payable payBefore }
    quote { payable problems { code } }
    userErrors { code message path }
  }
}
"""
ORDER_PAGE = """
query OrderPage($id: ID!) {
  order(id: $id) {
    id orderNo status kind delivery
    address { name phone province city district detail }
    store { name address } pickupCode
    lines {
      id productName skuName imageUrl quantity unitPrice discountTotal payable pointsOff
      refundableQuantity refundableAmount sku { id }
    }
    goodsTotal discountTotal shipping pointsSpent pointsOff payable paid refunded pointsEarned
    discounts { kind title amount } timeline { at kind title } actions
    refundableUntil autoReceiptAt finalAt wechatPayment { transactionId merchantId }
    remark placedAt payBefore paidAt completedAt cancelReason
  }
}
"""
ORDERS = """
query Orders($s: [OrderStatus!], $k: String, $first: Int, $after: String) {
  me {
    counts { ordersAwaitingPayment ordersAwaitingShipment ordersAwaitingReceipt cartPieces }
    orders(statuses: $s, keyword: $k, first: $first, after: $after) {
      nodes {
        id orderNo status kind payable payBefore actions
        lines { id productName skuName imageUrl quantity unitPrice }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
TOTAL = "query($s: [OrderStatus!]) { me { orders(statuses: $s, first: 1) { totalCount } } }"
CHANGE_ADDRESS = """
mutation ($i: ChangeOrderAddressInput!) {
  changeOrderAddress(input: $i) {
    order { shipping payable address { province } discounts { kind amount } }
    userErrors { code path }
  }
}
"""


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    member = await signed_in_member(settings)
    await an_address(member.id)
    return member


@pytest.fixture
async def stranger(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


def a_draft(*lines: tuple[SkuFacts, int], **choices: Any) -> dict[str, Any]:
    return {
        "lines": [{"skuId": str(sku.id), "quantity": quantity} for sku, quantity in lines],
        **choices,
    }


async def quote(client: GraphQLClient, member: SignedInMember, draft: dict[str, Any]) -> Any:
    return (await client.gql(QUOTE, {"d": draft}, member.token)).data["quoteOrder"]


async def place(
    client: GraphQLClient, member: SignedInMember, draft: dict[str, Any], **more: Any
) -> Any:
    given = {"draft": draft, "idempotencyKey": "k", **more}
    return (await client.gql(PLACE, {"i": given}, member.token)).data["placeOrder"]


async def placed(client: GraphQLClient, member: SignedInMember, sku: SkuFacts, key: str) -> str:
    payload = await place(client, member, a_draft((sku, 1)), idempotencyKey=key)
    assert payload["userErrors"] == []
    return str(payload["order"]["id"])


async def order_page(
    client: GraphQLClient, token: str | None, order_id: str, **headers: str
) -> Any:
    answer = await client.gql(ORDER_PAGE, {"id": order_id}, token, headers=headers)
    return answer.data["order"]


async def orders(client: GraphQLClient, member: SignedInMember, **given: Any) -> Answer:
    return await client.gql(ORDERS, given, member.token)


async def test_a_quote_names_every_fen(client: GraphQLClient, member: SignedInMember) -> None:
    await db.execute("UPDATE member SET tier_code = 'SILVER'")
    sku = await a_sku(1000)
    found = await quote(client, member, a_draft((sku, 3)))
    assert (found["goodsTotal"], found["discountTotal"]) == (3000, 60)
    assert (found["shipping"], found["payable"]) == (800, 3740)
    assert found["discounts"] == [{"kind": "MEMBER_PRICE", "title": "银卡会员价", "amount": 60}]
    assert found["pointsToEarn"] == 35
    assert found["hints"] == [{"message": "再买 ¥69.60 包邮", "missingAmount": 6960}]
    assert found["problems"] == []


async def test_a_placed_order_costs_what_was_quoted(
    client: GraphQLClient, member: SignedInMember
) -> None:
    sku = await a_sku(999, stock=5)
    draft = a_draft((sku, 3))
    seen = (await quote(client, member, draft))["payable"]
    payload = await place(client, member, draft, expectedPayable=seen)
    assert payload["userErrors"] == []
    assert payload["quote"] is None
    order = payload["order"]
    assert (order["status"], order["kind"], order["payable"]) == (
        "AWAITING_PAYMENT",
        "NORMAL",
        seen,
    )
    assert len(order["orderNo"]) == 20
    assert await stock_of(sku) == {"available": 2, "reserved": 3, "sold": 0}
    assert await place(client, member, draft, expectedPayable=seen) == payload


async def test_another_price_answers_with_the_new_quote(
    client: GraphQLClient, member: SignedInMember
) -> None:
    sku = await a_sku(1000)
    payload = await place(client, member, a_draft((sku, 1)), expectedPayable=1799)
    assert payload == {
        "order": None,
        "quote": {"payable": 1800, "problems": []},
        "userErrors": [
            {
                "code": "PRICE_CHANGED",
                "message": "价格已变为 ¥18.00，请确认后重新下单。",
                "path": ["expectedPayable"],
            }
        ],
    }
    assert await stock_of(sku) == {"available": 100, "reserved": 0, "sold": 0}


async def test_sold_out_says_what_is_left_and_where(
    client: GraphQLClient, member: SignedInMember
) -> None:
    plenty, few = await a_sku(), await a_sku(stock=2, name="梨")
    payload = await place(client, member, a_draft((plenty, 1), (few, 3)))
    assert payload == {
        "order": None,
        "quote": None,
        "userErrors": [
            {
                "code": "OUT_OF_STOCK",
                "message": "梨仅剩 2 件。",
                "path": ["draft", "lines", "1", "quantity"],
            }
        ],
    }


@pytest.mark.parametrize(
    ("draft", "path"),
    [
        ({}, ["lines"]),
        ({"lines": []}, ["lines"]),
        ({"lines": [{"skuId": "x", "quantity": 0}]}, ["lines", "0", "quantity"]),
        ({"lines": [{"skuId": "x", "quantity": -1}]}, ["lines", "0", "quantity"]),
        ({"lines": [{"skuId": "x", "quantity": 100}]}, ["lines", "0", "quantity"]),
        ({"lines": [{"skuId": str(new_id()), "quantity": 1}] * 101}, ["lines"]),
        ({"lines": [{"skuId": "x", "quantity": 1}], "fromCart": True}, ["fromCart"]),
        ({"fromCart": True}, ["fromCart"]),
    ],
)
async def test_bad_drafts_are_invalid_input_and_do_nothing(
    client: GraphQLClient, member: SignedInMember, draft: dict[str, Any], path: list[str]
) -> None:
    found = await quote(client, member, draft)
    assert [(each["code"], each["path"]) for each in found["problems"]] == [("INVALID_INPUT", path)]
    assert (found["payable"], found["lines"]) == (0, [])
    payload = await place(client, member, draft)
    assert [(each["code"], each["path"]) for each in payload["userErrors"]] == [
        ("INVALID_INPUT", ["draft", *path])
    ]
    assert payload["order"] is None
    assert await db.fetch_value("SELECT count(*) FROM idempotency_key") == 0


@pytest.mark.parametrize("document", [QUOTE, PLACE])
async def test_a_quantity_beyond_integers_is_a_broken_request(
    client: GraphQLClient, member: SignedInMember, document: str
) -> None:
    draft = {"lines": [{"skuId": str(new_id()), "quantity": 2**31}]}
    variables = {"d": draft, "i": {"draft": draft, "idempotencyKey": "k"}}
    name = "d" if document is QUOTE else "i"
    answer = await client.gql(document, {name: variables[name]}, member.token)
    assert answer.error_codes == ["BAD_REQUEST"]


async def test_one_key_is_for_one_body(client: GraphQLClient, member: SignedInMember) -> None:
    sku = await a_sku()
    await place(client, member, a_draft((sku, 1)))
    payload = await place(client, member, a_draft((sku, 2)))
    assert payload["order"] is None
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
    assert await stock_of(sku) == {"available": 99, "reserved": 1, "sold": 0}


@pytest.mark.parametrize("key", ["", "k" * 129, "\x00"])
async def test_a_key_has_bounds(client: GraphQLClient, member: SignedInMember, key: str) -> None:
    payload = await place(client, member, a_draft((await a_sku(), 1)), idempotencyKey=key)
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["idempotencyKey"])


async def test_an_address_of_another_member_is_not_there(
    client: GraphQLClient, member: SignedInMember, stranger: SignedInMember
) -> None:
    theirs = await an_address(stranger.id)
    draft = a_draft((await a_sku(), 1), addressId=str(theirs))
    payload = await place(client, member, draft)
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["draft", "addressId"])
    assert (await quote(client, member, draft))["address"] is None


async def test_an_order_page_shows_everything_to_its_owner(
    client: GraphQLClient, member: SignedInMember
) -> None:
    sku = await a_sku(1000, option="红色")
    order_id = await placed(client, member, sku, "k")
    order = await order_page(client, member.token, order_id)
    assert order["address"] == {
        "name": "张三",
        "phone": "13800138000",
        "province": "上海市",
        "city": "上海市",
        "district": "浦东新区",
        "detail": "世纪大道 100 号",
    }
    [line] = order["lines"]
    assert (line["productName"], line["skuName"], line["quantity"]) == ("苹果", "红色", 1)
    assert (line["unitPrice"], line["payable"]) == (1000, 1000)
    assert (line["refundableQuantity"], line["refundableAmount"]) == (0, 0)
    assert line["sku"] == {"id": str(sku.id)}
    assert (order["goodsTotal"], order["shipping"], order["payable"]) == (1000, 800, 1800)
    assert (order["paid"], order["refunded"], order["pointsEarned"]) == (0, 0, 0)
    assert order["actions"] == ["PAY", "CHANGE_ADDRESS", "CANCEL"]
    assert [(step["kind"], step["title"]) for step in order["timeline"]] == [("PLACED", "提交订单")]
    placed_at = datetime.fromisoformat(order["placedAt"])
    assert datetime.fromisoformat(order["payBefore"]) == placed_at + timedelta(minutes=30)
    for name in ("store", "pickupCode", "refundableUntil", "autoReceiptAt", "finalAt"):
        assert order[name] is None
    for name in ("wechatPayment", "paidAt", "completedAt", "cancelReason", "remark"):
        assert order[name] is None
    english = await order_page(client, member.token, order_id, **{"accept-language": "en"})
    assert english["timeline"][0]["title"] == "Order placed"


async def test_a_paid_order_can_be_refunded_and_no_longer_paid(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    shopper = await a_shopper(client, wxsim)
    order = await shopper.place(await a_sku(1000), 2)
    await wxsim.fault("notify.drop")
    await wxsim.pay(prepay_id=await shopper.prepay(order["id"]))
    await shopper.refresh(order["id"])
    page = await order_page(client, shopper.token, order["id"])
    assert (page["status"], page["paid"], page["payBefore"]) == ("AWAITING_SHIPMENT", 2800, None)
    assert [(line["refundableQuantity"], line["refundableAmount"]) for line in page["lines"]] == [
        (2, 2000)
    ]
    assert page["actions"] == ["BUY_AGAIN"]
    assert page["wechatPayment"]["merchantId"]
    assert [step["title"] for step in page["timeline"]] == ["提交订单", "支付成功"]


async def test_a_pickup_code_is_shown_while_it_awaits_pickup(
    client: GraphQLClient, member: SignedInMember
) -> None:
    store_id = str(await a_store())
    draft = a_draft((await a_sku(0), 1), delivery="PICKUP", storeId=store_id)
    payload = await place(client, member, draft)
    order_id = payload["order"]["id"]
    assert (payload["order"]["status"], payload["order"]["payBefore"]) == ("AWAITING_PICKUP", None)
    order = await order_page(client, member.token, order_id)
    assert order["store"]["name"] == "人民广场店"
    assert len(order["pickupCode"]) == 8
    await db.execute(
        "UPDATE sales_order SET status = 'COMPLETED', received_at = $1", datetime.now(UTC)
    )
    assert (await order_page(client, member.token, order_id))["pickupCode"] is None


async def test_deadlines_follow_the_rules_of_the_order(
    client: GraphQLClient, member: SignedInMember
) -> None:
    order_id = await placed(client, member, await a_sku(), "k")
    shipped = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
    await db.execute(
        "UPDATE sales_order SET status = 'SHIPPED', timeout_due_at = NULL, shipped_at = $1", shipped
    )
    # A later version of the rules changes nothing for this order.
    rules = Rules(orders=OrderRules(auto_receipt_days=3, no_reason_return_days=1))
    await rule_versions.publish(rules, effective_at=shipped, now=shipped)
    order = await order_page(client, member.token, order_id)
    assert datetime.fromisoformat(order["autoReceiptAt"]) == shipped + timedelta(days=10)
    assert order["refundableUntil"] is None
    await db.execute("UPDATE sales_order SET status = 'COMPLETED', received_at = $1", shipped)
    order = await order_page(client, member.token, order_id)
    until = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
    assert datetime.fromisoformat(order["refundableUntil"]) == until


async def test_an_order_of_another_member_is_not_there(
    client: GraphQLClient, member: SignedInMember, stranger: SignedInMember
) -> None:
    order_id = await placed(client, member, await a_sku(), "k")
    assert await order_page(client, stranger.token, order_id) is None
    assert await order_page(client, None, order_id) is None
    assert await order_page(client, member.token, str(new_id())) is None
    assert await order_page(client, member.token, "nothing") is None
    assert (await orders(client, stranger)).data["me"]["orders"]["nodes"] == []


async def test_orders_by_tab_keyword_and_page(
    client: GraphQLClient, member: SignedInMember
) -> None:
    skus = [await a_sku(name=name) for name in ("苹果", "Pear 梨", "苹果汁")]
    ids = [await placed(client, member, sku, f"k{place}") for place, sku in enumerate(skus)]
    await db.execute(
        "UPDATE sales_order SET status = 'CANCELLED', timeout_due_at = NULL WHERE id = $1",
        UUID(ids[1]),
    )

    async def found(**given: Any) -> list[str]:
        nodes = (await orders(client, member, **given)).data["me"]["orders"]["nodes"]
        return [node["id"] for node in nodes]

    assert await found() == ids[::-1]
    assert await found(s=[]) == ids[::-1]
    assert await found(s=["AWAITING_PAYMENT"]) == [ids[2], ids[0]]
    assert await found(s=["CANCELLED", "COMPLETED"]) == [ids[1]]
    assert await found(k=" 苹果 ") == [ids[2], ids[0]]
    assert await found(k="pEAR") == [ids[1]]
    assert await found(k="苹果", s=["CANCELLED"]) == []
    assert await found(k="%") == []
    order_no = await db.fetch_value("SELECT order_no FROM sales_order WHERE id = $1", UUID(ids[1]))
    assert await found(k=order_no) == [ids[1]]

    page = (await orders(client, member, first=2)).data["me"]["orders"]
    assert page["pageInfo"]["hasNextPage"] is True
    after = page["pageInfo"]["endCursor"]
    assert await found(first=2, after=after) == [ids[0]]
    total = (await client.gql(TOTAL, {"s": ["AWAITING_PAYMENT"]}, member.token)).data
    assert total["me"]["orders"]["totalCount"] == 2


@pytest.mark.parametrize(
    "given", [{"first": 0}, {"first": 101}, {"after": "nonsense"}, {"k": "长" * 65}]
)
async def test_wrong_arguments_of_the_list_are_broken_requests(
    client: GraphQLClient, member: SignedInMember, given: dict[str, Any]
) -> None:
    answer = await orders(client, member, **given)
    assert answer.error_codes == ["BAD_REQUEST"]


async def test_counts_say_what_waits(client: GraphQLClient, member: SignedInMember) -> None:
    sku = await a_sku()
    await a_cart_line(member.id, sku, 7)
    statuses = ("AWAITING_PAYMENT", "AWAITING_SHIPMENT", "SHIPPED", "AWAITING_PICKUP", "COMPLETED")
    for status in statuses:
        order_id = await placed(client, member, sku, status)
        if status != "AWAITING_PAYMENT":
            await db.execute(
                "UPDATE sales_order SET status = $2, timeout_due_at = NULL WHERE id = $1",
                UUID(order_id),
                status,
            )
    assert (await orders(client, member)).data["me"]["counts"] == {
        "ordersAwaitingPayment": 1,
        "ordersAwaitingShipment": 1,
        "ordersAwaitingReceipt": 2,
        "cartPieces": 7,
    }


@pytest.mark.parametrize("number", [1, 20])
async def test_a_list_of_orders_costs_the_same_with_more_rows(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog, number: int
) -> None:
    sku = await a_sku()
    await orders(client, member)
    for place_ in range(number):
        await placed(client, member, sku, f"k{place_}")
    async with statements.record() as heard:
        answer = await orders(client, member)
    assert len(answer.data["me"]["orders"]["nodes"]) == number
    assert len(heard) == 1, heard  # The counts, the orders, and their lines.


async def test_the_member_comes_with_the_lists_of_their_orders(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog
) -> None:
    sku = await a_sku()
    ids = [await placed(client, member, sku, f"k{place}") for place in range(3)]
    document = """{
      me {
        memberNo points { balance } membership { growth }
        newest: orders(first: 1) { nodes { id lines { quantity } } }
        all: orders { nodes { id lines { refundableQuantity } } pageInfo { hasNextPage } }
      }
      order(id: "%s") { lines { quantity } }
    }"""
    async with statements.record() as heard:
        answer = await client.gql(document % ids[1], token=member.token)
    me = answer.data["me"]
    assert me["membership"] == {"growth": 0}
    assert me["newest"]["nodes"] == [{"id": ids[2], "lines": [{"quantity": 1}]}]
    assert me["all"] == {
        "nodes": [{"id": id_, "lines": [{"refundableQuantity": 0}]} for id_ in ids[::-1]],
        "pageInfo": {"hasNextPage": False},
    }
    assert answer.data["order"] == {"lines": [{"quantity": 1}]}
    # Both lists; an order by its id. All lines came with the lists.
    assert len(heard) == 2, heard


def selections(type_name: str) -> list[str]:
    """Return the fields of a type, each with something below it where it is an object."""
    type_ = member_engine().schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    found = []
    for name, field in type_.fields.items():
        is_leaf = is_leaf_type(get_named_type(field.type))
        found.append(name if is_leaf else f"{name} {{ __typename }}")
    return found


@pytest.mark.parametrize(
    "selection",
    [*selections("Order"), *(f"lines {{ {field} }}" for field in selections("OrderLine"))],
)
async def test_each_field_alone_reads_in_a_list_what_it_reads_on_the_page(
    client: GraphQLClient, member: SignedInMember, selection: str
) -> None:
    order_id = await placed(client, member, await a_sku(), "k")
    await db.execute(
        "UPDATE sales_order SET status = 'SHIPPED', timeout_due_at = NULL, shipped_at = $1,"
        " paid_at = $1, received_at = $1, remark = 'at the door', cancel_reason = 'MEMBER'",
        datetime(2026, 11, 22, tzinfo=UTC),
    )
    asked = f"fragment Asked on Order {{ {selection} }}"
    ways = """query ($id: ID!) {
      order(id: $id) { ...Asked }
      me { orders { nodes { ...Asked } edges { node { ...Asked } } } }
    }"""
    answer = await client.gql(ways + asked, {"id": order_id}, member.token)
    assert answer.error_codes == []
    order, listed = answer.data["order"], answer.data["me"]["orders"]
    assert listed == {"nodes": [order], "edges": [{"node": order}]}
    alone = "{ me { orders { nodes { ...Asked } } } }"
    found = await client.gql(alone + asked, token=member.token)
    assert found.data == {"me": {"orders": {"nodes": [order]}}}


async def change_address(
    client: GraphQLClient, token: str, order_id: str, address_id: UUID | str
) -> Any:
    given = {"orderId": order_id, "addressId": str(address_id)}
    return (await client.gql(CHANGE_ADDRESS, {"i": given}, token)).data["changeOrderAddress"]


async def publish(exception: ProvinceShipping) -> None:
    """Publish rules with another shipping to a province, in force since yesterday."""
    rules = Rules(shipping=ShippingRules(exceptions=(exception,)))
    now = datetime.now(UTC)
    await rule_versions.publish(rules, effective_at=now - timedelta(days=1), now=now)


DEAR_SHIPPING_TO_XIZANG = ProvinceShipping(("54",), base_fen=2000)


async def test_another_address_has_its_own_shipping(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await publish(DEAR_SHIPPING_TO_XIZANG)
    sku = await a_sku(1000)
    order_id = await placed(client, member, sku, "k")
    far = await an_address(member.id, region_code=XIZANG, is_default=False)
    for _ in range(2):
        payload = await change_address(client, member.token, order_id, far)
        assert payload == {
            "order": {
                "shipping": 2000,
                "payable": 3000,
                "address": {"province": "西藏自治区"},
                "discounts": [],
            },
            "userErrors": [],
        }


async def test_free_shipping_of_the_tier_stays_free(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await publish(DEAR_SHIPPING_TO_XIZANG)
    await db.execute("UPDATE member SET tier_code = 'GOLD'")
    order_id = await placed(client, member, await a_sku(1000), "k")
    far = await an_address(member.id, region_code=XIZANG, is_default=False)
    payload = await change_address(client, member.token, order_id, far)
    assert (payload["order"]["shipping"], payload["order"]["payable"]) == (0, 950)
    assert payload["order"]["discounts"] == [
        {"kind": "MEMBER_PRICE", "amount": 50},
        {"kind": "SHIPPING", "amount": 2000},
    ]


async def test_an_attempt_at_the_old_amount_is_closed_first(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    await publish(DEAR_SHIPPING_TO_XIZANG)
    shopper = await a_shopper(client, wxsim)
    order = await shopper.place(await a_sku(1000))
    await shopper.prepay(order["id"])
    near = await an_address(shopper.member_id, is_default=False)
    await change_address(client, shopper.token, order["id"], near)
    assert await db.fetch_value("SELECT status FROM payment") == "PREPAID"
    far = await an_address(shopper.member_id, region_code=XIZANG, is_default=False)
    payload = await change_address(client, shopper.token, order["id"], far)
    assert payload["order"]["payable"] == 3000
    assert await db.fetch_value("SELECT status FROM payment") == "CLOSED"
    await wxsim.fault("notify.drop")
    await wxsim.pay(prepay_id=await shopper.prepay(order["id"], key="pay-2"))
    assert (await shopper.refresh(order["id"]))["order"]["paid"] == 3000


async def test_an_address_where_nothing_is_delivered_is_refused(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await publish(ProvinceShipping(("54",), served=False))
    sku = await a_sku()
    order_id = await placed(client, member, sku, "k")
    far = await an_address(member.id, region_code=XIZANG, is_default=False)
    payload = await change_address(client, member.token, order_id, far)
    assert payload["userErrors"] == [{"code": "ADDRESS_NOT_SERVED", "path": ["addressId"]}]
    found = await quote(client, member, a_draft((sku, 1), addressId=str(far)))
    assert [problem["code"] for problem in found["problems"]] == ["ADDRESS_NOT_SERVED"]
    assert (await order_page(client, member.token, order_id))["address"]["province"] == "上海市"


async def test_only_an_unpaid_order_of_ones_own_goes_to_an_address_of_ones_own(
    client: GraphQLClient, member: SignedInMember, stranger: SignedInMember
) -> None:
    order_id = await placed(client, member, await a_sku(), "k")
    mine = await an_address(member.id, is_default=False)
    theirs = await an_address(stranger.id)

    async def errors(token: str, order: str, address: UUID | str) -> list[tuple[str, list[str]]]:
        payload = await change_address(client, token, order, address)
        assert payload["order"] is None
        return [(error["code"], error["path"]) for error in payload["userErrors"]]

    assert await errors(stranger.token, order_id, theirs) == [("NOT_FOUND", ["orderId"])]
    assert await errors(member.token, order_id, theirs) == [("NOT_FOUND", ["addressId"])]
    assert await errors(member.token, "nothing", mine) == [("NOT_FOUND", ["orderId"])]
    assert await errors(member.token, order_id, "nothing") == [("NOT_FOUND", ["addressId"])]
    await db.execute("UPDATE sales_order SET status = 'SHIPPED', timeout_due_at = NULL")
    assert await errors(member.token, order_id, mine) == [("NOT_ALLOWED", ["orderId"])]


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (QUOTE, {"d": {"fromCart": True}}),
        (PLACE, {"i": {"draft": {"fromCart": True}, "idempotencyKey": "k"}}),
        (CHANGE_ADDRESS, {"i": {"orderId": str(new_id()), "addressId": str(new_id())}}),
    ],
)
async def test_nobody_orders_nothing(
    client: GraphQLClient, document: str, variables: dict[str, Any]
) -> None:
    answer = await client.gql(document, variables)
    assert answer.error_codes == ["UNAUTHENTICATED"]
