"""The outbox of live updates: what is written there, told once, and what a follower compares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.group_buys import GroupBuyState, SeatStatus, TeamStatus
from domain.news import NewsKind
from models import database as db
from models.group_buys import GroupBuy, GroupBuySeat, GroupBuyTeam
from models.ids import new_id
from services import finality, news
from services.news import Topic, order_stamp
from services.reversal import Reversal, reverse
from tests.factories.orders import bought, cancelled, lines_of, pay, placed
from tests.factories.shop import NOW, a_buyer, a_sku

pytestmark = pytest.mark.usefixtures("database")


class Recorder:
    """A line that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[list[Topic]] = []

    def follow(self, topic: Topic) -> AbstractContextManager[Any]:
        raise AssertionError("nobody follows anything here")

    async def tell(self, topics: Sequence[Topic]) -> None:
        self.told.append(list(topics))


async def told(*, limit: int = news.BATCH) -> list[Topic]:
    """Relay one batch; return what was told."""
    line = Recorder()
    await news.relay_due(line, now=datetime.now(UTC), limit=limit)
    return [topic for topics in line.told for topic in topics]


def order_topic(order_id: UUID) -> Topic:
    return Topic(NewsKind.ORDER, str(order_id))


async def test_a_new_order_is_no_news_and_its_payment_is() -> None:
    order_id = await placed(await a_buyer(), (await a_sku(), 1))
    assert await told() == []
    await pay(order_id)
    assert await told() == [order_topic(order_id)]
    assert await told() == []


async def test_news_of_one_order_is_told_once_however_often_it_changed() -> None:
    first, second = [await bought(await a_buyer(), (await a_sku(), 1)) for _ in range(2)]
    await finality.receive(first, at=NOW)
    assert await db.fetch_value("SELECT count(*) FROM news") == 3
    assert await told() == [order_topic(first), order_topic(second)]


async def test_what_is_undone_is_no_news() -> None:
    order_id = await bought(await a_buyer(), (await a_sku(), 1))
    await told()

    async def break_off() -> None:
        async with db.in_transaction():
            await db.execute("UPDATE sales_order SET status = 'COMPLETED' WHERE id = $1", order_id)
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        await break_off()
    assert await told() == []


async def test_a_lease_or_a_deadline_is_no_news() -> None:
    order_id = await placed(await a_buyer(), (await a_sku(), 1))
    await db.execute("UPDATE sales_order SET timeout_due_at = $2 WHERE id = $1", order_id, NOW)
    assert await told() == []


async def test_batches_are_taken_until_none_is_left() -> None:
    buyer, sku = await a_buyer(), await a_sku()
    orders = [await bought(buyer, (sku, 1)) for _ in range(3)]
    batches = [await told(limit=2) for _ in range(3)]
    assert [len(batch) for batch in batches] == [2, 1, 0]
    assert {topic for batch in batches for topic in batch} == {*map(order_topic, orders)}


async def test_workers_share_what_is_due() -> None:
    buyer, sku = await a_buyer(), await a_sku()
    orders = [await bought(buyer, (sku, 1)) for _ in range(12)]
    batches = await asyncio.gather(*(told(limit=4) for _ in range(6)))
    everything = [topic for batch in batches for topic in batch] + await told()
    assert sorted(everything) == sorted(map(order_topic, orders))


async def a_team() -> tuple[UUID, UUID]:
    """Make a forming team with one seat that is held; returns its id and its order's."""
    buyer, sku = await a_buyer(), await a_sku()
    order_id = await placed(buyer, (sku, 1))
    campaign = await GroupBuy.create(
        product_id=sku.product_id,
        name="三人团",
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=1),
        team_size=2,
        team_hours=1,
        per_member_limit=1,
        state=GroupBuyState.PUBLISHED,
        close_due_at=NOW,
        created_at=NOW,
    )
    team = await GroupBuyTeam.create(
        group_buy_id=campaign.id,
        leader_id=buyer,
        size=2,
        status=TeamStatus.FORMING,
        opened_at=NOW,
        expires_at=NOW,
        due_at=NOW,
    )
    await GroupBuySeat.create(
        team_id=team.id,
        position=0,
        member_id=buyer,
        order_id=order_id,
        status=SeatStatus.HELD,
        held_until=NOW,
        joined_at=NOW,
    )
    return team.id, order_id


