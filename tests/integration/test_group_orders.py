"""Orders for teams, from the quote to the refund, on real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.orders import CancelReason, DeliveryMethod
from models import database as db
from services import group_admin, group_teams, settling
from services.cancelling import cancel_unpaid
from services.placing import DraftRefused
from services.quoting import quote_draft
from services.settling import Outcome
from services.verification import verify
from tests.factories.campaigns import shelf_of
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
from tests.factories.orders import NO_WECHAT, OpenGate, a_draft, a_payment, cancelled, pay, placed
from tests.factories.shop import NOW, a_buyer, a_member, a_sku, a_store, stock_of

pytestmark = pytest.mark.usefixtures("database")
LATER = NOW + timedelta(minutes=16)
"""A seat that was taken at noon has lapsed, and its order is not cancelled yet."""


@pytest.fixture(autouse=True)
async def _books_agree(database: None) -> Any:
    """Whatever a test does, nothing contradicts anything in the end."""
    yield
    findings = [finding for finding in await verify() if not finding.is_clean]
    assert [(finding.check.name, finding.rows) for finding in findings] == []


async def refusals(member_id: UUID, *lines: Any, **choices: Any) -> list[tuple[str, str]]:
    """Place an order that is refused; returns codes and paths."""
    with pytest.raises(DraftRefused) as refused:
        await placed(member_id, *lines, **choices)
    return [(problem.code, ".".join(problem.path)) for problem in refused.value.problems]


async def test_a_team_of_two_from_opening_to_success() -> None:
    sku = await a_sku(1000)
    group_buy_id = await a_group_buy(sku)
    leader, friend = await a_buyer(), await a_buyer()
    first = await placed(leader, (sku, 2), group_buy_id=group_buy_id)
    row = await db.fetch_one("SELECT * FROM sales_order WHERE id = $1", first)
    assert row is not None
    assert (row["kind"], row["goods_total_fen"], row["discount_total_fen"]) == (
        "GROUP_BUY",
        2000,
        800,
    )
    assert row["pay_before"] == NOW + timedelta(minutes=15)
    team_id = await team_of(first)
    assert team_id.version == 4
    assert await team_row(team_id) == ("FORMING", 0)
    assert await seats_of(team_id) == [(0, "HELD")]

    assert await pay(first) is Outcome.PAID
    assert await status_of(first) == "AWAITING_TEAM"
    assert await team_row(team_id) == ("FORMING", 1)
    assert await brings_coupons(first) is False, "nothing is given for what may be refunded"

    second = await joined(team_id, sku, by=friend)
    assert await seats_of(team_id) == [(0, "PAID"), (1, "HELD")]
    assert await pay(second) is Outcome.PAID
    assert await team_row(team_id) == ("SUCCEEDED", 2)
    assert [await status_of(each) for each in (first, second)] == ["AWAITING_SHIPMENT"] * 2
    assert await stock_of(sku) == {"available": 97, "reserved": 0, "sold": 3}
    for order_id in (first, second):
        assert await timeline(order_id) == ["PLACED", "PAID", "TEAM_COMPLETED"]
        assert await brings_coupons(order_id) is True
    assert await told("GROUP_BUY_ENDED") == {leader, friend}


async def brings_coupons(order_id: UUID) -> bool:
    found: bool = await db.fetch_value(
        "SELECT events_due_at IS NOT NULL FROM sales_order WHERE id = $1", order_id
    )
    return found


async def timeline(order_id: UUID) -> list[str]:
    rows = await db.fetch(
        "SELECT kind FROM order_event WHERE order_id = $1 ORDER BY happened_at, id", order_id
    )
    return [row["kind"] for row in rows]


async def told(event: str) -> set[UUID]:
    rows = await db.fetch("SELECT member_id FROM message WHERE event = $1", event)
    return {row["member_id"] for row in rows}


async def test_orders_for_pickup_get_their_code_when_the_team_is_complete() -> None:
    sku, store = await a_sku(), await a_store()
    group_buy_id = await a_group_buy(sku)
    pickup: dict[str, Any] = {"delivery": DeliveryMethod.PICKUP, "store_id": store}
    first = await placed(await a_member(), (sku, 1), group_buy_id=group_buy_id, **pickup)
    await pay(first)
    assert await code_of(first) is None
    second = await joined(await team_of(first), sku, by=await a_member(), **pickup)
    await pay(second)
    for order_id in (first, second):
        assert await status_of(order_id) == "AWAITING_PICKUP"
        assert len(await code_of(order_id) or "") == 8


async def code_of(order_id: UUID) -> str | None:
    code: str | None = await db.fetch_value(
        "SELECT pickup_code FROM sales_order WHERE id = $1", order_id
    )
    return code


async def test_the_quote_says_what_placing_would_say() -> None:
    sku = await a_sku(1000)
    group_buy_id = await a_group_buy(sku, per_member_limit=2)
    buyer = await a_buyer()
    priced = await quote_draft(buyer, a_draft((sku, 2), group_buy_id=group_buy_id), now=NOW)
    assert priced.quote.problems == ()
    assert (priced.quote.goods_total_fen, priced.quote.discount_total_fen) == (2000, 800)
    [discount] = [each for each in priced.quote.discounts if each.source_id == group_buy_id]
    assert (discount.kind, discount.amount_fen) == ("GROUP_BUY", 800)
    priced = await quote_draft(buyer, a_draft((sku, 3), group_buy_id=group_buy_id), now=NOW)
    assert [problem.code for problem in priced.quote.problems] == ["PURCHASE_LIMIT_REACHED"]
    assert priced.quote.problems[0].facts == {"limit": 2}


@pytest.mark.parametrize(
    ("window", "code"),
    [
        ({"starts_at": NOW + HOUR}, "CAMPAIGN_NOT_STARTED"),
        ({"starts_at": NOW - 3 * HOUR, "ends_at": NOW + timedelta(seconds=1)}, "CAMPAIGN_ENDED"),
    ],
)
async def test_no_team_is_opened_outside_the_window(window: dict[str, Any], code: str) -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, **window)
    now = NOW + timedelta(seconds=2)
    found = await refusals(await a_buyer(), (sku, 1), group_buy_id=group_buy_id, now=now)
    assert found == [(code, "groupBuyId")]


async def test_what_a_draft_for_a_team_must_look_like() -> None:
    sku, other = await a_sku(), await a_sku()
    group_buy_id = await a_group_buy(sku)
    buyer = await a_buyer()
    team: dict[str, Any] = {"group_buy_id": group_buy_id}
    assert await refusals(buyer, (sku, 1), (other, 1), **team) == [("INVALID_INPUT", "lines")]
    assert await refusals(buyer, (other, 1), **team) == [("INVALID_INPUT", "lines.0.skuId")]
    assert await refusals(buyer, (sku, 1), group_buy_team_id=group_buy_id) == [
        ("INVALID_INPUT", "groupBuyTeamId")
    ]
    assert await refusals(buyer, (sku, 1), group_buy_id=buyer) == [("NOT_FOUND", "groupBuyId")]
    assert await refusals(buyer, (sku, 1), **team, group_buy_team_id=buyer) == [
        ("NOT_FOUND", "groupBuyTeamId")
    ]


async def test_one_open_team_and_one_seat_each() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, team_size=3)
    leader = await a_buyer()
    team_id, _ = await opened(group_buy_id, sku, by=leader)
    assert await refusals(leader, (sku, 1), group_buy_id=group_buy_id) == [
        ("TEAM_ALREADY_JOINED", "groupBuyId")
    ]
    assert await refusals(
        leader, (sku, 1), group_buy_id=group_buy_id, group_buy_team_id=team_id
    ) == [("TEAM_ALREADY_JOINED", "groupBuyTeamId")]
    other_team, _ = await opened(group_buy_id, sku)
    assert await status_of(await joined(other_team, sku, by=leader)) == "AWAITING_PAYMENT"


async def test_who_is_refused_holds_nothing() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    await joined(team_id, sku)
    late = await a_buyer(points=1000)
    found = await refusals(
        late, (sku, 1), group_buy_id=group_buy_id, group_buy_team_id=team_id, points_to_spend=100
    )
    assert found == [("TEAM_FULL", "groupBuyTeamId")]
    assert await stock_of(sku) == {"available": 8, "reserved": 1, "sold": 1}
    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 2
    assert await db.fetch_value("SELECT count(*) FROM group_buy_count") == 2


async def test_nobody_joins_in_the_last_minute_or_after_success() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    team: dict[str, Any] = {"group_buy_id": group_buy_id, "group_buy_team_id": team_id}
    last = NOW + 24 * HOUR - timedelta(seconds=60)
    assert await refusals(await a_buyer(), (sku, 1), **team, now=last) == [
        ("TEAM_CLOSED", "groupBuyTeamId")
    ]
    before = last - timedelta(seconds=1)
    order_id = await joined(team_id, sku, now=before)
    assert (
        await db.fetch_value("SELECT pay_before FROM sales_order WHERE id = $1", order_id)
        == NOW + 24 * HOUR
    ), "a seat is never held beyond the team's end"
    await pay(order_id, now=before)
    assert await refusals(await a_buyer(), (sku, 1), **team) == [("TEAM_FULL", "groupBuyTeamId")]


async def test_a_team_opened_in_time_goes_on_after_the_campaign() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, ends_at=NOW + HOUR)
    team_id, _ = await opened(group_buy_id, sku)
    order_id = await joined(team_id, sku, now=NOW + 2 * HOUR)
    await pay(order_id, now=NOW + 2 * HOUR)
    assert await team_row(team_id) == ("SUCCEEDED", 2)


async def test_a_campaign_that_is_called_off_lets_teams_go_on_without_new_members() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, team_size=3)
    team_id, _ = await opened(group_buy_id, sku)
    order_id = await joined(team_id, sku)
    await group_admin.cancel(group_buy_id, now=NOW)
    team: dict[str, Any] = {"group_buy_id": group_buy_id, "group_buy_team_id": team_id}
    for draft in (team, {"group_buy_id": group_buy_id}):
        assert await refusals(await a_buyer(), (sku, 1), **draft) == [
            ("CAMPAIGN_ENDED", "groupBuyId")
        ]
    assert await pay(order_id) is Outcome.PAID
    assert await team_row(team_id) == ("FORMING", 2)


async def test_pieces_of_a_campaign_are_counted_over_all_teams() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, per_member_limit=3)
    buyer = await a_buyer()
    first = await placed(buyer, (sku, 2), group_buy_id=group_buy_id)
    team_id, _ = await opened(group_buy_id, sku)
    team: dict[str, Any] = {"group_buy_id": group_buy_id, "group_buy_team_id": team_id}
    assert await refusals(buyer, (sku, 2), **team) == [
        ("PURCHASE_LIMIT_REACHED", "lines.0.quantity")
    ]
    await cancelled(first)
    assert await status_of(await placed(buyer, (sku, 2), **team)) == "AWAITING_PAYMENT"


async def test_newcomers_join_and_anybody_opens() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, new_members_only=True, team_size=3)
    old, new = await a_buyer(), await a_buyer()
    await pay(await placed(old, (sku, 1)))
    team_id, _ = await opened(group_buy_id, sku, by=old)
    other_team, _ = await opened(group_buy_id, sku)
    team: dict[str, Any] = {"group_buy_id": group_buy_id, "group_buy_team_id": other_team}
    newcomers_only = [("NEW_MEMBERS_ONLY", "groupBuyTeamId")]
    assert await refusals(old, (sku, 1), **team) == newcomers_only
    first = await joined(team_id, sku, by=new)
    assert await refusals(new, (sku, 1), **team) == newcomers_only
    await cancelled(first)
    assert await status_of(await joined(other_team, sku, by=new)) == "AWAITING_PAYMENT"


async def test_cancelling_gives_the_seat_the_pieces_and_the_points_back() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku, set_aside=4)
    [stock_id] = await shelves()
    team_id, _ = await opened(group_buy_id, sku)
    member_id = await a_buyer(points=200)
    order_id = await joined(team_id, sku, by=member_id, points_to_spend=200)
    assert await shelf_of(stock_id) == {"available": 2, "reserved": 1, "sold": 1, "returned": 0}
    assert await stock_of(sku) == {"available": 6, "reserved": 0, "sold": 0}
    await cancelled(order_id)
    assert await shelf_of(stock_id) == {"available": 3, "reserved": 0, "sold": 1, "returned": 0}
    assert await seats_of(team_id) == [(0, "PAID")]
    assert await team_row(team_id) == ("FORMING", 1)
    again = await joined(team_id, sku, by=member_id, points_to_spend=200)
    assert await seats_of(team_id) == [(0, "PAID"), (1, "HELD")]
    assert await status_of(again) == "AWAITING_PAYMENT"


async def shelves() -> list[UUID]:
    return [row["id"] for row in await db.fetch("SELECT id FROM campaign_stock")]


async def test_pieces_that_are_set_aside_sell_out_by_themselves() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku, set_aside=1)
    await opened(group_buy_id, sku)
    found = await refusals(await a_buyer(), (sku, 1), group_buy_id=group_buy_id)
    assert found == [("OUT_OF_STOCK", "lines.0.quantity")]
    assert await status_of(await placed(await a_buyer(), (sku, 9))) == "AWAITING_PAYMENT"


async def test_a_team_that_nobody_is_in_any_more_has_failed() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    leader = await a_buyer()
    order_id = await placed(leader, (sku, 1), group_buy_id=group_buy_id)
    await cancelled(order_id)
    assert await team_row(await team_of(order_id)) == ("FAILED", 0)
    assert await placed(leader, (sku, 1), group_buy_id=group_buy_id) != order_id


async def test_late_money_for_ones_own_seat() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    order_id = await joined(team_id, sku)
    assert await pay(order_id, now=LATER) is Outcome.PAID
    assert await team_row(team_id) == ("SUCCEEDED", 2)


async def test_late_money_takes_another_seat_that_is_free() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, team_size=4)
    team_id, _ = await opened(group_buy_id, sku)
    lapsed = [await joined(team_id, sku) for _ in range(3)]
    rivals = [await joined(team_id, sku, now=LATER) for _ in range(2)]
    assert await seats_of(team_id) == [(0, "PAID"), (1, "HELD"), (2, "HELD")]
    assert await pay(lapsed[2], now=LATER) is Outcome.PAID
    assert await status_of(lapsed[2]) == "AWAITING_TEAM"
    assert await pay(lapsed[0], now=LATER) is Outcome.CASE
    assert await status_of(lapsed[0]) == "CANCELLED TEAM_FULL"
    for order_id in rivals:
        await pay(order_id, now=LATER)
    assert await team_row(team_id) == ("SUCCEEDED", 4)
    assert await pay(lapsed[1], now=LATER) is Outcome.CASE
    assert await status_of(lapsed[1]) == "CANCELLED TEAM_FULL"
    assert await cases() == [("SEAT_LAPSED", 1400)] * 2


async def test_late_money_takes_a_seat_that_another_one_let_lapse() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, team_size=3)
    team_id, _ = await opened(group_buy_id, sku)
    first = [await joined(team_id, sku) for _ in range(2)]
    second = [await joined(team_id, sku, now=LATER) for _ in range(2)]
    much_later = LATER + timedelta(minutes=15)
    assert await pay(first[0], now=much_later) is Outcome.PAID
    assert await seats_of(team_id) == [(0, "PAID"), (1, "PAID")]
    assert await pay(second[1], now=much_later) is Outcome.PAID
    assert await team_row(team_id) == ("SUCCEEDED", 3)
    assert await pay(second[0], now=much_later) is Outcome.CASE
    assert await status_of(first[1]) == "AWAITING_PAYMENT"
    await cancelled(first[1], now=much_later)
    assert await team_row(team_id) == ("SUCCEEDED", 3)


async def test_an_opener_who_cancels_may_come_back_to_those_who_joined() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, new_members_only=True)
    leader = await a_buyer()
    await pay(await placed(leader, (sku, 1)))
    order_id = await placed(leader, (sku, 1), group_buy_id=group_buy_id)
    team_id = await team_of(order_id)
    await pay(await joined(team_id, sku))
    await cancelled(order_id)
    assert await team_row(team_id) == ("FORMING", 1)
    assert await refusals(leader, (sku, 1), group_buy_id=group_buy_id) == [
        ("TEAM_ALREADY_JOINED", "groupBuyId")
    ]
    await pay(await joined(team_id, sku, by=leader))
    assert await team_row(team_id) == ("SUCCEEDED", 2)


async def cases() -> list[tuple[str, int]]:
    rows = await db.fetch("SELECT kind, amount_fen FROM payment_case ORDER BY opened_at, id")
    return [(row["kind"], row["amount_fen"]) for row in rows]


async def test_late_money_for_a_seat_that_is_taken_goes_back_with_everything() -> None:
    sku = await a_sku(stock=10)
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    member_id = await a_buyer(points=200)
    order_id = await joined(team_id, sku, by=member_id, points_to_spend=200)
    await joined(team_id, sku, now=LATER)
    assert await pay(order_id, now=LATER) is Outcome.CASE
    assert await status_of(order_id) == "CANCELLED TEAM_FULL"
    assert await cases() == [("SEAT_LAPSED", 1200)]
    assert await stock_of(sku) == {"available": 8, "reserved": 1, "sold": 1}
    assert await points_of(member_id) == 200
    assert await timeline(order_id) == ["PLACED", "CANCELLED"]


async def points_of(member_id: UUID) -> int:
    held: int = await db.fetch_value(
        "SELECT balance FROM ledger_account WHERE member_id = $1 AND kind = 'SPENDABLE'", member_id
    )
    return held


async def test_late_money_of_somebody_who_has_joined_again() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, team_size=3)
    team_id, _ = await opened(group_buy_id, sku)
    member_id = await a_buyer()
    lapsed = await joined(team_id, sku, by=member_id)
    again = await joined(team_id, sku, by=member_id, now=LATER)
    assert await pay(lapsed, now=LATER) is Outcome.CASE
    assert await status_of(lapsed) == "CANCELLED TEAM_ALREADY_JOINED"
    assert await pay(again, now=LATER) is Outcome.PAID
    assert await team_row(team_id) == ("FORMING", 2)


async def test_money_for_a_cancelled_order_never_revives_it() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    team_id, _ = await opened(group_buy_id, sku)
    order_id = await joined(team_id, sku)
    told_late = await a_payment(order_id)
    await db.execute("UPDATE payment SET status = 'CLOSED' WHERE order_id = $1", order_id)
    reason = CancelReason.MEMBER
    await cancel_unpaid(order_id, NO_WECHAT, OpenGate(), reason=reason, now=NOW)
    assert await settling.settle(told_late, mchid=told_late.mchid, now=NOW) is Outcome.CASE
    assert await status_of(order_id) == "CANCELLED MEMBER"
    assert await cases() == [("PAID_AFTER_CANCEL", 1400)]
    assert await team_row(team_id) == ("FORMING", 1)


async def test_money_for_a_team_that_has_failed() -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    leader = await a_buyer()
    team_id, _ = await opened(group_buy_id, sku, by=leader)
    order_id = await joined(team_id, sku)
    end = NOW + 24 * HOUR + group_teams.PATIENCE
    assert await group_teams.end_due(now=end) == 1
    assert await team_row(team_id) == ("FAILED", 1)
    assert await pay(order_id, now=end) is Outcome.CASE
    assert await status_of(order_id) == "CANCELLED TEAM_CLOSED"
    assert await told("GROUP_BUY_ENDED") == {leader}


async def test_an_order_of_no_fen_takes_its_seat_at_once() -> None:
    sku, store = await a_sku(), await a_store()
    group_buy_id = await a_group_buy(sku, price_fen=0)
    pickup: dict[str, Any] = {"delivery": DeliveryMethod.PICKUP, "store_id": store}
    first = await placed(await a_member(), (sku, 1), group_buy_id=group_buy_id, **pickup)
    assert await status_of(first) == "AWAITING_TEAM"
    second = await joined(await team_of(first), sku, by=await a_member(), **pickup)
    assert [await status_of(each) for each in (first, second)] == ["AWAITING_PICKUP"] * 2
