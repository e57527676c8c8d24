"""Flash sales over the API: sales, items as each viewer sees them, claims, tickets, reminders."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.members import SceneKind
from domain.scenes import target_scene_code
from gateways.redis.connection import RedisClient
from models import database as db
from models.ids import new_id
from services import flash_admin, flash_timetable
from services.flash_admin import NewItem
from tests.factories.flash_sales import RUNNING, START, FlashMall
from tests.factories.shop import SkuFacts, a_buyer, a_sku
from tests.support.catalog import catalog_client
from tests.support.graphql import GraphQLClient
from tests.support.redis import RedisServer
from tests.support.statements import StatementLog

LIST = """
query ($s: [CampaignStatus!], $first: Int, $after: String) {
  flashSales(statuses: $s, first: $first, after: $after) {
    nodes { id name status startsAt endsAt items(first: 6) {
      nodes { id price remaining quantity sku { id price product { name } } } } }
    pageInfo { endCursor hasNextPage } totalCount } }
"""
SESSION = """
query ($id: ID!, $first: Int, $after: String) { flashSale(id: $id) {
  id name status items(first: $first, after: $after) {
    nodes { id price quantity remaining perMemberLimit claimedByMe reminderSet
            myTicket { id status } problem { code message path retryAfterSeconds }
            sku { id product { name } } flashSale { id } }
    pageInfo { endCursor hasNextPage } totalCount } } }
"""
CLAIM = """
mutation ($i: ClaimFlashSaleInput!) { claimFlashSale(input: $i) {
  ticket { id status quantity createdAt problem { code } }
  userErrors { code path retryAfterSeconds } } }
"""
TICKET = """
query ($id: ID!) { flashSaleTicket(id: $id) {
  id status quantity createdAt problem { code message } item { id price }
  order { id kind status payable } } }
"""
MINE = """
query ($first: Int, $after: String) { me { flashSaleTickets(first: $first, after: $after) {
  nodes { id status quantity createdAt order { id status } problem { code }
          item { price sku { product { name } } } }
  pageInfo { endCursor hasNextPage } totalCount } } }
"""
REMIND = """
mutation ($i: SetFlashSaleReminderInput!) { setFlashSaleReminder(input: $i) {
  item { id reminderSet } userErrors { code path } } }
"""


@pytest.fixture
def mall(redis: RedisClient, database: str) -> FlashMall:
    flash_timetable.forget_cached()
    return FlashMall(redis)


async def client_of(mall: FlashMall, now: datetime = RUNNING) -> GraphQLClient:
    """Return a client of an endpoint at an instant; a token is a member's id."""
    return await catalog_client(now, flash=mall.flash, captcha=None)


async def asked(
    client: GraphQLClient, document: str, token: UUID | None = None, **arguments: Any
) -> Any:
    """Return the one root field of a document."""
    answer = await client.gql(document, arguments, token=str(token) if token else None)
    assert answer.errors == []
    [value] = answer.data.values()
    return value


async def items_seen(client: GraphQLClient, item_id: UUID, token: UUID | None = None) -> Any:
    """Return the items of an item's sale as its page shows them."""
    sale_id = await db.fetch_value("SELECT sale_id FROM flash_sale_item WHERE id = $1", item_id)
    sale = await asked(client, SESSION, token, id=str(sale_id))
    return sale["items"]["nodes"]


def of(sku: SkuFacts, quantity: int = 5, *, limit: int = 1, **facts: Any) -> NewItem:
    return NewItem(sku_id=sku.id, price_fen=100, quantity=quantity, per_member_limit=limit, **facts)


