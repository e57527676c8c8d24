"""PostgreSQL tells what has changed of the things that anybody may see, once it is committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from domain.catalog import BannerSlot, SaleStatus
from domain.drafts import DraftLine, OrderDraft
from domain.rules import Rules
from gateways.redis.connection import RedisClient
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database as db
from models.catalog import Banner
from models.database import dsn
from models.public_changes import CHANNEL, PublicTag
from services import catalog_admin, product_figures, rules, stock, stock_admin
from services.placing import PlaceOrder, place_order
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.coupons import a_campaign
from tests.factories.members import agreements
from tests.factories.promotions import a_promotion
from tests.factories.rewards import a_reward
from tests.factories.shop import DATA, NOW, SkuFacts, a_buyer, a_sku, a_store

LATER = NOW + timedelta(minutes=5)
END = "the end"


class Ear:
    """Hears what PostgreSQL tells."""

    def __init__(self) -> None:
        self._heard: Counter[str] = Counter()
        self._ended = asyncio.Event()

    def hear(self, *news: str) -> None:
        tag = news[-1]
        if tag == END:
            self._ended.set()
        else:
            self._heard[tag] += 1

    async def since(self) -> dict[str, int]:
        """Return how often each tag was told since the last time; what is told comes in order."""
        await db.execute("SELECT pg_notify($1, $2)", CHANNEL, END)
        await self._ended.wait()
        self._ended.clear()
        heard, self._heard = dict(self._heard), Counter()
        return heard


@pytest.fixture
async def ear(database: str) -> AsyncIterator[Ear]:
    connection = await asyncpg.connect(**dsn(database))
    listening = Ear()
    await connection.add_listener(CHANNEL, listening.hear)
    yield listening
    await connection.close()


@pytest.fixture
def gate(redis: RedisClient) -> StockGate:
    return StockGate(redis, stock.available_of, StockGateConfig(timeout_seconds=5))


async def sku_of(product_id: UUID) -> UUID:
    found: UUID = await db.fetch_value("SELECT id FROM sku WHERE product_id = $1", product_id)
    return found


async def a_banner() -> None:
    await Banner.create(
        slot=BannerSlot.HOME, title="新品", image_url="/media/b.png", link="pages/home/index"
    )


async def _publish() -> None:
    await rules.publish(replace(Rules(), hot_searches=("苹果",)), effective_at=NOW, now=NOW)


@pytest.mark.parametrize(
    ("write", "tag"),
    [
        (lambda: a_category("水果"), PublicTag.CATALOG),
        (a_product, PublicTag.CATALOG),
        (a_store, PublicTag.STORES),
        (a_banner, PublicTag.BANNERS),
        (_publish, PublicTag.RULES),
        (agreements, PublicTag.AGREEMENTS),
    ],
    ids=["category", "product", "store", "banner", "rules", "agreement"],
)
async def test_something_new_is_told(
    ear: Ear, write: Callable[[], Awaitable[object]], tag: PublicTag
) -> None:
    await write()
    assert set(await ear.since()) == {tag}


@pytest.mark.parametrize(
    ("table", "tag"),
    [
        ("category", PublicTag.CATALOG),
        ("sku_daily_low", PublicTag.CATALOG),
        ("store", PublicTag.STORES),
        ("banner", PublicTag.BANNERS),
        ("rule_version", PublicTag.RULES),
        ("agreement", PublicTag.AGREEMENTS),
    ],
)
async def test_what_is_changed_or_deleted_is_told(ear: Ear, table: str, tag: PublicTag) -> None:
    await db.execute(f"UPDATE {table} SET id = id")
    assert await ear.since() == {tag: 1}
    await db.execute(f"DELETE FROM {table}")
    assert await ear.since() == {tag: 1}


async def test_what_operators_do_to_a_product_is_told_once_each(ear: Ear) -> None:
    category_id = await a_category("水果")
    product_id = await a_product(categories=[category_id])
    sku_id = await sku_of(product_id)
    assert set(await ear.since()) == {PublicTag.CATALOG}

    async def place_elsewhere() -> None:
        await catalog_admin.place_in_categories(product_id, [])

    changes: list[Callable[[], Awaitable[object]]] = [
        lambda: catalog_admin.set_price(sku_id, 900, now=LATER),
        lambda: catalog_admin.set_sku_status(sku_id, SaleStatus.OFF_SALE, now=LATER),
        lambda: catalog_admin.set_product_status(product_id, SaleStatus.OFF_SALE, now=LATER),
        lambda: catalog_admin.update_product(
            product_id, catalog_admin.ProductChanges(name="梨"), now=LATER
        ),
        lambda: catalog_admin.add_sku(product_id, a_variant(stock=0), now=LATER),
        place_elsewhere,
    ]
    for change in changes:
        await change()
        assert await ear.since() == {PublicTag.CATALOG: 1}


async def test_what_was_rolled_back_is_not_told(ear: Ear) -> None:
    product_id = await a_product()
    await ear.since()

    async def change_half() -> None:
        async with db.in_transaction():
            await catalog_admin.set_price(await sku_of(product_id), 900, now=LATER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_half()
    assert await ear.since() == {}


async def test_figures_are_told_when_they_differ(ear: Ear) -> None:
    sku = await a_sku(stock=5)
    await product_figures.refresh_products([sku.product_id])
    await ear.since()
    assert await product_figures.refresh(NOW, 100) == 0
    assert await ear.since() == {}
    await db.execute("UPDATE stock_level SET available = 4, sold = 1, updated_at = $1", LATER)
    assert await ear.since() == {}
    assert await product_figures.refresh(LATER, 100) == 1
    assert await ear.since() == {PublicTag.CATALOG: 1}


async def _place(sku: SkuFacts, quantity: int, gate: StockGate) -> UUID:
    draft = OrderDraft(lines=(DraftLine(sku_id=sku.id, quantity=quantity),))
    command = PlaceOrder(
        member_id=await a_buyer(),
        draft=draft,
        idempotency_key="k",
        expected_payable_fen=None,
        remark=None,
    )
    return await place_order(command, gate, DATA, now=NOW)


async def test_an_order_tells_nothing_until_it_takes_the_last_piece(
    ear: Ear, gate: StockGate
) -> None:
    sku = await a_sku(stock=3)
    await rules.in_force(now=NOW)
    await ear.since()
    order_id = await _place(sku, 2, gate)
    assert await ear.since() == {}
    last_id = await _place(sku, 1, gate)
    assert await ear.since() == {PublicTag.STOCK: 1}
    async with db.in_transaction():
        await stock.sell_reserved(order_id, now=NOW)
    assert await ear.since() == {}
    async with db.in_transaction():
        await stock.give_back_reserved(last_id, now=NOW)
    assert await ear.since() == {PublicTag.STOCK: 1}


async def test_pieces_that_come_in_are_told_when_there_were_none(ear: Ear) -> None:
    sku = await a_sku(stock=0)
    await ear.since()
    await stock_admin.restock(sku.id, 5, now=LATER)
    assert await ear.since() == {PublicTag.STOCK: 1}
    await stock_admin.restock(sku.id, 5, now=LATER)
    assert await ear.since() == {}
    await stock_admin.adjust(sku.id, -10, now=LATER)
    assert await ear.since() == {PublicTag.STOCK: 1}


async def test_a_claim_tells_nothing_until_it_takes_the_last_coupon(ear: Ear) -> None:
    await rules.in_force(now=NOW)
    await ear.since()
    campaign_id = await a_campaign(quantity=2, per_member_limit=2)
    assert await ear.since() == {PublicTag.CAMPAIGNS: 2}  # Its template, and itself.
    change = "UPDATE coupon_campaign SET claimed = $2, name = 'x' WHERE id = $1"
    await db.execute(change, campaign_id, 1)
    assert await ear.since() == {}
    await db.execute(change, campaign_id, 2)
    assert await ear.since() == {PublicTag.CAMPAIGNS: 1}
    await db.execute("UPDATE coupon_campaign SET quantity = 3")
    assert await ear.since() == {PublicTag.CAMPAIGNS: 1}
    for table in ("coupon_campaign", "coupon_template"):
        await db.execute(f"DELETE FROM {table}")
        assert await ear.since() == {PublicTag.CAMPAIGNS: 1}


async def test_a_promotion_is_told_with_the_catalogue(ear: Ear) -> None:
    await rules.in_force(now=NOW)  # Publishing looks at them: the first is written.
    assert await ear.since() == {PublicTag.RULES: 1}
    await a_promotion()
    assert await ear.since() == {PublicTag.CATALOG: 1}
    await db.execute("UPDATE promotion SET ended_at = now()")
    assert await ear.since() == {PublicTag.CATALOG: 1}
    await db.execute("DELETE FROM promotion")
    assert await ear.since() == {PublicTag.CATALOG: 1}


async def test_a_redemption_tells_nothing_until_it_takes_the_last_piece(ear: Ear) -> None:
    await rules.in_force(now=NOW)
    assert await ear.since() == {PublicTag.RULES: 1}
    reward_id = await a_reward(quantity=2)
    assert await ear.since() == {PublicTag.REWARDS: 1}
    change = "UPDATE reward SET remaining = $2 WHERE id = $1"
    await db.execute(change, reward_id, 1)
    assert await ear.since() == {}
    await db.execute(change, reward_id, 0)
    assert await ear.since() == {PublicTag.REWARDS: 1}
    await db.execute(change, reward_id, 1)
    assert await ear.since() == {PublicTag.REWARDS: 1}
    await db.execute("UPDATE reward SET quantity = 3")
    assert await ear.since() == {PublicTag.REWARDS: 1}
    await db.execute("DELETE FROM reward")
    assert await ear.since() == {PublicTag.REWARDS: 1}


async def test_only_members_see_the_prices_of_tiers(ear: Ear) -> None:
    product_id = await a_product()
    sku_id = await sku_of(product_id)
    await ear.since()
    await db.execute(
        "INSERT INTO sku_tier_price (id, sku_id, tier_code, price_fen) VALUES ($1, $1, 'GOLD', 1)",
        sku_id,
    )
    assert await ear.since() == {}


async def test_the_triggers_tell_of_every_tag_and_of_no_other(database: str) -> None:
    rows = await db.fetch(
        """
        SELECT DISTINCT convert_from(rtrim(tgargs, '\\x00'), 'UTF8') AS tag FROM pg_trigger
        WHERE tgfoid IN ('tell_public_change'::regproc, 'tell_public_change_of_rows'::regproc)
        """
    )
    assert {row["tag"] for row in rows} == set(PublicTag)
