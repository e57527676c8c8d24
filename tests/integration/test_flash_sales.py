"""Flash sales from draft to close: what operators do, what members claim, what Redis forgets."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.errors import DomainError
from domain.flash_tickets import read_ticket
from domain.orders import CancelReason, DeliveryMethod
from gateways.redis.connection import RedisClient
from models import database as db
from services import flash_admin, flash_claims, flash_orders, flash_sweeps, verification
from services.cancelling import cancel_unpaid
from services.flash_admin import NewItem
from services.flash_batches import standings
from services.flash_claims import ClaimFlashSale
from services.flash_gate import Inspection
from services.payment_gateway import PaymentGateway
from tests.factories.flash_sales import (
    KEY,
    RUNNING,
    START,
    FlashMall,
    order_of,
    quota_of,
    sale_of,
    shelf_of_item,
    ticket_of,
)
from tests.factories.shop import DATA, SkuFacts, a_buyer, a_sku, stock_of
from tests.support.redis import RedisServer
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")

END = START + timedelta(hours=1)


@pytest.fixture
def mall(redis: RedisClient) -> FlashMall:
    return FlashMall(redis)


async def books_agree() -> None:
    broken = [each.check.name for each in await verification.verify() if not each.is_clean]
    assert broken == []


def of(sku: SkuFacts, quantity: int = 5, **facts: Any) -> NewItem:
    return NewItem(sku_id=sku.id, price_fen=600, quantity=quantity, **facts)


# Operators.


async def test_publishing_sets_pieces_aside_and_has_the_gate_know_them(mall: FlashMall) -> None:
    first, second = await a_sku(stock=10), await a_sku(stock=8)

    tea, cup = await mall.publish(of(first, 4), of(second, 8, buckets=3))

    assert await stock_of(first) == {"available": 6, "reserved": 0, "sold": 0}
    assert await stock_of(second) == {"available": 0, "reserved": 0, "sold": 0}
    assert await mall.counts(tea) == (4, 0)
    assert await mall.counts(cup) == (8, 0)
    await books_agree()


async def test_publishing_again_changes_nothing(mall: FlashMall) -> None:
    sku = await a_sku(stock=10)
    [item] = await mall.publish(of(sku, 4))
    await mall.claim(await a_buyer(), item)

    await flash_admin.publish(await sale_of(item), mall.gates, mall.flash, now=RUNNING)

    assert await stock_of(sku) == {"available": 6, "reserved": 0, "sold": 0}
    assert await mall.counts(item) == (3, 1)


async def test_with_too_few_pieces_nothing_is_published(mall: FlashMall) -> None:
    enough, short = await a_sku(stock=10), await a_sku(stock=3)

    with pytest.raises(DomainError) as refused:
        await mall.publish(of(enough), of(short))

    assert (refused.value.code, refused.value.path) == ("INVALID_INPUT", ("quantity",))
    assert await stock_of(enough) == {"available": 10, "reserved": 0, "sold": 0}
    assert await db.fetch_value("SELECT state FROM flash_sale") == "DRAFT"
    await books_agree()


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"name": ""}, "name"),
        ({"name_en": "x" * 129}, "nameEn"),
        ({"ends_at": START}, "endsAt"),
        ({"starts_at": START - timedelta(days=40)}, "endsAt"),
        ({"starts_at": START - timedelta(days=5), "ends_at": START - timedelta(days=4)}, "endsAt"),
    ],
)
async def test_a_sale_that_cannot_be_meant(
    mall: FlashMall, wrong: dict[str, Any], path: str
) -> None:
    with pytest.raises(DomainError) as refused:
        await mall.draft(of(await a_sku()), **wrong)

    assert (refused.value.code, refused.value.path) == ("INVALID_INPUT", (path,))
    assert await db.fetch_value("SELECT count(*) FROM flash_sale") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": 0},
        {"price_fen": -1},
        {"price_fen": 2**53},
        {"per_member_limit": 0},
        {"per_member_limit": 100},
        {"buckets": 65},
        {"min_tier_code": "NO_SUCH"},
    ],
)
async def test_an_item_that_cannot_be_meant(mall: FlashMall, wrong: dict[str, Any]) -> None:
    with pytest.raises(DomainError) as refused:
        await mall.draft(replace(of(await a_sku()), **wrong))

    assert (refused.value.code, refused.value.path) == ("INVALID_INPUT", ("items",))


async def test_a_sku_stands_once_in_a_sale_and_must_be_there(mall: FlashMall) -> None:
    sku = await a_sku()
    with pytest.raises(DomainError, match="INVALID_INPUT"):
        await mall.draft(of(sku), of(sku))
    with pytest.raises(DomainError, match="NOT_FOUND"):
        await mall.draft(of(SkuFacts(uuid4(), uuid4())))
    with pytest.raises(DomainError, match="INVALID_INPUT"):
        await mall.draft()


async def test_a_paused_sale_gives_no_tickets_and_honours_those_given(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    sale, before, after = await sale_of(item), await a_buyer(), await a_buyer()
    ticket = await mall.claim(before, item)

    await flash_admin.pause(sale, mall.flash, now=RUNNING)
    await flash_admin.pause(sale, mall.flash, now=RUNNING)
    later = RUNNING + timedelta(seconds=2)
    assert await mall.claim(after, item, now=later) == "BUSY"
    await mall.consume()
    assert await mall.ticket(ticket, before) == ("ORDERED", None)

    await flash_admin.resume(sale, mall.flash, now=later)
    assert len(await mall.claim(after, item, now=later)) == 96
    await books_agree()


async def test_a_sale_that_is_called_off(mall: FlashMall) -> None:
    sku = await a_sku(stock=10)
    [item] = await mall.publish(of(sku))
    sale, first, second, third = await sale_of(item), *[await a_buyer() for _ in range(3)]
    ordered = await mall.claim(first, item)
    await mall.consume()
    waiting = await mall.claim(second, item)

    await flash_admin.cancel(sale, mall.flash, now=RUNNING)
    await flash_admin.cancel(sale, mall.flash, now=RUNNING)

    later = RUNNING + timedelta(seconds=10)
    assert await mall.claim(third, item, now=later) == "CAMPAIGN_ENDED"
    assert await mall.close_due(now=later) == 1
    assert await db.fetch_value("SELECT state FROM flash_sale") == "CANCELLED", "a ticket waits"
    await mall.consume()
    assert await mall.ticket(waiting, second) == ("REJECTED", "CAMPAIGN_ENDED")
    assert await mall.ticket(ordered, first) == ("ORDERED", None)
    assert await mall.close_due(now=later + timedelta(minutes=2)) == 1
    assert await db.fetch_value("SELECT state FROM flash_sale") == "CLOSED"
    assert await shelf_of_item(item) == {"available": 0, "reserved": 1, "sold": 0, "returned": 4}
    assert await stock_of(sku) == {"available": 9, "reserved": 0, "sold": 0}
    await books_agree()


async def test_a_sale_can_only_end_later(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    sale, late = await sale_of(item), END + timedelta(minutes=5)
    with pytest.raises(DomainError, match="INVALID_INPUT"):
        await flash_admin.extend(sale, END - timedelta(minutes=1), mall.flash, now=RUNNING)
    assert await mall.claim(await a_buyer(), item, now=late) == "CAMPAIGN_ENDED"

    await flash_admin.extend(sale, END + timedelta(minutes=10), mall.flash, now=RUNNING)

    assert len(await mall.claim(await a_buyer(), item, now=late)) == 96
    assert await mall.close_due(now=END + timedelta(minutes=2)) == 0


async def test_what_is_closed_or_never_was_cannot_be_changed(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    sale = await sale_of(item)
    assert await mall.close_due(now=END + timedelta(minutes=2)) == 1
    now = END + timedelta(minutes=3)
    for work in (
        flash_admin.publish(sale, mall.gates, mall.flash, now=now),
        flash_admin.pause(sale, mall.flash, now=now),
        flash_admin.cancel(sale, mall.flash, now=now),
        flash_admin.extend(sale, now + timedelta(hours=1), mall.flash, now=now),
    ):
        with pytest.raises(DomainError, match="NOT_ALLOWED"):
            await work
    with pytest.raises(DomainError, match="NOT_FOUND"):
        await flash_admin.pause(uuid4(), mall.flash, now=now)


# Claims.


async def test_a_claim_becomes_an_order(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku(1000, stock=10)))
    member = await a_buyer()

    ticket = await mall.claim(member, item)
    assert await mall.ticket(ticket, member) == ("QUEUED", None)
    assert await mall.claim(member, item) == ticket, "the same key finds the same ticket"
    assert await mall.consume() == 1

    row = await flash_claims.ticket(ticket, member, mall.flash, now=RUNNING)
    assert row is not None
    assert (row.status, row.order_id, row.quantity) == ("ORDERED", row.claim_id, 1)
    assert await mall.claim(member, item) == ticket
    assert await mall.consume() == 0
    assert await mall.counts(item) == (4, 0)
    await books_agree()


async def test_a_claim_asks_postgresql_for_nothing(
    mall: FlashMall, statements: StatementLog
) -> None:
    [item] = await mall.publish(of(await a_sku()))
    first, second = await a_buyer(), await a_buyer()
    await mall.claim(first, item)

    async with statements.record() as heard:
        assert len(await mall.claim(second, item)) == 96

    assert list(heard) == []


async def test_every_refusal_of_a_claim(mall: FlashMall) -> None:
    [item, few, golden] = await mall.publish(
        of(await a_sku()), of(await a_sku(), 1), of(await a_sku(), min_tier_code="GOLD")
    )
    member, other = await a_buyer(), await a_buyer()
    blocked = await a_buyer()
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", blocked)
    draft = await mall.draft(of(await a_sku()))
    hidden = await db.fetch_value("SELECT id FROM flash_sale_item WHERE sale_id = $1", draft)

    assert await mall.claim(member, item, now=START - timedelta(hours=1)) == "CAMPAIGN_NOT_STARTED"
    assert await mall.claim(member, item, now=END) == "CAMPAIGN_ENDED"
    assert await mall.claim(member, item, quantity=0) == "INVALID_INPUT"
    assert await mall.claim(member, item, quantity=2) == "PURCHASE_LIMIT_REACHED"
    assert await mall.claim(member, golden) == "TIER_TOO_LOW"
    assert await mall.claim(blocked, item) == "ACCOUNT_BLOCKED"
    assert await mall.claim(member, uuid4()) == "NOT_FOUND"
    assert await mall.claim(member, hidden) == "NOT_FOUND"
    assert await mall.claim(member, item, key="") == "INVALID_INPUT"
    assert await mall.claim(member, item, delivery=DeliveryMethod.PICKUP) == "STORE_REQUIRED"
    assert len(await mall.claim(other, few)) == 96
    assert await mall.claim(member, few) == "CAMPAIGN_SOLD_OUT"
    assert len(await mall.claim(member, item)) == 96
    assert await mall.claim(member, item, key="another") == "PURCHASE_LIMIT_REACHED"
    assert await mall.claim(member, few, key="key") == "CAMPAIGN_SOLD_OUT"
    assert await mall.counts(item) == (4, 1)


async def test_an_early_claim_says_when_to_come_back(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    command = ClaimFlashSale(
        member_id=await a_buyer(),
        item_id=item,
        quantity=1,
        idempotency_key="key",
        client_ip="203.0.113.7",
    )

    with pytest.raises(DomainError) as refused:
        await flash_claims.claim(command, mall.flash, None, now=START - timedelta(seconds=90))

    assert refused.value.code == "CAMPAIGN_NOT_STARTED"
    assert refused.value.retry_after_seconds == 90


async def test_gold_members_come_five_minutes_earlier(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    gold, regular = await a_buyer(tier="GOLD"), await a_buyer()
    now = START - timedelta(minutes=4)

    assert len(await mall.claim(gold, item, now=now)) == 96
    assert await mall.claim(regular, item, now=now) == "CAMPAIGN_NOT_STARTED"


class OneWord:
    """A captcha whose answer is known."""

    async def accepts(self, token: str, *, client_ip: str) -> bool:
        return token == "right" and client_ip == "203.0.113.7"


async def test_a_sale_may_ask_for_a_captcha(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()), needs_captcha=True)
    member, captcha = await a_buyer(), OneWord()

    assert await mall.claim(member, item, captcha=captcha) == "CAPTCHA_REQUIRED"
    wrong = await mall.claim(member, item, captcha=captcha, captcha_token="wrong")
    assert wrong == "CAPTCHA_REQUIRED"
    assert len(await mall.claim(member, item, captcha=captcha, captcha_token="right")) == 96


async def test_a_ticket_is_its_members_alone(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    member, stranger = await a_buyer(), await a_buyer()
    ticket = await mall.claim(member, item)

    assert await mall.ticket(ticket, stranger) is None
    assert await mall.ticket(ticket[:-1] + "A", member) is None
    assert await mall.ticket("no ticket", member) is None
    await mall.consume()
    assert await mall.ticket(ticket, stranger) is None


async def test_the_ticket_of_a_former_account_is_the_survivors(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku()))
    former, survivor = await a_buyer(), await a_buyer()
    ticket = await mall.claim(former, item)
    await db.execute(
        "UPDATE member SET status = 'MERGED', merged_into_id = $2 WHERE id = $1", former, survivor
    )

    assert await mall.ticket(ticket, survivor) == ("QUEUED", None)
    await mall.consume()
    assert await mall.ticket(ticket, survivor) == ("ORDERED", None)


async def cancelled(mall: FlashMall, ticket: str, pay: PaymentGateway, **when: Any) -> None:
    queued = read_ticket(ticket, (KEY,))
    assert queued is not None
    await cancel_unpaid(queued.claim_id, pay, mall.gates, reason=CancelReason.TIMEOUT, **when)


class NoPayments:
    """Nobody asked WeChat for money, so nobody asks it now."""

    mchid = "1900000001"

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: these orders were never sent to WeChat")


async def test_what_is_not_paid_can_be_claimed_again(mall: FlashMall) -> None:
    sku = await a_sku(stock=10, limit=1)
    [item] = await mall.publish(of(sku, 1))
    first, second = await a_buyer(), await a_buyer()
    ticket = await mall.claim(first, item)
    await mall.consume()
    assert await mall.claim(second, item) == "CAMPAIGN_SOLD_OUT"

    later = RUNNING + timedelta(minutes=15)
    await cancelled(mall, ticket, NoPayments(), now=later)

    assert await mall.counts(item) == (1, 0)
    assert await quota_of(item, first) == 0
    assert len(await mall.claim(first, item, key="again", now=later)) == 96
    assert await mall.consume() == 1
    assert await shelf_of_item(item) == {"available": 0, "reserved": 1, "sold": 0, "returned": 0}
    assert await mall.reconcile(now=later) == 0
    await books_agree()


async def test_after_the_sale_pieces_go_back_to_the_sku(mall: FlashMall) -> None:
    sku = await a_sku(stock=10)
    [item] = await mall.publish(of(sku, 5))
    ticket = await mall.claim(await a_buyer(), item)
    await mall.consume()
    assert await mall.close_due(now=END + timedelta(seconds=59)) == 0
    assert await mall.close_due(now=END + timedelta(seconds=61)) == 1
    assert await stock_of(sku) == {"available": 9, "reserved": 0, "sold": 0}

    await cancelled(mall, ticket, NoPayments(), now=END + timedelta(minutes=14))

    assert await stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}
    assert await shelf_of_item(item) == {"available": 0, "reserved": 0, "sold": 0, "returned": 5}
    assert await mall.claim(await a_buyer(), item, now=END + timedelta(hours=1)) == "CAMPAIGN_ENDED"
    await books_agree()


# What Redis forgets.


async def test_lost_counts_are_read_anew(mall: FlashMall, redis: RedisClient) -> None:
    [item] = await mall.publish(of(await a_sku(), 3))
    gold = await a_buyer(tier="GOLD")
    await mall.claim(gold, item)
    await mall.consume()
    await redis.flushall()

    assert await mall.claim(gold, item, key="second") == "PURCHASE_LIMIT_REACHED"
    assert len(await mall.claim(await a_buyer(), item)) == 96

    assert await mall.counts(item) == (1, 1)
    assert await mall.claim(await a_buyer(tier="GOLD"), item, now=START) != "CAMPAIGN_NOT_STARTED"


async def test_a_lost_ticket_says_so_for_good(mall: FlashMall, redis: RedisClient) -> None:
    [item] = await mall.publish(of(await a_sku(), 3))
    member = await a_buyer()
    ticket = await mall.claim(member, item)
    queued = await mall.queued()
    await redis.flushall()

    assert await mall.ticket(ticket, member) == ("REJECTED", "BUSY")
    assert await ticket_of(queued[0]) == ("REJECTED", "LOST")

    # Its queue comes back, and with it the ticket: it stays rejected.
    [settled] = await flash_orders.decide(queued, DATA, now=RUNNING)
    assert settled.outcome == "BACK"
    assert await order_of(queued[0]) is None
    assert len(await mall.claim(member, item, key="anew")) == 96
    await books_agree()


async def test_a_key_used_again_after_redis_forgot_it(mall: FlashMall, redis: RedisClient) -> None:
    [item] = await mall.publish(of(await a_sku(), 9, per_member_limit=5))
    member = await a_buyer()
    ticket = await mall.claim(member, item)
    await mall.consume()
    await redis.flushall()

    same = await mall.claim(member, item, now=RUNNING + timedelta(seconds=1))
    assert same != ticket
    await mall.consume()
    assert await mall.ticket(same, member) == ("ORDERED", None), "it is the same claim"
    await redis.flushall()
    other = await mall.claim(member, item, quantity=2, now=RUNNING + timedelta(seconds=2))
    await mall.consume()
    assert await mall.ticket(other, member) == ("REJECTED", "IDEMPOTENCY_KEY_REUSED")

    assert await mall.counts(item) == (8, 0)
    assert await quota_of(item, member) == 1
    await books_agree()


async def test_while_redis_is_away_nobody_claims_and_nothing_is_lost(
    mall: FlashMall, redis_server: RedisServer
) -> None:
    [item] = await mall.publish(of(await a_sku(), 3))
    member = await a_buyer()
    ticket = await mall.claim(member, item)
    redis_server.stop()

    assert await mall.claim(member, item, key="second") == "BUSY"
    assert await mall.ticket(ticket, member) == ("QUEUED", None)
    assert await mall.reconcile() == 0
    assert await mall.close_due(now=END + timedelta(minutes=2)) == 1
    assert await db.fetch_value("SELECT state FROM flash_sale") == "PUBLISHED"
    assert await mall.ticket(ticket, member, now=RUNNING + timedelta(seconds=61)) == (
        "REJECTED",
        "BUSY",
    )
    assert await mall.close_due(now=END + timedelta(minutes=6)) == 1
    assert await db.fetch_value("SELECT state FROM flash_sale") == "CLOSED"
    await books_agree()


async def test_the_comparison_mends_what_is_wrong(mall: FlashMall, redis: RedisClient) -> None:
    [item, other] = await mall.publish(of(await a_sku(), 3), of(await a_sku(), 4, buckets=2))
    assert await mall.reconcile() == 0
    # A give-back that never arrived: PostgreSQL has two more than Redis.
    await db.execute(
        """
        UPDATE campaign_stock SET available = available - 2, reserved = reserved + 2
        FROM flash_sale_item AS item WHERE item.stock_id = campaign_stock.id AND item.id = $1
        """,
        item,
    )
    assert await mall.reconcile() == 2
    assert await mall.counts(item) == (1, 0)
    assert await mall.reconcile() == 0

    await redis.flushall()
    assert await mall.reconcile() == 0
    assert await mall.counts(item) == (1, 0)
    assert await mall.counts(other) == (4, 0)


async def test_the_comparison_tells_of_changes_that_the_gate_missed(mall: FlashMall) -> None:
    [item] = await mall.publish(of(await a_sku(), 3))
    await db.execute("UPDATE flash_sale SET state = 'PAUSED', config_version = config_version + 1")

    await mall.reconcile()

    assert await mall.claim(await a_buyer(), item, now=RUNNING + timedelta(seconds=5)) == "BUSY"


async def test_a_claim_that_is_in_no_queue_gives_its_pieces_back(
    mall: FlashMall, redis: RedisClient
) -> None:
    [item] = await mall.publish(of(await a_sku(), 3))
    member = await a_buyer()
    ticket = await mall.claim(member, item)
    keys = [key async for key in redis.scan_iter(match="*:tickets")]
    await redis.delete(*keys)
    assert await mall.reconcile(now=RUNNING + timedelta(seconds=30)) == 0
    assert await mall.counts(item) == (2, 1)

    await mall.reconcile(now=RUNNING + timedelta(seconds=61))

    assert await mall.counts(item) == (3, 0)
    assert await mall.ticket(ticket, member) == ("REJECTED", "BUSY")
    told = read_ticket(ticket, (KEY,))
    assert told is not None
    assert (await standings([told.claim_id]))[told.claim_id].reason == "LOST"


async def test_too_high_a_count_only_rejects(mall: FlashMall) -> None:
    """PostgreSQL has one piece fewer than the gate believes: its ticket says why."""
    [item] = await mall.publish(of(await a_sku(), 2))
    await db.execute("UPDATE campaign_stock SET available = available - 1, reserved = reserved + 1")
    members = [await a_buyer() for _ in range(2)]
    tickets = [await mall.claim(member, item) for member in members]
    await mall.consume()

    outcomes = [await mall.ticket(t, m) for t, m in zip(tickets, members, strict=True)]

    assert sorted(map(str, outcomes)) == sorted(
        map(str, [("ORDERED", None), ("REJECTED", "CAMPAIGN_SOLD_OUT")])
    )
    assert await mall.counts(item) == (0, 0)
    assert await mall.reconcile() == 0


def test_drift_is_what_tickets_under_way_cannot_explain() -> None:
    def drift(free: int, open_: int) -> int:
        seen = Inspection(free=free, open=open_, moves=(), version=1)
        return flash_sweeps.drift_of(seen, 10)

    assert [drift(10, 0), drift(8, 2), drift(9, 2), drift(10, 2)] == [0, 0, 0, 0]
    assert [drift(12, 0), drift(7, 0), drift(7, 2), drift(11, 3)] == [2, -3, -1, 1]
