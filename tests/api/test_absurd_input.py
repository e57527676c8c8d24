"""Every argument of the API with values that no honest client sends: refused, never a failure.

Each operation is called with input that works, and then with each of its leaves replaced by each
absurd value of its type. What stands beside the leaf is right, so that the value gets as far as it
can.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)

from api.schema import member_schema
from models import database as db
from tests.factories.coupons import a_campaign, a_coupon
from tests.factories.flash_sales import a_sale_by_the_clock
from tests.factories.group_buys import a_group_buy
from tests.factories.members import JOINING_INPUT
from tests.factories.rewards import a_reward
from tests.factories.shop import a_cart_line, a_sku, a_store
from tests.support.graphql import GraphQLClient
from tests.support.shopping import Shopper, a_shopper, assert_books_agree
from tests.support.simulator import Simulator

SCHEMA = member_schema()._schema
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "x" * 10_000,
    "🙂" * 300,
    "é" * 130,
    "\u202e\u200b\ufeff",
    "\ud7ff\uffff",
    "%s {0} {x} \\",
    "' OR 1=1 --",
    "http://[",
    "http://℀.example",
    "１２３",
    "-1",
    "00000000-0000-0000-0000-000000000000",
    "01890A5D-AC96-774B-BCCE-B302099A8057",
    "{01890a5d-ac96-774b-bcce-b302099a80}",
    "bm90LWEtY3Vyc29y",
)
ABSURD: dict[str, tuple[Any, ...]] = {
    "String": TEXTS,
    "ID": TEXTS,
    "Int": (0, -1, 100, 101, 2**31 - 1, -(2**31), 2**31, 2**63, 1.5, "1"),
    "Money": (-1, 2**53 - 1, 2**53, -(2**53), 10**30, 0.5, "1"),
    "Float": (1e308, -1e308, 90.1, -180.1),
    "Date": ("", "0001-01-01", "9999-12-31", "2026-02-30", "\x00", "2026-01-01T00:00:00Z"),
    "Boolean": (None, 1, "true"),
}
_keys = count()
AN_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

Values = dict[str, Any]
Prepare = Callable[["Shop"], Awaitable[Values]]


@dataclass(frozen=True, slots=True)
class Shop:
    """A shopper and things of theirs that exist."""

    shopper: Shopper
    sku_id: str
    address_id: str
    store_id: str
    line_id: str
    order_id: str
    coupon_id: str
    campaign_id: str
    reward_id: str
    item_id: str
    group_buy_id: str

    @property
    def lines(self) -> list[Values]:
        return [{"skuId": self.sku_id, "quantity": 1}]


@pytest.fixture
async def shop(client: GraphQLClient, wxsim: Simulator) -> Shop:
    shopper = await a_shopper(client, wxsim)
    sku = await a_sku(9_900, stock=100_000)
    order = await shopper.place(sku, key="first")
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    return Shop(
        shopper,
        sku_id=str(sku.id),
        address_id=str(await db.fetch_value("SELECT id FROM address")),
        store_id=str(await a_store()),
        line_id=str(await a_cart_line(shopper.member_id, await a_sku())),
        order_id=order["id"],
        coupon_id=str(await a_coupon(shopper.member_id, valid_from=now, valid_until=until)),
        campaign_id=str(
            await a_campaign(claim_from=now, claim_until=until, quantity=None, per_member_limit=99)
        ),
        reward_id=str(await a_reward(points_price=1, starts_at=now - timedelta(days=1))),
        item_id=str(await a_sale_by_the_clock(await a_sku(stock=100_000), 50_000, limit=99)),
        group_buy_id=str(await a_group_buy(await a_sku(), now=now)),
    )


def fresh_key() -> str:
    return f"key-{next(_keys)}"


async def signing_in(shop: Shop) -> Values:
    code = await shop.shopper.wxsim.login_code(await shop.shopper.wxsim.user())
    return {"code": code, "inviteCode": "A", "sceneCode": "B", "consents": JOINING_INPUT}


async def signing_in_on_a_page(shop: Shop) -> Values:
    code = await shop.shopper.wxsim.oauth_code(await shop.shopper.wxsim.user())
    return {"code": code, "inviteCode": "A", "sceneCode": "B", "consents": JOINING_INPUT}


async def placing(shop: Shop) -> Values:
    draft = await drafting(shop)
    return {
        "draft": draft,
        "expectedPayable": 9_900,
        "remark": "请放门口",
        "inviteCode": "A",
        "idempotencyKey": fresh_key(),
    }


async def drafting(shop: Shop) -> Values:
    return {
        "lines": shop.lines,
        "delivery": "EXPRESS",
        "addressId": shop.address_id,
        "storeId": shop.store_id,
        "couponIds": [],
        "pointsToSpend": 0,
    }


async def paying(shop: Shop) -> Values:
    url = "http://127.0.0.1"
    key = fresh_key()
    return {
        "orderId": shop.order_id,
        "method": "WECHAT_MINI_PROGRAM",
        "returnUrl": url,
        "idempotencyKey": key,
    }


async def cancelling(shop: Shop) -> Values:
    draft = {"lines": shop.lines}
    key = fresh_key()
    placed = await shop.shopper.client.gql(
        "mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id } } }",
        {"i": {"draft": draft, "idempotencyKey": key}},
        shop.shopper.token,
    )
    order_id = placed.data["placeOrder"]["order"]["id"]
    return {"orderId": order_id, "reason": "不想要了", "idempotencyKey": key}


async def cancelling_a_redemption(shop: Shop) -> Values:
    redeemed = await shop.shopper.client.gql(
        "mutation ($i: RedeemRewardInput!) { redeemReward(input: $i) { redemption { id } } }",
        {"i": {"rewardId": shop.reward_id, "idempotencyKey": fresh_key()}},
        shop.shopper.token,
    )
    redemption = redeemed.data["redeemReward"]["redemption"]
    return {
        "redemptionId": redemption["id"] if redemption else AN_ID,
        "idempotencyKey": fresh_key(),
    }


PREPARED: dict[str, Prepare] = {
    "cancelRedemption": cancelling_a_redemption,
    "signInWithMiniProgram": signing_in,
    "signInWithOfficialAccount": signing_in_on_a_page,
    "placeOrder": placing,
    "quoteOrder": drafting,
    "payOrder": paying,
    "cancelOrder": cancelling,
}
INPUTS: dict[str, Values] = {
    "bindPhone": {"wechatCode": "x", "consents": JOINING_INPUT},
    "sendSmsCode": {"phone": "13800138000", "captchaToken": "c"},
    "signInWithPhone": {
        "phone": "13800138000",
        "smsCode": "123456",
        "inviteCode": "A",
        "sceneCode": "B",
        "consents": JOINING_INPUT,
    },
    "refreshSession": {"refreshToken": "x"},
    "setConsents": {"consents": JOINING_INPUT},
    "updateProfile": {"nickname": "小王", "birthday": "1990-05-17", "gender": "FEMALE"},
    "createUpload": {"purpose": "AVATAR", "contentType": "image/png", "bytes": 100},
    "claimCouponCode": {"code": "ABCD-EFGH-JKLM-NPQR", "idempotencyKey": "code"},
    "makeUpCheckIn": {"date": "2026-01-01", "idempotencyKey": "make-up"},
    "acceptInvitation": {"inviteCode": "A", "sceneCode": "B"},
    "markMessagesRead": {"ids": [AN_ID]},
    "deleteAccount": {"confirm": False, "wechatCode": "x", "smsCode": "123456"},
}


async def input_of(name: str, shop: Shop) -> Values:
    """Return input with which the operation works, or is refused as late as can be."""
    if (prepare := PREPARED.get(name)) is not None:
        return await prepare(shop)
    return deepcopy(INPUTS[name] if name in INPUTS else of_what_exists(shop)[name])


def of_what_exists(shop: Shop) -> dict[str, Values]:
    return {
        "saveAddress": {
            "id": shop.address_id,
            "name": "张三",
            "phone": "13800138000",
            "province": "广东省",
            "city": "深圳市",
            "district": "南山区",
            "detail": "科技园 1 号",
            "isDefault": True,
            "regionCode": "440305",
        },
        "addToCart": {"skuId": shop.sku_id, "quantity": 1, "idempotencyKey": fresh_key()},
        "updateCart": {
            "selectAll": True,
            "lines": [{"lineId": shop.line_id, "quantity": 1, "selected": True}],
        },
        "changeOrderAddress": {"orderId": shop.order_id, "addressId": shop.address_id},
        "deleteAddress": {"id": shop.address_id},
        "refreshPayment": {"orderId": shop.order_id},
        "claimFlashSale": {
            "itemId": shop.item_id,
            "quantity": 1,
            "addressId": shop.address_id,
            "storeId": shop.store_id,
            "captchaToken": "c",
            "idempotencyKey": fresh_key(),
        },
        "setFlashSaleReminder": {"itemId": shop.item_id, "on": True},
        "claimCoupon": {"campaignId": shop.campaign_id, "idempotencyKey": fresh_key()},
        "redeemReward": {
            "rewardId": shop.reward_id,
            "quantity": 1,
            "addressId": shop.address_id,
            "storeId": shop.store_id,
            "expectedPayable": 0,
            "idempotencyKey": fresh_key(),
        },
    }


ARGUMENTS: dict[str, Callable[[Shop], Values]] = {
    "scene": lambda _shop: {"sceneCode": "A"},
    "products": lambda _shop: {"first": 5, "sort": "PRICE_ASC"},
    "product": lambda shop: {"id": shop.sku_id},
    "stores": lambda _shop: {"first": 5, "near": {"latitude": 31.2, "longitude": 121.4}},
    "banners": lambda _shop: {"slot": "HOME"},
    "searchSuggestions": lambda _shop: {"text": "苹果", "first": 5},
    "order": lambda shop: {"id": shop.order_id},
    "couponCampaigns": lambda _shop: {"first": 5},
    "flashSales": lambda _shop: {"first": 5, "statuses": ["RUNNING"]},
    "flashSale": lambda shop: {"id": shop.item_id},
    "flashSaleTicket": lambda shop: {"id": shop.item_id},
    "groupBuys": lambda _shop: {"first": 5, "statuses": ["RUNNING"]},
    "groupBuy": lambda shop: {"id": shop.group_buy_id},
    "groupBuyTeam": lambda shop: {"id": shop.group_buy_id},
    "memberCoupon": lambda shop: {"id": shop.coupon_id},
    "rewards": lambda _shop: {"first": 5, "filter": {"affordable": True}},
    "reward": lambda shop: {"id": shop.reward_id},
    "redemption": lambda shop: {"id": shop.reward_id},
}
OPERATIONS = [
    (kind, name, field)
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type))
    if root is not None
    for name, field in root.fields.items()
    if field.args
]


async def variables_of(name: str, field: GraphQLField, shop: Shop) -> Values:
    if "input" in field.args:
        return {"input": await input_of(name, shop)}
    return ARGUMENTS[name](shop)


def leaves(kind: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Walk the leaves of an input type; a list by its first item."""
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLList):
        yield from leaves(kind.of_type, (*path, 0))
    elif isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            yield from leaves(field.type, (*path, name))
    elif not isinstance(kind, GraphQLEnumType):
        yield path, kind


