"""Tickets of flash sales become orders: what each costs, who gets none and why, exactly once."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.orders import DeliveryMethod
from domain.rules import ProvinceShipping, Rules
from models import database as db
from models.ids import new_id
from services import rules as rule_versions
from services import verification
from services.sealed_addresses import open_snapshot
from tests.factories.flash_sales import (
    a_sale_of,
    a_ticket,
    decided,
    order_of,
    quota_of,
    sale_of,
    shelf_of_item,
    ticket_of,
)
from tests.factories.shop import (
    DATA,
    NOW,
    XIZANG,
    a_buyer,
    a_member,
    a_sku,
    a_store,
    a_tier_price,
    an_address,
    stock_of,
)
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")


async def books_agree() -> None:
    broken = [each.check.name for each in await verification.verify() if not each.is_clean]
    assert broken == []


async def test_a_ticket_becomes_a_whole_order() -> None:
    sku = await a_sku(1000, stock=10, name="茶壶", option="红色")
    item, member = await a_sale_of(sku, 5, price_fen=600, limit=2), await a_buyer()
    ticket = a_ticket(item, member, quantity=2)

    assert await decided([ticket]) == ["SOLD"]

    order = await order_of(ticket)
    assert order is not None
    assert order["id"] == ticket.ticket.claim_id
    assert (order["kind"], order["status"], order["delivery"]) == (
        "FLASH_SALE",
        "AWAITING_PAYMENT",
        "EXPRESS",
    )
    assert order["member_id"] == member
    assert (order["goods_total_fen"], order["discount_total_fen"]) == (2000, 800)
    assert (order["shipping_fen"], order["payable_fen"]) == (800, 2000)
    assert order["line_discounts"] == [
        {
            "kind": "FLASH_SALE",
            "title": "{title}",
            "facts": {"title": "整点秒杀"},
            "amount_fen": 800,
            "source_id": str(await sale_of(item)),
        }
    ]
    assert order["units"] == [[2, [400], 0, 600, 6, 60]]
    assert (order["product_name"], order["sku_name"], order["quantity"]) == ("茶壶", "红色", 2)
    assert order["pay_before"] == order["timeout_due_at"] == NOW + timedelta(minutes=15)
    assert order["events"] == ["PLACED"]
    assert open_snapshot(order["address_encrypted"], DATA).name == "张三"
    assert await ticket_of(ticket) == ("ORDERED", None)
    assert await shelf_of_item(item) == {"available": 3, "reserved": 2, "sold": 0, "returned": 0}
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    assert await quota_of(item, member) == 2
    await books_agree()


async def test_a_better_price_of_the_tier_stands() -> None:
    """The sale's price takes part as one of several: the lowest counts."""
    sku = await a_sku(1000)
    await a_tier_price(sku, "GOLD", 900)
    item = await a_sale_of(sku, 5, price_fen=990)
    ticket = a_ticket(item, await a_buyer(tier="GOLD"))

    assert await decided([ticket]) == ["SOLD"]

    order = await order_of(ticket)
    assert order is not None
    assert [each["kind"] for each in order["line_discounts"]] == ["MEMBER_PRICE"]
    assert order["payable_fen"] - order["shipping_fen"] == 900


async def test_pieces_go_to_whoever_came_first() -> None:
    item = await a_sale_of(await a_sku(stock=10), 3)
    tickets = [a_ticket(item, await a_buyer()) for _ in range(5)]

    assert await decided(tickets) == ["SOLD", "SOLD", "SOLD", "GONE", "GONE"]

    assert [await ticket_of(each) for each in tickets[2:]] == [
        ("ORDERED", None),
        ("REJECTED", "SOLD_OUT"),
        ("REJECTED", "SOLD_OUT"),
    ]
    assert await order_of(tickets[3]) is None
    assert await quota_of(item, tickets[3].ticket.member_id) == 0
    assert await shelf_of_item(item) == {"available": 0, "reserved": 3, "sold": 0, "returned": 0}
    await books_agree()


async def test_fewer_pieces_go_to_the_next_who_wants_no_more() -> None:
    item = await a_sale_of(await a_sku(stock=10), 3, limit=2)
    tickets = [a_ticket(item, await a_buyer(), quantity=quantity) for quantity in (2, 2, 1)]

    assert await decided(tickets) == ["SOLD", "GONE", "SOLD"]
    await books_agree()