async def test_sales_are_listed_by_where_they_stand(mall: FlashMall) -> None:
    hour = timedelta(hours=1)
    sku = await a_sku(stock=100)
    for name, start in (
        ("先场", START - 2 * hour),
        ("早场", START - hour),
        ("正在", START),
        ("下场", START + hour),
        ("晚场", START + 2 * hour),
    ):
        await mall.publish(of(sku), name=name, starts_at=start, ends_at=start + hour)
    await mall.draft(of(sku), name="草稿")
    [gone] = await mall.publish(of(sku), name="取消", starts_at=START, ends_at=START + 9 * hour)
    sale_id = await db.fetch_value("SELECT sale_id FROM flash_sale_item WHERE id = $1", gone)
    await flash_admin.cancel(sale_id, mall.flash, now=START)
    client = await client_of(mall)

    async def names(**arguments: Any) -> list[str]:
        found = await asked(client, LIST, **arguments)
        return [node["name"] for node in found["nodes"]]

    in_order = ["正在", "下场", "晚场", "早场", "先场"]
    assert await names() == in_order
    assert await names(s=["RUNNING", "UPCOMING"], first=2) == in_order[:2]
    assert await names(s=["ENDED"]) == in_order[3:]
    page = await asked(client, LIST, first=3)
    assert page["totalCount"] == 5
    assert await names(first=3, after=page["pageInfo"]["endCursor"]) == in_order[3:]
    first = page["nodes"][0]
    assert first["items"]["nodes"][0]["price"] == 100
    assert first["items"]["nodes"][0]["sku"]["product"] == {"name": "苹果"}
    called_off = await asked(client, SESSION, id=str(sale_id))
    assert called_off["status"] == "ENDED"
    assert called_off["items"]["nodes"][0]["problem"]["code"] == "CAMPAIGN_ENDED"
    drafted = await db.fetch_value("SELECT id FROM flash_sale WHERE name = '草稿'")
    for unknown in (str(drafted), str(new_id()), "x"):
        assert await asked(client, SESSION, id=unknown) is None


async def test_a_claim_is_followed_to_its_order(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku(1_000), 3, limit=2))
    client, member = await client_of(mall), await a_buyer()
    given = {"itemId": str(item), "quantity": 2, "idempotencyKey": "k"}

    payload = await asked(client, CLAIM, member, i=given)
    ticket = payload["ticket"]
    assert payload["userErrors"] == []
    assert (ticket["status"], ticket["quantity"], ticket["problem"]) == ("QUEUED", 2, None)
    assert datetime.fromisoformat(ticket["createdAt"]) == RUNNING
    [shown] = await items_seen(client, item, member)
    assert (shown["remaining"], shown["quantity"], shown["claimedByMe"]) == (1, 3, 2)
    assert shown["myTicket"] == {"id": ticket["id"], "status": "QUEUED"}
    assert shown["problem"]["code"] == "PURCHASE_LIMIT_REACHED"
    waiting = await asked(client, TICKET, member, id=ticket["id"])
    assert (waiting["status"], waiting["order"]) == ("QUEUED", None)

    await mall.consume()
    later = await client_of(mall, RUNNING + timedelta(seconds=2))
    done = await asked(later, TICKET, member, id=ticket["id"])
    assert (done["status"], done["problem"]) == ("ORDERED", None)
    assert done["item"] == {"id": str(item), "price": 100}
    order = done["order"]
    assert (order["kind"], order["status"], order["payable"]) == (
        *("FLASH_SALE", "AWAITING_PAYMENT"),
        1_000,
    )
    again = await asked(later, CLAIM, member, i=given)
    assert again["ticket"]["id"] == ticket["id"]
    assert again["ticket"]["status"] == "ORDERED"
    [shown] = await items_seen(later, item, member)
    assert (shown["remaining"], shown["claimedByMe"]) == (1, 2)
    assert shown["myTicket"] == {"id": ticket["id"], "status": "ORDERED"}
    stranger = await a_buyer()
    for token in (stranger, None):
        assert await asked(later, TICKET, token, id=ticket["id"]) is None
    for wrong in ("x", ticket["id"][:-1] + "A", str(new_id())):
        assert await asked(later, TICKET, member, id=wrong) is None


