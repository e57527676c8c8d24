"""The cart over the API."""

from typing import Any

import pytest

from models import database as db
from models.ids import new_id
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.shop import a_cart_line, a_sku, an_address
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

CART = """
pieces
lines {
  id quantity selected priceWhenAdded problem { code message path }
  sku { id price currentPrice stock product { id name images } }
}
quote {
  lines { sku { id } quantity unitPrice goodsTotal discountTotal payable
          discounts { kind title amount } }
  goodsTotal discountTotal shipping pointsSpent pointsOff payable pointsToEarn
  discounts { kind title amount coupon { id } }
  address { id name phone province city district detail isDefault regionCode }
  store { id name } coupons { id }
  usableCoupons { coupon { id terms { name } validUntil } amountOff }
  unusableCoupons { coupon { id } reason missingAmount missingPieces }
  maxPointsToSpend maxPointsOff
  hints { message missingAmount missingPieces coupon { id } }
  problems { code message path }
}
"""
CART_PAGE = f"query CartPage {{ me {{ cart {{ {CART} }} counts {{ cartPieces }} }} }}"
ADD = """
mutation Add($i: AddToCartInput!) {
  addToCart(input: $i) { cart { pieces } userErrors { code message path } }
}
"""
UPDATE = f"""
mutation CartChange($i: UpdateCartInput!) {{
  updateCart(input: $i) {{ cart {{ {CART} }} userErrors {{ code message path }} }}
}}
"""
CLEAR = "mutation { clearCart { cart { pieces } userErrors { code } } }"


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