async def test_nobody_gets_more_than_the_limit() -> None:
    item = await a_sale_of(await a_sku(stock=10), 9, limit=2)
    member = await a_buyer()
    tickets = [a_ticket(item, member, key=f"k{number}") for number in range(3)]

    assert await decided(tickets) == ["SOLD", "SOLD", "BACK"]
    assert await decided([a_ticket(item, await a_buyer(), quantity=3)]) == ["BACK"]

    assert await ticket_of(tickets[2]) == ("REJECTED", "LIMIT_REACHED")
    assert await quota_of(item, member) == 2
    assert await shelf_of_item(item) == {"available": 7, "reserved": 2, "sold": 0, "returned": 0}
    await books_agree()


async def test_the_sku_has_a_limit_of_its_own() -> None:
    item = await a_sale_of(await a_sku(stock=10, limit=1), 9, limit=2)
    member = await a_buyer()

    assert await decided([a_ticket(item, member), a_ticket(item, member, key="second")]) == [
        "SOLD",
        "BACK",
    ]
    late = a_ticket(item, await a_buyer(), quantity=2)
    assert await decided([late]) == ["BACK"]

    assert await ticket_of(late) == ("REJECTED", "PURCHASE_LIMIT_REACHED")
    assert await quota_of(item, member) == 1
    assert await quota_of(item, late.ticket.member_id) == 0
    await books_agree()


async def test_who_loses_at_the_shelf_keeps_no_count() -> None:
    item = await a_sale_of(await a_sku(stock=10, limit=5), 1, limit=2)
    first, second = await a_buyer(), await a_buyer()

    assert await decided([a_ticket(item, first), a_ticket(item, second)]) == ["SOLD", "GONE"]

    counts = await db.fetch("SELECT member_id, pieces FROM purchase_count")
    assert {row["member_id"]: row["pieces"] for row in counts} == {first: 1, second: 0}
    await books_agree()


async def test_again_and_again_there_is_one_order() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5)
    tickets = [a_ticket(item, await a_buyer()) for _ in range(3)]

    assert await decided(tickets) == ["SOLD"] * 3
    assert await decided(tickets) == ["SOLD"] * 3
    assert await decided([tickets[0], tickets[0]]) == ["SOLD"] * 2

    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 3
    assert await shelf_of_item(item) == {"available": 2, "reserved": 3, "sold": 0, "returned": 0}
    await books_agree()


async def test_a_key_used_again_after_redis_forgot_it_gives_its_pieces_back() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5, limit=3)
    first = a_ticket(item, await a_buyer())
    again = a_ticket(item, first.ticket.member_id, claimed_ms=first.ticket.claimed_ms + 5_000)
    other = a_ticket(
        item, first.ticket.member_id, claimed_ms=first.ticket.claimed_ms + 9_000, quantity=2
    )

    assert await decided([first]) == ["SOLD"]
    assert await decided([again]) == ["BACK"]
    assert await decided([other]) == ["BACK"]

    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 1
    assert await quota_of(item, first.ticket.member_id) == 1
    await books_agree()


async def test_without_an_address_the_order_waits_for_one() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5, price_fen=0)
    ticket = a_ticket(item, await a_member())

    assert await decided([ticket]) == ["SOLD"]

    order = await order_of(ticket)
    assert order is not None
    assert (order["status"], order["payable_fen"]) == ("AWAITING_PAYMENT", 0)
    assert (order["address_encrypted"], order["region_code"]) == (None, None)


async def test_what_costs_nothing_is_paid_at_once() -> None:
    item, store = await a_sale_of(await a_sku(stock=10), 5, price_fen=0), await a_store()
    ticket = a_ticket(item, await a_member(), delivery=DeliveryMethod.PICKUP, store_id=store)

    assert await decided([ticket]) == ["SOLD"]

    order = await order_of(ticket)
    assert order is not None
    assert (order["status"], order["store_id"]) == ("AWAITING_PICKUP", store)
    assert await shelf_of_item(item) == {"available": 4, "reserved": 0, "sold": 1, "returned": 0}
    await books_agree()


async def test_every_obstacle_is_the_tickets_reason() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5)
    off_sale = await a_sale_of(await a_sku(stock=10, on_sale=False), 5)
    closed = await a_store(is_open=False)
    far_away, blocked, gone, somebody = [await a_member() for _ in range(4)]
    await an_address(far_away, region_code=XIZANG)
    await not_served(XIZANG[:2])
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", blocked)
    await db.execute("UPDATE member SET status = 'LEFT' WHERE id = $1", gone)
    elsewhere = await an_address(await a_member())
    tickets = {
        "ADDRESS_NOT_SERVED": a_ticket(item, far_away),
        "BLOCKED": a_ticket(item, blocked),
        "ADDRESS_NOT_FOUND": a_ticket(item, somebody, address_id=elsewhere),
        "STORE_NOT_AVAILABLE": a_ticket(
            item, await a_buyer(), delivery=DeliveryMethod.PICKUP, store_id=closed
        ),
        "NOT_FOR_SALE": a_ticket(off_sale, await a_buyer()),
    }
    left = a_ticket(item, gone)

    assert await decided([*tickets.values(), left]) == ["BACK"] * 6

    for reason, ticket in tickets.items():
        assert await ticket_of(ticket) == ("REJECTED", reason)
    assert await ticket_of(left) == ("REJECTED", "BLOCKED")
    assert await shelf_of_item(item) == {"available": 5, "reserved": 0, "sold": 0, "returned": 0}
    assert await db.fetch_value("SELECT count(*) FROM flash_quota") == 0