async def test_a_claim_asks_postgresql_for_nothing(
    mall: FlashMall, statements: StatementLog
) -> None:
    [item] = await mall.publish(of(await a_sku()))
    first, second = await a_buyer(), await a_buyer()
    client = await client_of(mall)
    given = {"itemId": str(item), "idempotencyKey": "k"}
    await asked(client, CLAIM, first, i=given)  # Reads the timetable.
    async with statements.record() as heard:
        payload = await asked(client, CLAIM, second, i=given)
    assert payload["ticket"]["status"] == "QUEUED"
    assert heard == []


async def test_claims_are_refused_with_their_reasons(mall: FlashMall) -> None:
    sku = await a_sku(stock=100)
    [item] = await mall.publish(of(sku, 1))
    [gold] = await mall.publish(of(sku, min_tier_code="GOLD"))
    client, member = await client_of(mall), await a_buyer()

    async def refused(token: UUID = member, **given: Any) -> tuple[str, Any]:
        wish = {"itemId": str(item), "idempotencyKey": "k", **given}
        payload = await asked(client, CLAIM, token, i=wish)
        assert payload["ticket"] is None
        [error] = payload["userErrors"]
        return error["code"], error["path"]

    assert await refused(itemId="x") == ("NOT_FOUND", ["itemId"])
    assert await refused(itemId=str(new_id())) == ("NOT_FOUND", ["itemId"])
    assert await refused(quantity=0) == ("INVALID_INPUT", ["quantity"])
    assert await refused(quantity=2) == ("PURCHASE_LIMIT_REACHED", ["quantity"])
    assert await refused(delivery="PICKUP") == ("STORE_REQUIRED", ["storeId"])
    assert await refused(itemId=str(gold)) == ("TIER_TOO_LOW", ["itemId"])
    assert await mall.claim(await a_buyer(), item) != "CAMPAIGN_SOLD_OUT"
    assert await refused() == ("CAMPAIGN_SOLD_OUT", ["itemId"])
    early = await client_of(mall, START - timedelta(seconds=90))
    payload = await asked(early, CLAIM, member, i={"itemId": str(item), "idempotencyKey": "k"})
    [error] = payload["userErrors"]
    assert (error["code"], error["retryAfterSeconds"]) == ("CAMPAIGN_NOT_STARTED", 90)


async def test_each_viewer_is_told_what_a_claim_would_say(mall: FlashMall) -> None:
    sku = await a_sku(stock=100)
    [item] = await mall.publish(of(sku, 1))
    [silver] = await mall.publish(of(await a_sku(), min_tier_code="SILVER"))
    regular, gold = await a_buyer(), await a_buyer(tier="GOLD")

    async def problem(now: datetime, token: UUID | None, which: UUID = item) -> Any:
        [shown] = await items_seen(await client_of(mall, now), which, token)
        found = shown["problem"]
        return found and (found["code"], found["path"], found["retryAfterSeconds"])

    before = START - timedelta(minutes=2)
    assert await problem(before, None) == ("CAMPAIGN_NOT_STARTED", None, 120)
    assert await problem(before, regular) == ("CAMPAIGN_NOT_STARTED", None, 120)
    assert await problem(before, gold) is None
    much_before = START - timedelta(minutes=9)
    assert await problem(much_before, gold) == ("CAMPAIGN_NOT_STARTED", None, 240)
    assert await problem(RUNNING, None, silver) is None
    assert await problem(RUNNING, regular, silver) == ("TIER_TOO_LOW", None, None)
    sale_id = await db.fetch_value("SELECT sale_id FROM flash_sale_item WHERE id = $1", item)
    await flash_admin.pause(sale_id, mall.flash, now=RUNNING)
    assert await problem(RUNNING, regular) == ("BUSY", None, 10)
    await flash_admin.resume(sale_id, mall.flash, now=RUNNING)
    await mall.claim(await a_buyer(), item)
    assert await problem(RUNNING, regular) == ("CAMPAIGN_SOLD_OUT", None, None)
    over = START + timedelta(hours=1)
    assert await problem(over, regular) == ("CAMPAIGN_ENDED", None, None)
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", regular)
    assert await problem(RUNNING, regular, silver) == ("ACCOUNT_BLOCKED", None, None)