async def test_seats_and_status_are_news_of_their_team() -> None:
    team_id, _ = await a_team()
    topic = Topic(NewsKind.TEAM, str(team_id))
    assert await told() == [topic]
    for change in (
        "UPDATE group_buy_seat SET status = 'PAID', paid_at = now() WHERE team_id = $1",
        "UPDATE group_buy_team SET paid_seats = 1 WHERE id = $1",
        "UPDATE group_buy_team SET status = 'FAILED', due_at = NULL, ended_at = now() WHERE id=$1",
        "DELETE FROM group_buy_seat WHERE team_id = $1",
    ):
        await db.execute(change, team_id)
        assert await told() == [topic], change
    for change in (
        "UPDATE group_buy_team SET expires_at = now() WHERE id = $1",
        "UPDATE group_buy_seat SET refund_due_at = NULL WHERE team_id = $1",
    ):
        await db.execute(change, team_id)
        assert await told() == [], change


def refund_of(order_id: UUID, line_id: UUID, *, before_shipment: bool) -> Reversal:
    """Return a refund of one piece."""
    return Reversal(
        refund_id=new_id(),
        order_id=order_id,
        quantities={line_id: 1},
        before_shipment=before_shipment,
    )


async def test_an_order_looks_the_same_until_something_that_it_shows_changes() -> None:
    buyer, sku = await a_buyer(), await a_sku()
    order_id = await placed(buyer, (sku, 2))
    seen = [await order_stamp(buyer, order_id)]

    async def changes() -> bool:
        seen.append(await order_stamp(buyer, order_id))
        return seen[-1] not in seen[:-1]

    assert not await changes()
    await pay(order_id)
    assert await changes()
    await db.execute("UPDATE sales_order SET events_due_at = NULL WHERE id = $1", order_id)
    assert not await changes()
    await finality.receive(order_id, at=NOW)
    assert await changes()
    [line_id] = await lines_of(order_id)
    for pieces_left in (1, 0):
        await reverse(refund_of(order_id, line_id, before_shipment=False), now=NOW)
        assert await changes(), pieces_left


async def test_pieces_for_nothing_that_are_given_back_are_seen_and_told() -> None:
    buyer, sku = await a_buyer(), await a_sku(0)
    order_id = await bought(buyer, (sku, 2))
    before = await order_stamp(buyer, order_id)
    await told()
    [line_id] = await lines_of(order_id)
    await reverse(refund_of(order_id, line_id, before_shipment=True), now=NOW)
    assert await order_stamp(buyer, order_id) != before
    assert await told() == [order_topic(order_id)]


async def test_nobody_looks_at_another_members_order() -> None:
    buyer, stranger = await a_buyer(), await a_buyer()
    order_id = await placed(buyer, (await a_sku(), 1))
    assert await order_stamp(buyer, order_id) is not None
    assert await order_stamp(stranger, order_id) is None
    assert await order_stamp(buyer, new_id()) is None


async def test_a_merge_is_news_of_the_orders_that_move() -> None:
    loser, survivor = await a_buyer(), await a_buyer()
    order_id = await placed(loser, (await a_sku(), 1))
    await cancelled(order_id)
    await told()
    await db.execute("UPDATE sales_order SET member_id = $2 WHERE id = $1", order_id, survivor)
    assert await told() == [order_topic(order_id)]
    assert await order_stamp(loser, order_id) is None
    assert await order_stamp(survivor, order_id) is not None