async def not_served(province: str) -> None:
    """Have rules in force under which nothing goes to a province."""
    there = ProvinceShipping(provinces=(province,), served=False)
    shipped = Rules()
    shipping = replace(shipped.shipping, exceptions=(there,))
    await rule_versions.publish(
        replace(shipped, shipping=shipping), effective_at=NOW - timedelta(days=1), now=NOW
    )


async def test_a_cancelled_sale_rejects_what_waits() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5)
    before, after = a_ticket(item, await a_buyer()), a_ticket(item, await a_buyer())

    assert await decided([before]) == ["SOLD"]
    await db.execute("UPDATE flash_sale SET state = 'CANCELLED'")
    assert await decided([after]) == ["BACK"]

    assert await ticket_of(after) == ("REJECTED", "CANCELLED")
    assert await ticket_of(before) == ("ORDERED", None)
    assert await shelf_of_item(item) == {"available": 4, "reserved": 1, "sold": 0, "returned": 0}
    await books_agree()


async def test_a_paused_sale_honours_what_waits() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5)
    await db.execute("UPDATE flash_sale SET state = 'PAUSED'")

    assert await decided([a_ticket(item, await a_buyer())]) == ["SOLD"]


async def test_who_has_merged_gets_the_order_of_who_they_were() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5)
    survivor, former = await a_buyer(), await a_member()
    await db.execute(
        "UPDATE member SET status = 'MERGED', merged_into_id = $2 WHERE id = $1", former, survivor
    )
    ticket = a_ticket(item, former)

    assert await decided([ticket]) == ["SOLD"]

    order = await order_of(ticket)
    assert order is not None
    assert order["member_id"] == survivor
    assert await quota_of(item, survivor) == 1


async def test_two_accounts_of_one_person_count_as_one() -> None:
    """Both tickets come in one batch, as two members', who are the same by now."""
    item = await a_sale_of(await a_sku(stock=10), 5)
    survivor, former = await a_buyer(), await a_member()
    await db.execute(
        "UPDATE member SET status = 'MERGED', merged_into_id = $2 WHERE id = $1", former, survivor
    )

    assert await decided([a_ticket(item, survivor), a_ticket(item, former)]) == ["SOLD", "BACK"]
    await books_agree()


async def test_a_ticket_of_nothing_leaves_nothing() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5)
    nothing = a_ticket(uuid4(), await a_buyer())
    nobody = a_ticket(item, new_id())
    good = a_ticket(item, await a_buyer())

    assert await decided([nothing, good, nobody]) == ["BACK", "SOLD", "BACK"]

    assert await db.fetch_value("SELECT count(*) FROM flash_ticket") == 1


async def test_a_batch_takes_few_statements_whatever_its_size(statements: StatementLog) -> None:
    item = await a_sale_of(await a_sku(stock=200), 100)
    warm = a_ticket(item, await a_buyer())
    await decided([warm])
    few = [a_ticket(item, await a_buyer()) for _ in range(2)]
    many = [a_ticket(item, await a_buyer()) for _ in range(20)]

    async with statements.record() as heard_few:
        await decided(few)
    async with statements.record() as heard_many:
        await decided(many)

    assert len(heard_few) == len(heard_many)
    assert len(heard_few) <= 9


async def test_a_ticket_that_fails_holds_up_no_other_and_gets_its_end() -> None:
    item = await a_sale_of(await a_sku(stock=10), 5)
    good, bad = [a_ticket(item, await a_buyer()) for _ in range(2)]
    await db.execute(
        "UPDATE address SET encrypted = $2 WHERE member_id = $1", bad.ticket.member_id, b"torn"
    )
    claimed_at = bad.ticket.claimed_at

    assert await decided([bad, good], now=claimed_at) == ["LEFT OUT", "SOLD"]
    assert await ticket_of(bad) is None
    assert await decided([bad], now=claimed_at + timedelta(minutes=5)) == ["BACK"]

    assert await ticket_of(bad) == ("REJECTED", "LOST")
    await books_agree()