async def test_a_rejected_ticket_says_why(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku(name="茶壶"), 5, limit=1))
    client, member = await client_of(mall), await a_buyer()
    ticket = await mall.claim(member, item)
    await db.execute("UPDATE sku SET status = 'OFF_SALE'")
    await mall.consume()
    found = await asked(client, TICKET, member, id=ticket)
    assert (found["status"], found["order"]) == ("REJECTED", None)
    assert found["problem"] == {"code": "SKU_NOT_FOR_SALE", "message": "茶壶已下架。"}
    [shown] = await items_seen(client, item, member)
    assert shown["problem"]["code"] == "SKU_NOT_FOR_SALE"
    assert (shown["remaining"], shown["claimedByMe"]) == (5, 0)


async def test_an_address_is_its_owners_when_the_order_is_made(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku(), 5))
    client, member, other = await client_of(mall), await a_buyer(), await a_buyer()
    theirs = await db.fetch_value("SELECT id FROM address WHERE member_id = $1", other)
    for key, address in (("a", str(theirs)), ("b", str(new_id())), ("c", "no id")):
        given = {"itemId": str(item), "addressId": address, "idempotencyKey": key}
        ticket = (await asked(client, CLAIM, member, i=given))["ticket"]
        await mall.consume()
        found = await asked(client, TICKET, member, id=ticket["id"])
        assert (found["status"], found["problem"]["code"]) == ("REJECTED", "NOT_FOUND")


async def test_pages_work_while_redis_is_away(mall: FlashMall, redis_server: RedisServer) -> None:
    [item] = await mall.publish(of(await a_sku(), 3))
    client, member = await client_of(mall), await a_buyer()
    ticket = await mall.claim(member, item)
    await mall.consume()
    redis_server.kill()
    try:
        [shown] = await items_seen(client, item, member)
        assert (shown["remaining"], shown["claimedByMe"]) == (2, 1)
        assert shown["myTicket"] == {"id": ticket, "status": "ORDERED"}
        given = {"itemId": str(item), "idempotencyKey": "k2"}
        payload = await asked(client, CLAIM, await a_buyer(), i=given)
        assert [error["code"] for error in payload["userErrors"]] == ["BUSY"]
    finally:
        redis_server.start()


async def test_a_sku_leads_to_the_sale_that_is_on(mall: FlashMall) -> None:
    document = """query ($id: ID!) { product(id: $id) { skus { flashSaleItem {
        id price remaining quantity flashSale { startsAt endsAt name } problem { code } } } } }"""
    sku, other = await a_sku(), await a_sku()
    await mall.publish(
        of(sku), name="后", starts_at=START + timedelta(hours=2), ends_at=START + timedelta(hours=3)
    )
    client = await client_of(mall)

    async def found(which: SkuFacts) -> Any:
        product = await asked(client, document, id=str(which.product_id))
        return product["skus"][0]["flashSaleItem"]

    assert await found(other) is None
    upcoming = await found(sku)
    assert (upcoming["flashSale"]["name"], upcoming["problem"]) == (
        *("后", {"code": "CAMPAIGN_NOT_STARTED"}),
    )
    await mall.publish(of(sku, 4), name="现")
    now = await found(sku)
    assert (now["flashSale"]["name"], now["remaining"], now["problem"]) == ("现", 4, None)