@pytest.fixture
async def stranger(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def cart_page(client: GraphQLClient, member: SignedInMember, **headers: str) -> Any:
    answer = await client.gql(CART_PAGE, token=member.token, headers=headers)
    return answer.data["me"]["cart"]


async def add(client: GraphQLClient, member: SignedInMember, **given: Any) -> Any:
    answer = await client.gql(ADD, {"i": {"idempotencyKey": "k", **given}}, member.token)
    return answer.data["addToCart"]


async def update(client: GraphQLClient, member: SignedInMember, **given: Any) -> Any:
    return (await client.gql(UPDATE, {"i": given}, member.token)).data["updateCart"]


async def test_a_visitor_fills_a_cart(client: GraphQLClient, settings: Settings) -> None:
    visitor = await signed_in_member(settings, joined=False)
    sku = await a_sku(1000)
    expected = {"cart": {"pieces": 2}, "userErrors": []}
    assert await add(client, visitor, skuId=str(sku.id), quantity=2) == expected
    assert await add(client, visitor, skuId=str(sku.id), quantity=2) == expected
    cart = await cart_page(client, visitor)
    assert cart["pieces"] == 2
    assert [(line["quantity"], line["sku"]["id"]) for line in cart["lines"]] == [(2, str(sku.id))]


async def test_the_cart_page_shows_lines_as_they_stand_and_what_they_cost(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await an_address(member.id)
    apple = await a_sku(5000, name="苹果")
    few = await a_sku(900, stock=1, name="梨")
    gone = await a_sku(800, on_sale=False, name="桃")
    for sku, quantity, selected in ((apple, 2, True), (few, 2, False), (gone, 1, False)):
        await a_cart_line(member.id, sku, quantity, selected=selected)
    cart = await cart_page(client, member)
    problems = {line["sku"]["product"]["name"]: line["problem"] for line in cart["lines"]}
    assert problems == {
        "苹果": None,
        "梨": {"code": "OUT_OF_STOCK", "message": "梨仅剩 1 件。", "path": None},
        "桃": {"code": "SKU_NOT_FOR_SALE", "message": "桃已下架。", "path": None},
    }
    assert cart["pieces"] == 5
    quote = cart["quote"]
    assert (quote["goodsTotal"], quote["shipping"], quote["payable"]) == (10_000, 0, 10_000)
    assert [line["sku"]["id"] for line in quote["lines"]] == [str(apple.id)]
    assert quote["address"]["phone"] == "13800138000"
    assert quote["address"]["district"] == "浦东新区"
    assert quote["problems"] == []
    assert [quote[name] for name in ("coupons", "usableCoupons", "unusableCoupons")] == [[]] * 3


async def test_problems_are_told_in_the_readers_language_and_have_no_path_on_a_page(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await a_cart_line(member.id, await a_sku(stock=0, name="Pear"))
    english = await cart_page(client, member, **{"accept-language": "en"})
    assert english["lines"][0]["problem"]["message"] == "Pear is sold out."
    assert english["quote"]["problems"] == [
        {"code": "OUT_OF_STOCK", "message": "Pear is sold out.", "path": None},
        {
            "code": "ADDRESS_REQUIRED",
            "message": "Please choose a delivery address.",
            "path": None,
        },
    ]


@pytest.mark.parametrize("lines", [1, 20])
async def test_a_cart_page_costs_the_same_with_more_lines(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog, lines: int
) -> None:
    await an_address(member.id)
    await cart_page(client, member)
    for _ in range(lines):
        await a_cart_line(member.id, await a_sku())
    async with statements.record() as heard:
        await cart_page(client, member)
    # The session, the member, the counts, the lines, their SKUs and products, and the quote's two.
    assert len(heard) <= 8, heard


@pytest.mark.parametrize("quantity", [0, -1, 100])
async def test_a_wrong_quantity_is_named(
    client: GraphQLClient, member: SignedInMember, quantity: int
) -> None:
    sku = await a_sku()
    payload = await add(client, member, skuId=str(sku.id), quantity=quantity)
    assert payload == {
        "cart": None,
        "userErrors": [
            {"code": "INVALID_INPUT", "message": "数量应为 1 到 99 件。", "path": ["quantity"]}
        ],
    }
    assert (await cart_page(client, member))["pieces"] == 0


async def test_a_quantity_beyond_integers_is_a_broken_request(
    client: GraphQLClient, member: SignedInMember
) -> None:
    given = {"skuId": str(new_id()), "quantity": 2**31, "idempotencyKey": "k"}
    answer = await client.gql(ADD, {"i": given}, member.token)
    assert answer.error_codes == ["BAD_REQUEST"]


async def test_more_than_ninety_nine_pieces_are_refused(
    client: GraphQLClient, member: SignedInMember
) -> None:
    sku = await a_sku()
    await a_cart_line(member.id, sku, 60)
    payload = await add(client, member, skuId=str(sku.id), quantity=40)
    assert payload["cart"] is None
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["quantity"])
    assert error["message"] == "同一商品最多 99 件，购物车中已有 60 件。"
    assert (await cart_page(client, member))["pieces"] == 60


@pytest.mark.parametrize("sku_id", ["", "nothing", str(new_id())], ids=["empty", "no id", "no SKU"])
async def test_an_unknown_sku_is_refused(
    client: GraphQLClient, member: SignedInMember, sku_id: str
) -> None:
    payload = await add(client, member, skuId=sku_id)
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["skuId"])


async def test_changes_answer_with_the_whole_cart(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await an_address(member.id)
    apple, pear = await a_sku(5000), await a_sku(6000)
    first = await a_cart_line(member.id, apple, 1, selected=False)
    second = await a_cart_line(member.id, pear, 1, selected=False)
    payload = await update(
        client,
        member,
        selectAll=True,
        lines=[
            {"lineId": str(first), "quantity": 3},
            {"lineId": str(second), "selected": False},
        ],
    )
    assert payload["userErrors"] == []
    cart = payload["cart"]
    assert {line["id"]: (line["quantity"], line["selected"]) for line in cart["lines"]} == {
        str(first): (3, True),
        str(second): (1, False),
    }
    assert (cart["pieces"], cart["quote"]["payable"]) == (4, 15_000)


async def test_a_refused_change_changes_nothing(
    client: GraphQLClient, member: SignedInMember
) -> None:
    line = await a_cart_line(member.id, await a_sku(), 2)
    for change, path in (
        ({"lineId": str(line), "quantity": 100}, "quantity"),
        ({"lineId": str(line), "quantity": -1}, "quantity"),
        ({"lineId": str(line), "skuId": "nothing"}, "skuId"),
        ({"lineId": "nothing", "quantity": 1}, "lineId"),
    ):
        good = {"lineId": str(line), "quantity": 5}
        payload = await update(client, member, selectAll=False, lines=[good, change])
        assert payload["cart"] is None
        assert [error["path"] for error in payload["userErrors"]] == [["lines", "1", path]]
    row = await db.fetch_one("SELECT quantity, selected FROM cart_line")
    assert row is not None
    assert tuple(row) == (2, True)


async def test_a_line_of_another_member_is_not_there(
    client: GraphQLClient, member: SignedInMember, stranger: SignedInMember
) -> None:
    line = await a_cart_line(member.id, await a_sku(), 2)
    payload = await update(client, stranger, lines=[{"lineId": str(line), "quantity": 0}])
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["lines", "0", "lineId"])
    await client.gql(CLEAR, token=stranger.token)
    assert (await cart_page(client, member))["pieces"] == 2
    assert (await cart_page(client, stranger))["pieces"] == 0


async def test_clearing_takes_everything_out(client: GraphQLClient, member: SignedInMember) -> None:
    await a_cart_line(member.id, await a_sku(), 2)
    answer = await client.gql(CLEAR, token=member.token)
    assert answer.data["clearCart"] == {"cart": {"pieces": 0}, "userErrors": []}


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (ADD, {"i": {"skuId": str(new_id()), "idempotencyKey": "k"}}),
        (UPDATE, {"i": {"selectAll": True}}),
        (CLEAR, {}),
    ],
)
async def test_nobody_has_no_cart(
    client: GraphQLClient, document: str, variables: dict[str, Any]
) -> None:
    answer = await client.gql(document, variables)
    assert answer.error_codes == ["UNAUTHENTICATED"]
