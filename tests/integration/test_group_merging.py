"""What a merge makes of campaigns: seats, teams, counts, newcomers' places, tickets and quotas."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.flash_sales import TicketStatus
from models import database as db
from models.flash_sales import FlashQuota, FlashReminder, FlashTicket
from models.ids import new_id
from models.members import Member
from services import merging
from tests.factories.campaigns import a_flash_item, a_shelf
from tests.factories.group_buys import (
    a_group_buy,
    joined,
    opened,
    seats_of,
    status_of,
    team_of,
    team_row,
)
from tests.factories.orders import cancelled, pay, placed
from tests.factories.shop import NOW, a_buyer, a_sku
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")


async def two_members() -> tuple[UUID, UUID]:
    """Make an older member, who survives a merge, and a younger one."""
    older, younger = await a_buyer(), await a_buyer()
    await Member.filter(id=older).update(created_at=NOW - timedelta(days=1))
    return older, younger


async def merge(first: UUID, second: UUID) -> UUID | None:
    async def work() -> UUID | None:
        async with db.in_transaction():
            return await merging.merge(first, second, now=NOW)

    return await db.retrying(work)


async def test_two_seats_in_one_team_both_count() -> None:
    older, younger = await two_members()
    sku = await a_sku()
    team_id, _ = await opened(await a_group_buy(sku, team_size=3), sku)
    orders = [await joined(team_id, sku, by=member_id) for member_id in (older, younger)]
    await pay(orders[0])
    assert await merge(older, younger) == older
    rows = await db.fetch(
        "SELECT member_id, merged FROM group_buy_seat WHERE order_id = ANY($1) ORDER BY merged",
        orders,
    )
    assert [tuple(row) for row in rows] == [(older, False), (older, True)]
    await pay(orders[1])
    assert await team_row(team_id) == ("SUCCEEDED", 3)
    assert [await status_of(order_id) for order_id in orders] == ["AWAITING_SHIPMENT"] * 2
    assert await counted() == {older: 2}
    await assert_books_agree()


async def counted() -> dict[UUID, int]:
    rows = await db.fetch(
        "SELECT member_id, pieces FROM group_buy_count"
        " WHERE member_id IN (SELECT id FROM member ORDER BY created_at LIMIT 1)"
        " OR member_id IN (SELECT id FROM member WHERE status = 'MERGED')"
    )
    return {row["member_id"]: row["pieces"] for row in rows}


async def test_one_of_two_open_teams_of_a_campaign_keeps_its_old_leader() -> None:
    older, younger = await two_members()
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    kept, _ = await opened(group_buy_id, sku, by=older)
    left, order_id = await opened(group_buy_id, sku, by=younger)
    other, _ = await opened(await a_group_buy(sku), sku, by=younger)
    assert await merge(older, younger) == older
    rows = await db.fetch("SELECT id, leader_id FROM group_buy_team")
    assert {row["id"]: row["leader_id"] for row in rows} == {
        kept: older,
        left: younger,
        other: older,
    }
    assert await seats_of(left) == [(0, "PAID")]
    assert await status_of(order_id) == "AWAITING_TEAM"
    await assert_books_agree()


async def test_one_place_for_newcomers_is_left() -> None:
    older, younger = await two_members()
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, new_members_only=True)
    orders = []
    for member_id in (older, younger):
        team_id, _ = await opened(group_buy_id, sku)
        orders.append(await joined(team_id, sku, by=member_id))
    assert await merge(older, younger) == older
    rows = await db.fetch("SELECT member_id, order_id FROM group_buy_newcomer")
    assert [tuple(row) for row in rows] == [(older, orders[0])]
    await pay(orders[1])
    await cancelled(orders[0])
    assert await team_row(await team_of(orders[1])) == ("SUCCEEDED", 2)
    assert await db.fetch_value("SELECT count(*) FROM group_buy_newcomer") == 0
    await assert_books_agree()


async def test_what_the_loser_orders_at_the_moment_of_the_merge_follows() -> None:
    older, younger = await two_members()
    sku = await a_sku()
    order_id = await placed(younger, (sku, 2), group_buy_id=await a_group_buy(sku))
    assert await merge(older, younger) == older
    for table in ("sales_order", "group_buy_seat", "group_buy_count"):
        await db.execute(f"UPDATE {table} SET member_id = $1", younger)
    await db.execute("UPDATE group_buy_team SET leader_id = $1", younger)
    assert await merging.gather_stragglers(now=NOW + timedelta(minutes=1)) == 1
    rows = await db.fetch("SELECT member_id, pieces FROM group_buy_count")
    assert [tuple(row) for row in rows] == [(older, 2)]
    leader = await db.fetch_value("SELECT leader_id FROM group_buy_team")
    assert (leader, await status_of(order_id)) == (older, "AWAITING_PAYMENT")
    await assert_books_agree()


async def test_tickets_quotas_and_reminders() -> None:
    older, younger = await two_members()
    sku = await a_sku()
    item_id = await a_flash_item(sku, stock_id=await a_shelf(sku, 5), per_member_limit=2)
    for member_id, pieces in ((older, 1), (younger, 2)):
        await FlashTicket.create(
            id=new_id(),
            item_id=item_id,
            member_id=member_id,
            quantity=pieces,
            claimed_at=NOW,
            status=TicketStatus.ORDERED,
            decided_at=NOW,
        )
        await FlashQuota.create(item_id=item_id, member_id=member_id, pieces=pieces)
    await FlashReminder.create(item_id=item_id, member_id=older)
    await FlashReminder.create(item_id=item_id, member_id=younger, told_at=NOW)
    assert await merge(older, younger) == older
    rows = await db.fetch("SELECT DISTINCT member_id FROM flash_ticket")
    assert [tuple(row) for row in rows] == [(older,)]
    rows = await db.fetch("SELECT member_id, pieces FROM flash_quota")
    assert [tuple(row) for row in rows] == [(older, 3)]
    rows = await db.fetch("SELECT member_id, told_at FROM flash_reminder")
    assert [tuple(row) for row in rows] == [(older, NOW)]