async def test_a_reminder_is_set_and_taken_back(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    member = await a_buyer()
    before = await client_of(mall, START - timedelta(hours=1))

    async def remind(client: GraphQLClient, *, on: bool) -> Any:
        return await asked(client, REMIND, member, i={"itemId": str(item), "on": on})

    for on in (True, True, False):
        payload = await remind(before, on=on)
        assert payload == {"item": {"id": str(item), "reminderSet": on}, "userErrors": []}
    late = await remind(await client_of(mall), on=True)
    assert late["userErrors"] == [{"code": "NOT_ALLOWED", "path": ["itemId"]}]
    await remind(before, on=True)
    [shown] = await items_seen(before, item, member)
    assert shown["reminderSet"] is True
    [unset] = await items_seen(before, item, await a_buyer())
    assert unset["reminderSet"] is False


async def test_a_poster_leads_to_the_sale(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    sale_id = await db.fetch_value("SELECT sale_id FROM flash_sale_item WHERE id = $1", item)
    code = target_scene_code(SceneKind.FLASH_SALE, sale_id)
    document = "query ($c: String!) { scene(sceneCode: $c) { kind targetId } }"
    found = await asked(await client_of(mall), document, c=code)
    assert found == {"kind": "FLASH_SALE", "targetId": str(sale_id)}


async def test_pages_cost_the_same_for_one_and_for_twenty(
    mall: FlashMall, statements: StatementLog
) -> None:
    skus = [await a_sku(stock=100) for _ in range(20)]
    member = await a_buyer()
    items = await mall.publish(*[of(sku, limit=5) for sku in skus])
    for sku in skus[1:]:
        await mall.publish(of(sku))
    for number, item in enumerate(items):
        await mall.claim(
            member, item, key=f"key {number}", now=RUNNING + timedelta(milliseconds=number)
        )
    await mall.consume()
    await mall.claim(member, items[0], key="one that waits", now=RUNNING + timedelta(seconds=1))
    client = await client_of(mall, RUNNING + timedelta(seconds=2))
    await items_seen(client, items[0], member)
    sale_id = await db.fetch_value("SELECT sale_id FROM flash_sale_item WHERE id = $1", items[0])
    counted = []
    for first in (1, 20):
        async with statements.record() as heard:
            found = await asked(client, LIST, member, first=first)
        assert len(found["nodes"]) == first
        listed = len(heard)
        async with statements.record() as heard:
            sale = await asked(client, SESSION, member, id=str(sale_id), first=first)
        assert len(sale["items"]["nodes"]) == first
        page = len(heard)
        async with statements.record() as heard:
            mine = (await asked(client, MINE, member, first=first))["flashSaleTickets"]
        assert len(mine["nodes"]) == first
        counted.append((listed, page, len(heard)))
    # The list: sales, items, SKUs, products, how many there are.
    # A sale: itself, items, SKUs, products, reminders, tickets, one waiting, the viewer, how many.
    # One's own: the tickets, items, SKUs, products, orders, how many there are.
    assert counted == [(5, 9, 6)] * 2


async def test_a_member_finds_their_tickets(mall: FlashMall) -> None:
    items = [(await mall.publish(of(await a_sku(name=name))))[0] for name in ("一", "二", "三")]
    member, other = await a_buyer(), await a_buyer()
    for number, item in enumerate(items):
        await mall.claim(member, item, key=f"k{number}", now=RUNNING + timedelta(seconds=number))
    await mall.claim(other, items[0])
    await mall.consume()
    client = await client_of(mall)

    async def mine(**arguments: Any) -> Any:
        return (await asked(client, MINE, member, **arguments))["flashSaleTickets"]

    found = await mine()
    assert [node["item"]["sku"]["product"]["name"] for node in found["nodes"]] == ["三", "二", "一"]
    assert {node["status"] for node in found["nodes"]} == {"ORDERED"}
    assert {node["order"]["status"] for node in found["nodes"]} == {"AWAITING_PAYMENT"}
    assert found["totalCount"] == 3
    page = await mine(first=2)
    rest = await mine(first=2, after=page["pageInfo"]["endCursor"])
    assert [node["id"] for node in rest["nodes"]] == [found["nodes"][2]["id"]]