def replaced(given: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return the variables with one leaf replaced, and what leads there made."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(given or [None])
        return [replaced(items[0], rest, value), *items[1:]]
    return {**(given or {}), step: replaced((given or {}).get(step), rest, value)}


def selection(kind: Any, depth: int) -> str:
    """Select every field that needs no argument, so that answers are built and told whole."""
    kind = get_named_type(kind)
    if is_leaf_type(kind):
        return ""
    chosen = [
        name + selection(field.type, depth - 1)
        for name, field in kind.fields.items()
        if depth > 0 or is_leaf_type(get_named_type(field.type))
    ]
    return " { " + " ".join(chosen or ["__typename"]) + " }"


def document_of(kind: str, name: str, field: GraphQLField) -> str:
    declared = ", ".join(f"${name}: {argument.type}" for name, argument in field.args.items())
    passed = ", ".join(f"{name}: ${name}" for name in field.args)
    return f"{kind} ({declared}) {{ {name}({passed}){selection(field.type, 1)} }}"


@pytest.mark.parametrize(
    ("kind", "name", "field"), OPERATIONS, ids=[name for _, name, _ in OPERATIONS]
)
async def test_absurd_values_are_refused_and_break_nothing(
    shop: Shop, kind: str, name: str, field: GraphQLField
) -> None:
    document = document_of(kind, name, field)
    good = await variables_of(name, field, shop)
    sound = await shop.shopper.client.gql(document, good, shop.shopper.token)
    assert sound.errors == []
    failed = []
    for argument, declared in field.args.items():
        for path, leaf in leaves(declared.type, (argument,)):
            for value in ABSURD[leaf.name]:
                good = await variables_of(name, field, shop)
                answer = await shop.shopper.client.gql(
                    document, replaced(good, path, value), shop.shopper.token
                )
                if answer.status != 200 or set(answer.error_codes) - {"BAD_REQUEST"}:
                    failed.append((path, repr(value)[:40], answer.status, answer.errors))
    assert failed == []
    await assert_books_agree()


@pytest.mark.parametrize("arguments", [{"keyword": text} for text in TEXTS] + [{"first": 101}])
async def test_a_members_own_orders_searched_absurdly(shop: Shop, arguments: Values) -> None:
    document = """
    query ($keyword: String, $first: Int) { me {
      orders(keyword: $keyword, first: $first) { nodes { id } } } }
    """
    answer = await shop.shopper.client.gql(document, arguments, shop.shopper.token)
    assert answer.status == 200
    assert set(answer.error_codes) <= {"BAD_REQUEST"}


@pytest.mark.parametrize("month", [*TEXTS, "0001-01", "0000-01", "9999-12", "2026-13", "2026-1"])
async def test_a_calendar_of_a_month_that_is_none(shop: Shop, month: str) -> None:
    document = "query ($m: String!) { me { checkIn { days(month: $m) { date } } } }"
    answer = await shop.shopper.client.gql(document, {"m": month}, shop.shopper.token)
    assert answer.status == 200
    assert set(answer.error_codes) <= {"BAD_REQUEST"}


LARGEST = 2**63 - 1
LISTS = {
    "recommended": "query ($a: String) { products(after: $a) { nodes { id } } }",
    "newest": "query ($a: String) { products(after: $a, sort: NEWEST) { nodes { id } } }",
    "best": "query ($a: String) { products(after: $a, sort: BEST_SELLING) { nodes { id } } }",
    "dearest": "query ($a: String) { products(after: $a, sort: PRICE_DESC) { nodes { id } } }",
    "stores": "query ($a: String) { stores(after: $a) { nodes { id } } }",
    "near": "query ($a: String) { stores(after: $a, near: {latitude: 1, longitude: 1})"
    " { nodes { id } } }",
    "orders": "query ($a: String) { me { orders(after: $a) { nodes { id } } } }",
    "points": "query ($a: String) { me { points { entries(after: $a) { nodes { id } } } } }",
    "campaigns": "query ($a: String) { couponCampaigns(after: $a) { nodes { id } } }",
    "coupons": "query ($a: String) { me { coupons(after: $a) { nodes { id } } } }",
    "rewards": "query ($a: String) { rewards(after: $a) { nodes { id } } }",
    "redemptions": "query ($a: String) { me { redemptions(after: $a) { nodes { id } } } }",
    "sales": "query ($a: String) { flashSales(after: $a) { nodes { id } } }",
    "items": "query ($a: String) { flashSales { nodes { items(after: $a) { nodes { id } } } } }",
    "tickets": "query ($a: String) { me { flashSaleTickets(after: $a) { nodes { id } } } }",
    "group buys": "query ($a: String) { groupBuys(after: $a) { nodes { id } } }",
    "open teams": "query ($a: String) {"
    " groupBuys { nodes { openTeams(after: $a) { nodes { id } } } } }",
    "teams": "query ($a: String) { me { groupBuyTeams(after: $a) { nodes { id } } } }",
    "messages": "query ($a: String) { me { messages(after: $a) { nodes { id } } } }",
    "invitees": "query ($a: String) { me {"
    " invitations { invitees(after: $a) { nodes { id } } } } }",
}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("recommended", [True, LARGEST, -LARGEST, AN_ID]),
        ("newest", ["0001-01-01T00:00:00+00:00", AN_ID]),
        ("newest", ["0001-01-01T00:00:00+14:00", AN_ID]),
        ("best", [-LARGEST, AN_ID]),
        ("dearest", [LARGEST, AN_ID]),
        ("stores", ["\x00", AN_ID]),
        ("stores", ["x" * 10_000, AN_ID]),
        ("near", [LARGEST, AN_ID]),
        ("orders", ["9999-12-31T23:59:59-14:00", AN_ID]),
        ("orders", ["9999-12-31T23:59:59+00:00", 1]),
        ("points", [-LARGEST]),
        *(
            (name, values)
            for name in (
                *("campaigns", "coupons", "rewards", "redemptions", "messages", "invitees"),
                *("sales", "items", "tickets", "group buys", "open teams", "teams"),
            )
            for values in (
                [AN_ID],
                ["0001-01-01T00:00:00+14:00", AN_ID],
                ["9999-12-31T23:59:59-14:00", AN_ID],
                [LARGEST, AN_ID],
                [-LARGEST, "0001-01-01T00:00:00+00:00", AN_ID],
            )
        ),
    ],
)
async def test_cursors_that_nobody_was_given(shop: Shop, name: str, values: list[Any]) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps(values)).decode()
    answer = await shop.shopper.client.gql(LISTS[name], {"a": cursor}, shop.shopper.token)
    assert answer.status == 200
    assert set(answer.error_codes) <= {"BAD_REQUEST"}
