"""Deadlines of teams and campaigns: who waits, who fails, and what goes back to the fen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.errors import NotAllowed
from domain.payments import RefundRequest, RefundState
from domain.stock_gate import Freed
from models import database as db
from models.ids import new_id
from services import group_admin, group_seats, group_teams, payment_sweeps
from services.payment_sweeps import refund_cases
from services.reversal import Reversal, reverse
from services.settling import Outcome
from services.verification import verify
from tests.factories.campaigns import shelf_of
from tests.factories.coupons import a_coupon
from tests.factories.group_buys import (
    HOUR,
    a_group_buy,
    joined,
    opened,
    seats_of,
    status_of,
    team_of,
    team_row,
)
from tests.factories.orders import OpenGate, bought, cancelled, lines_of, pay, placed
from tests.factories.shop import NOW, a_buyer, a_sku, stock_of

pytestmark = pytest.mark.usefixtures("database")
END = NOW + 24 * HOUR
"""When a team that was opened at noon has to be complete."""


class Gate(OpenGate):
    """Remembers what it was told of."""

    def __init__(self) -> None:
        self.freed: list[Freed] = []

    async def free(self, freed: Freed) -> None:
        self.freed.append(freed)


class Wechat:
    """Refunds whatever it is asked to, once it answers."""

    mchid = "1900000001"

    def __init__(self) -> None:
        self.refunds: list[RefundRequest] = []

    async def refund(self, request: RefundRequest) -> RefundState:
        self.refunds.append(request)
        return RefundState.SUCCESS


@pytest.fixture(autouse=True)
async def _books_agree(database: None) -> AsyncIterator[None]:
    """Whatever a test does, nothing contradicts anything in the end."""
    yield
    findings = [finding for finding in await verify() if not finding.is_clean]
    assert [(finding.check.name, finding.rows) for finding in findings] == []


async def swept(now: datetime, gate: OpenGate | None = None) -> None:
    """Do what the sweeps would do at an instant."""
    gate = gate or OpenGate()
    while await group_teams.end_due(now=now) + await group_teams.refund_due(gate, now=now):
        pass


async def test_a_failed_team_gives_everything_back() -> None:
    sku = await a_sku(10_000, stock=10)
    group_buy_id = await a_group_buy(sku, price_fen=6_000, team_size=3)
    member_id = await a_buyer(points=1_000)
    coupon_id = await a_coupon(member_id, stacks_with_campaigns=True)
    order_id = await bought(
        member_id,
        (sku, 1),
        group_buy_id=group_buy_id,
        points_to_spend=1_000,
        coupon_ids=(coupon_id,),
    )
    team_id = await team_of(order_id)
    friend_order = await joined(team_id, sku)
    await pay(friend_order)
    assert await balances(member_id) == {"SPENDABLE": 0, "PENDING": 45, "GROWTH_PENDING": 450}

    assert await group_teams.end_due(now=END - timedelta(seconds=1)) == 0
    gate, wechat = Gate(), Wechat()
    await swept(END, gate)
    assert await team_row(team_id) == ("FAILED", 2)
    assert [await status_of(each) for each in (order_id, friend_order)] == ["REFUNDED"] * 2
    assert await balances(member_id) == {"SPENDABLE": 1_000, "PENDING": 0, "GROWTH_PENDING": 0}
    assert await coupon_status(coupon_id) == "USABLE"
    assert await stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}
    assert [dict(freed.pieces) for freed in gate.freed] == [{sku.id: 1}] * 2
    assert await db.fetch_value("SELECT sum(pieces) FROM group_buy_count") == 0

    pay_back: Any = wechat
    assert await refund_cases(pay_back, now=END) == 2
    assert sorted((refund.refund_fen, refund.reason) for refund in wechat.refunds) == [
        (5_300, "拼团未成退款"),
        (6_800, "拼团未成退款"),
    ]
    assert await refund_cases(pay_back, now=END + HOUR) == 0
    kinds = await db.fetch("SELECT kind FROM order_event WHERE order_id = $1 ORDER BY id", order_id)
    assert [row["kind"] for row in kinds] == ["PLACED", "PAID", "REFUNDED"]
    told = await db.fetch_value("SELECT count(*) FROM message WHERE event = 'GROUP_BUY_ENDED'")
    assert told == 2


async def balances(member_id: UUID) -> dict[str, int]:
    rows = await db.fetch(
        "SELECT kind, balance FROM ledger_account WHERE member_id = $1"
        " AND kind IN ('SPENDABLE', 'PENDING', 'GROWTH_PENDING')",
        member_id,
    )
    return {row["kind"]: row["balance"] for row in rows}


async def coupon_status(coupon_id: UUID) -> str:
    status: str = await db.fetch_value("SELECT status FROM coupon WHERE id = $1", coupon_id)
    return status


async def test_a_team_waits_for_money_that_may_have_come_in_time() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    order_id = await joined(team_id, sku, now=END - timedelta(minutes=5))
    assert await group_teams.end_due(now=END) == 1
    assert await team_row(team_id) == ("FORMING", 1)
    assert await group_teams.end_due(now=END) == 0, "it is looked at again a little later"
    assert await pay(order_id, now=END + timedelta(seconds=4)) is Outcome.PAID
    assert await team_row(team_id) == ("SUCCEEDED", 2)
    assert await group_teams.end_due(now=END + HOUR) == 0


async def test_a_team_fails_once_the_last_order_under_way_is_cancelled() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, order_id = await opened(group_buy_id, sku)
    waiting = await joined(team_id, sku, now=END - timedelta(minutes=5))
    await swept(END)
    assert await status_of(order_id) == "AWAITING_TEAM"
    await cancelled(waiting, now=END)
    await swept(END + group_teams.LOOK_AGAIN)
    assert await team_row(team_id) == ("FAILED", 1)
    assert await status_of(order_id) == "REFUNDED"


async def test_wechat_that_says_nothing_holds_a_team_up_for_ten_minutes_only() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, order_id = await opened(group_buy_id, sku)
    unknown = await joined(team_id, sku, now=END - timedelta(minutes=5))
    await swept(END + group_teams.PATIENCE - timedelta(seconds=1))
    assert await team_row(team_id) == ("FORMING", 1)
    await swept(END + group_teams.PATIENCE + group_teams.LOOK_AGAIN)
    assert await team_row(team_id) == ("FAILED", 1)
    assert await seats_of(team_id) == [(0, "PAID")]
    assert await status_of(order_id) == "REFUNDED"
    assert await pay(unknown, now=END + HOUR) is Outcome.CASE
    assert await status_of(unknown) == "CANCELLED TEAM_CLOSED"


async def test_a_paid_seat_of_a_forming_team_is_not_refunded() -> None:
    sku = await a_sku()
    _, order_id = await opened(await a_group_buy(sku), sku)
    with pytest.raises(NotAllowed):
        await whole_refund(order_id)
    assert await status_of(order_id) == "AWAITING_TEAM"


async def whole_refund(order_id: UUID) -> None:
    [line_id] = await lines_of(order_id)
    await reverse(
        Reversal(
            refund_id=new_id(), order_id=order_id, quantities={line_id: 1}, before_shipment=True
        ),
        now=NOW,
    )


async def test_the_refund_of_one_member_leaves_the_team_a_success() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku, set_aside=4)
    team_id, first = await opened(group_buy_id, sku)
    second = await joined(team_id, sku)
    await pay(second)
    await whole_refund(second)
    assert await team_row(team_id) == ("SUCCEEDED", 2)
    assert [await status_of(each) for each in (first, second)] == ["AWAITING_SHIPMENT", "REFUNDED"]
    shelf = await db.fetch_value("SELECT id FROM campaign_stock")
    assert await shelf_of(shelf) == {"available": 3, "reserved": 0, "sold": 1, "returned": 0}
    assert await db.fetch_value("SELECT sum(pieces) FROM group_buy_count") == 1


async def test_a_newcomer_whose_team_failed_is_as_new_as_before() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, new_members_only=True, team_size=3)
    new = await a_buyer()
    team_id, _ = await opened(group_buy_id, sku)
    order_id = await joined(team_id, sku, by=new)
    await pay(order_id)
    await swept(END)
    assert await status_of(order_id) == "REFUNDED"
    later = END + HOUR
    other = await placed(await a_buyer(), (sku, 1), group_buy_id=group_buy_id, now=later)
    again = await joined(await team_of(other), sku, by=new, now=later)
    assert await status_of(again) == "AWAITING_PAYMENT"


async def test_a_campaign_that_is_over_returns_what_it_set_aside() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku, set_aside=6, ends_at=NOW + 2 * HOUR)
    shelf = await db.fetch_value("SELECT id FROM campaign_stock")
    team_id, _ = await opened(group_buy_id, sku)
    gate = Gate()
    assert await group_admin.close_due(gate, now=NOW + HOUR) == 0
    assert await group_admin.close_due(gate, now=NOW + 2 * HOUR) == 1
    assert await state_of(group_buy_id) == "PUBLISHED", "its last team still forms"
    await pay(await joined(team_id, sku, now=NOW + 3 * HOUR), now=NOW + 3 * HOUR)
    assert await group_admin.close_due(gate, now=END) == 1
    assert await state_of(group_buy_id) == "CLOSED"
    assert await shelf_of(shelf) == {"available": 0, "reserved": 0, "sold": 2, "returned": 4}
    assert await stock_of(sku) == {"available": 8, "reserved": 0, "sold": 0}
    assert [dict(freed.pieces) for freed in gate.freed] == [{sku.id: 4}]


async def state_of(group_buy_id: UUID) -> str:
    state: str = await db.fetch_value("SELECT state FROM group_buy WHERE id = $1", group_buy_id)
    return state


async def test_a_campaign_that_was_called_off_closes_at_once_when_nobody_has_a_team() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku, set_aside=6)
    await group_admin.cancel(group_buy_id, now=NOW)
    await group_admin.cancel(group_buy_id, now=NOW)
    assert await group_admin.close_due(OpenGate(), now=NOW) == 1
    assert await state_of(group_buy_id) == "CLOSED"
    assert await stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}


async def test_extending_moves_the_end_and_the_closing() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, ends_at=NOW + HOUR)
    await group_admin.extend(group_buy_id, NOW + 3 * HOUR)
    assert await group_admin.close_due(OpenGate(), now=NOW + 2 * HOUR) == 0
    order_id = await placed(
        await a_buyer(), (sku, 1), group_buy_id=group_buy_id, now=NOW + 2 * HOUR
    )
    assert await status_of(order_id) == "AWAITING_PAYMENT"
    with pytest.raises(Exception, match="only end later"):
        await group_admin.extend(group_buy_id, NOW + HOUR)


async def test_sweeping_twice_changes_nothing() -> None:
    sku = await a_sku()
    _, order_id = await opened(await a_group_buy(sku), sku)
    await swept(END)
    await db.execute("UPDATE group_buy_seat SET refund_due_at = $1", END)
    gate = Gate()
    assert await group_teams.refund_due(gate, now=END) == 1
    assert [dict(freed.pieces) for freed in gate.freed] == [{}]
    assert await status_of(order_id) == "REFUNDED"
    assert await db.fetch_value("SELECT count(*) FROM payment_case") == 1


async def test_an_overdue_seat_is_cancelled_like_any_order() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    order_id = await joined(team_id, sku)
    pay_port: Any = Wechat()
    assert (
        await payment_sweeps.cancel_overdue(pay_port, OpenGate(), now=NOW + timedelta(minutes=15))
        == 1
    )
    assert await status_of(order_id) == "CANCELLED TIMEOUT"
    assert await seats_of(team_id) == [(0, "PAID")]
    assert not await group_seats.may_be_refunded(order_id)
