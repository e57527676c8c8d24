"""Reminders of flash sales, and the tiers that the gate hears of."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import DomainError
from gateways.redis.connection import RedisClient
from models import database as db
from models.ids import new_id
from services import flash_admin, flash_reminders
from services.flash_admin import NewItem
from services.flash_gate import ItemPlace
from services.flash_levels import ANEW_EVERY, LevelFeed
from tests.factories.flash_sales import START, FlashMall, sale_of
from tests.factories.shop import a_buyer, a_sku

pytestmark = pytest.mark.usefixtures("database")

DAY_BEFORE = START - timedelta(days=1)


@pytest.fixture
def mall(redis: RedisClient) -> FlashMall:
    return FlashMall(redis)


async def two_items(mall: FlashMall) -> list[UUID]:
    return await mall.publish(
        *[NewItem(sku_id=(await a_sku()).id, price_fen=600, quantity=5) for _ in range(2)]
    )


async def told(member_id: UUID) -> list[dict[str, object]]:
    rows = await db.fetch(
        "SELECT event, source_id, facts, link FROM message WHERE member_id = $1", member_id
    )
    return [dict(row) for row in rows]


async def remind(now: datetime) -> int:
    return await flash_reminders.remind_due(now=now)


async def test_who_asked_is_told_once_a_sale_before_their_own_start(mall: FlashMall) -> None:
    first, second = await two_items(mall)
    sale, regular, gold, silent = (
        await sale_of(first),
        *[await a_buyer(tier=tier) for tier in ("REGULAR", "GOLD", "REGULAR")],
    )
    for member, item in ((regular, first), (regular, second), (gold, first)):
        await flash_reminders.set_reminder(member, item, True, now=DAY_BEFORE)
        await flash_reminders.set_reminder(member, item, True, now=DAY_BEFORE)

    assert await remind(START - timedelta(minutes=11)) == 0
    assert await remind(START - timedelta(minutes=10)) == 1
    assert await remind(START - timedelta(minutes=5)) == 2
    assert await remind(START) == 0

    message = {
        "event": "FLASH_SALE_STARTS",
        "source_id": sale,
        "facts": {"sale": "整点秒杀", "sale_en": "On the hour", "time": "10:00"},
        "link": f"pages/flash-sale/index?id={sale}",
    }
    assert await told(regular) == [message]
    assert [each["facts"] for each in await told(gold)] == [
        {"sale": "整点秒杀", "sale_en": "On the hour", "time": "09:55"}
    ]
    assert await told(silent) == []


async def test_who_asks_no_longer_hears_nothing(mall: FlashMall) -> None:
    item, _ = await two_items(mall)
    member = await a_buyer()
    await flash_reminders.set_reminder(member, item, True, now=DAY_BEFORE)
    await flash_reminders.set_reminder(member, item, False, now=DAY_BEFORE)
    await flash_reminders.set_reminder(member, item, False, now=DAY_BEFORE)

    assert await remind(START) == 0
    assert await told(member) == []


async def test_nobody_hears_too_late_or_of_what_was_called_off(mall: FlashMall) -> None:
    late, _ = await two_items(mall)
    off, _ = await two_items(mall)
    member = await a_buyer()
    for item in (late, off):
        await flash_reminders.set_reminder(member, item, True, now=DAY_BEFORE)
    await flash_admin.cancel(await sale_of(off), mall.flash, now=DAY_BEFORE)

    assert await remind(START + timedelta(minutes=6)) == 1
    assert await told(member) == []


async def test_there_is_nothing_to_be_reminded_of(mall: FlashMall) -> None:
    item, _ = await two_items(mall)
    member = await a_buyer()
    with pytest.raises(DomainError, match="NOT_ALLOWED"):
        await flash_reminders.set_reminder(member, item, True, now=START)
    with pytest.raises(DomainError, match="NOT_FOUND"):
        await flash_reminders.set_reminder(member, uuid4(), True, now=DAY_BEFORE)
    assert await db.fetch_value("SELECT count(*) FROM flash_reminder") == 0


async def test_the_gate_hears_of_tiers_and_of_their_changes(mall: FlashMall) -> None:
    [item, _] = await two_items(mall)
    gold, rising, blocked = [await a_buyer(tier=tier) for tier in ("GOLD", "REGULAR", "GOLD")]
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", blocked)
    feed, early = LevelFeed(mall.flash), START - timedelta(minutes=4)

    await feed.feed(now=DAY_BEFORE)
    shards = mall.flash.shards_of([ItemPlace(item, 1)])
    assert await mall.flash.unfed(shards) == shards, "it is too early"
    await feed.feed(now=START - timedelta(minutes=20))
    assert await mall.flash.unfed(shards) == frozenset()
    assert len(await mall.claim(gold, item, now=early)) == 96
    assert await mall.claim(rising, item, now=early) == "CAMPAIGN_NOT_STARTED"
    assert await mall.claim(blocked, item, now=early) == "ACCOUNT_BLOCKED"

    await rise(rising)
    await feed.feed(now=START - timedelta(minutes=19))
    assert len(await mall.claim(rising, item, now=early)) == 96

    await db.execute("UPDATE member SET status = 'ACTIVE' WHERE id = $1", blocked)
    await feed.feed(now=START - timedelta(minutes=20) + ANEW_EVERY)
    assert len(await mall.claim(blocked, item, now=early)) == 96


async def rise(member_id: UUID) -> None:
    """Have a member be GOLD from now on, as a rise writes it."""
    await db.execute("UPDATE member SET tier_code = 'GOLD' WHERE id = $1", member_id)
    await db.execute(
        """
        INSERT INTO tier_term (id, member_id, tier_code, since, since_seq, cause, threshold, growth,
                               period_growth, rule_version_id, created_at)
        SELECT $1, $2, 'GOLD', $3, 0, 'UPGRADE', 0, 0, 0, id, $3 FROM rule_version
        """,
        new_id(),
        member_id,
        START,
    )
