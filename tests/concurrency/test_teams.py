"""Many members for few seats at once, on real PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.errors import Busy
from domain.orders import CancelReason
from domain.payments import OrderAlreadyPaid
from domain.stock_gate import Freed
from gateways.redis.connection import RedisClient
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database as db
from models.ids import new_id
from services import campaign_stock, group_admin, group_teams, stock
from services.cancelling import cancel_unpaid
from services.placing import DraftRefused, PlaceOrder, place_order
from services.settling import Outcome
from tests.factories.campaigns import shelf_of
from tests.factories.coupons import a_coupon
from tests.factories.group_buys import (
    HOUR,
    a_group_buy,
    joined,
    opened,
    seats_of,
    status_of,
    team_row,
)
from tests.factories.orders import OpenGate, a_draft, pay
from tests.factories.shop import DATA, NOW, SkuFacts, a_buyer, a_sku, stock_of
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")
LATER = NOW + timedelta(minutes=16)


@pytest.fixture
def gate(redis: RedisClient) -> StockGate:
    return StockGate(redis, stock.available_of, StockGateConfig(timeout_seconds=5))


async def outcome(member_id: UUID, sku: SkuFacts, gate: Any, **choices: Any) -> UUID | str:
    """Place an order for a team; returns it, or the code of its refusal."""
    now: datetime = choices.pop("now", NOW)
    command = PlaceOrder(
        member_id=member_id,
        draft=a_draft((sku, 1), **choices),
        expected_payable_fen=None,
        remark=None,
        idempotency_key="k",
    )
    try:
        return await place_order(command, gate, DATA, now=now)
    except DraftRefused as refused:
        return " ".join(problem.code for problem in refused.problems)


async def test_forty_members_for_the_two_free_seats_of_a_team_of_three(gate: StockGate) -> None:
    sku = await a_sku(10_000, stock=100)
    group_buy_id = await a_group_buy(sku, price_fen=6_000, team_size=3)
    team_id, _ = await opened(group_buy_id, sku)
    rivals = [await a_buyer(points=1_000) for _ in range(40)]
    coupons = [await a_coupon(rival, stacks_with_campaigns=True) for rival in rivals]
    outcomes = await asyncio.gather(
        *(
            outcome(
                rival,
                sku,
                gate,
                group_buy_id=group_buy_id,
                group_buy_team_id=team_id,
                coupon_ids=(coupon_id,),
                points_to_spend=1_000,
            )
            for rival, coupon_id in zip(rivals, coupons, strict=True)
        )
    )
    assert Counter(each for each in outcomes if isinstance(each, str)) == {"TEAM_FULL": 38}
    assert await seats_of(team_id) == [(0, "PAID"), (1, "HELD"), (2, "HELD")]
    assert await stock_of(sku) == {"available": 97, "reserved": 2, "sold": 1}
    held = "SELECT count(*) FROM coupon WHERE status = 'RESERVED'"
    assert await db.fetch_value(held) == 2
    spent = "SELECT count(*) FROM ledger_account WHERE kind = 'SPENDABLE' AND balance = 0"
    assert await db.fetch_value(f"{spent} AND member_id = ANY($1)", rivals) == 2
    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 3
    assert await db.fetch_value("SELECT count(*) FROM group_buy_count") == 3
    assert await db.fetch_value("SELECT count(*) FROM idempotency_key") == 3
    gate_counts = await gate.hold("look", {sku.id: 97})
    assert gate_counts.left == {}, "the gate holds nothing for those who were refused"
    await assert_books_agree()


async def test_fifty_payments_for_seats_that_have_lapsed() -> None:
    sku = await a_sku(stock=100)
    group_buy_id = await a_group_buy(sku, team_size=11)
    team_id, _ = await opened(group_buy_id, sku)
    lapsed: list[UUID] = []
    for wave in range(5):  # Each wave of ten takes the seats that the wave before let lapse.
        now = NOW + wave * timedelta(minutes=16)
        lapsed += [await joined(team_id, sku, now=now) for _ in range(10)]
    late = NOW + 6 * timedelta(minutes=16)
    outcomes = Counter(await asyncio.gather(*(pay(order_id, now=late) for order_id in lapsed)))
    assert outcomes == {Outcome.PAID: 10, Outcome.CASE: 40}
    assert await team_row(team_id) == ("SUCCEEDED", 11)
    statuses = Counter([await status_of(order_id) for order_id in lapsed])
    assert statuses == {"AWAITING_SHIPMENT": 10, "CANCELLED TEAM_FULL": 40}
    assert await stock_of(sku) == {"available": 89, "reserved": 0, "sold": 11}
    cases = await db.fetch_one("SELECT count(*) AS n, sum(amount_fen) AS fen FROM payment_case")
    assert cases is not None
    assert (cases["n"], cases["fen"]) == (40, 40 * 1_400)
    await assert_books_agree()


async def test_one_member_opens_one_team_however_often_they_ask(gate: StockGate) -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    member_id = await a_buyer()

    async def open_one(number: int) -> UUID | str:
        command = PlaceOrder(
            member_id=member_id,
            draft=a_draft((sku, 1), group_buy_id=group_buy_id),
            expected_payable_fen=None,
            remark=None,
            idempotency_key=f"k{number}",
        )
        try:
            return await place_order(command, gate, DATA, now=NOW)
        except DraftRefused as refused:
            return refused.problems[0].code

    outcomes = await asyncio.gather(*(open_one(number) for number in range(12)))
    assert Counter(each for each in outcomes if isinstance(each, str)) == {
        "TEAM_ALREADY_JOINED": 11
    }
    assert await db.fetch_value("SELECT count(*) FROM group_buy_team") == 1
    assert await stock_of(sku) == {"available": 99, "reserved": 1, "sold": 0}


async def test_one_key_ten_times_takes_one_seat(gate: StockGate) -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    member_id = await a_buyer()
    team = {"group_buy_id": group_buy_id, "group_buy_team_id": team_id}
    outcomes = await asyncio.gather(*(outcome(member_id, sku, gate, **team) for _ in range(10)))
    assert len(set(outcomes)) == 1
    assert isinstance(outcomes[0], UUID)
    assert await seats_of(team_id) == [(0, "PAID"), (1, "HELD")]


async def test_a_newcomer_joins_one_team_of_many(gate: StockGate) -> None:
    sku = await a_sku()
    teams = []
    for _ in range(6):
        group_buy_id = await a_group_buy(sku, new_members_only=True)
        teams.append((group_buy_id, (await opened(group_buy_id, sku))[0]))
    new = await a_buyer()

    async def join(group_buy_id: UUID, team_id: UUID) -> UUID | str:
        command = PlaceOrder(
            member_id=new,
            draft=a_draft((sku, 1), group_buy_id=group_buy_id, group_buy_team_id=team_id),
            expected_payable_fen=None,
            remark=None,
            idempotency_key=str(team_id),
        )
        try:
            return await place_order(command, gate, DATA, now=NOW)
        except DraftRefused as refused:
            return refused.problems[0].code

    outcomes = await asyncio.gather(*(join(*team) for team in teams))
    assert Counter(each for each in outcomes if isinstance(each, str)) == {"NEW_MEMBERS_ONLY": 5}
    assert await db.fetch_value("SELECT count(*) FROM group_buy_seat WHERE status = 'HELD'") == 1
    await assert_books_agree()


@pytest.mark.parametrize("seed", range(3))
async def test_payments_cancels_lapses_and_deadlines_at_once(seed: int) -> None:
    """Everything that locks teams, crossed: nobody waits for ever and every book agrees."""
    chance = random.Random(seed)
    sku = await a_sku(stock=1_000)
    group_buy_id = await a_group_buy(sku, team_size=4, set_aside=500, per_member_limit=10)
    teams = [(await opened(group_buy_id, sku))[0] for _ in range(5)]
    members = [await a_buyer() for _ in range(12)]
    seats = [(team_id, member) for team_id in teams for member in chance.sample(members, 3)]
    orders = [(team_id, await joined(team_id, sku, by=member)) for team_id, member in seats]
    end = NOW + 24 * HOUR + group_teams.PATIENCE
    work: list[Awaitable[Any]] = []
    for team_id, order_id in orders:
        deed = chance.choice(("pay", "pay", "cancel", "both", "rival"))
        if deed in ("pay", "both"):
            work.append(pay(order_id, now=LATER))
        if deed in ("cancel", "both"):
            work.append(cancelled_if_unpaid(order_id))
        if deed == "rival":
            work.append(
                outcome(
                    await a_buyer(),
                    sku,
                    OpenGate(),
                    now=LATER,
                    group_buy_id=group_buy_id,
                    group_buy_team_id=team_id,
                )
            )
            work.append(pay(order_id, now=LATER))
    work.append(group_teams.end_due(now=end))
    work.append(group_teams.refund_due(OpenGate(), now=end))
    work.append(group_admin.close_due(OpenGate(), now=end + 100 * HOUR))
    chance.shuffle(work)
    await asyncio.gather(*work)
    while await group_teams.end_due(now=end) + await group_teams.refund_due(OpenGate(), now=end):
        end += timedelta(minutes=2)
    unpaid = await db.fetch(
        "SELECT o.id FROM sales_order AS o JOIN payment ON payment.order_id = o.id"
        " WHERE o.status = 'AWAITING_PAYMENT' AND payment.status = 'SUCCEEDED'"
    )
    assert unpaid == [], "no order is left unpaid with money taken"
    forming = await db.fetch_value("SELECT count(*) FROM group_buy_team WHERE status = 'FORMING'")
    assert forming == 0
    await assert_books_agree()


async def test_a_shelf_is_closed_while_an_order_of_it_is_under_way() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku, set_aside=6)
    _, order_id = await opened(group_buy_id, sku)
    stock_id: UUID = await db.fetch_value("SELECT id FROM campaign_stock")
    moved, go_on = asyncio.Event(), asyncio.Event()

    async def give_back() -> None:
        async with db.in_transaction():
            await stock.give_back_sold(order_id, new_id(), {sku.id: 1}, now=NOW)
            moved.set()
            await go_on.wait()

    giving = asyncio.create_task(give_back())
    await moved.wait()
    closing = asyncio.create_task(close(stock_id))
    await somebody_waits()
    go_on.set()
    await giving
    assert await closing == Freed({sku.id: 6})
    assert await shelf_of(stock_id) == {"available": 0, "reserved": 0, "sold": 0, "returned": 6}
    assert await stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}


async def close(stock_id: UUID) -> Freed:
    async with db.in_transaction():
        return await campaign_stock.close(stock_id, now=NOW)


async def somebody_waits() -> None:
    """Come back when a transaction waits for another one's lock."""
    waiting = 0
    while not waiting:
        waiting = await db.fetch_value(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )


class QuietWechat:
    """Knows of no payment yet, and closes whatever it is asked to."""

    async def query(self, out_trade_no: str) -> None:
        """Know nothing."""

    async def close(self, out_trade_no: str) -> None:
        """Do nothing."""


async def cancelled_if_unpaid(order_id: UUID) -> None:
    wechat: Any = QuietWechat()
    try:
        await cancel_unpaid(order_id, wechat, OpenGate(), reason=CancelReason.MEMBER, now=LATER)
    except (OrderAlreadyPaid, Busy):
        return
