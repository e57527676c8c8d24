"""What promotions make of prices, labels and struck-through prices on pages; what a quote asks."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.drafts import DraftLine, OrderDraft
from domain.pricing import LimitedTimePrice, Scope, ScopeKind
from models import database as db
from models.catalog import SkuDailyLow
from services import promotions
from services.quoting import quote_draft
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.promotions import (
    a_discount,
    a_promotion,
    a_reduction,
    a_share,
    prices,
)
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_cart_line, a_sku
from tests.support.catalog import catalog_client
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)
PAGE = """
    query ($id: ID!) {
        product(id: $id) {
            labels currentPriceRange { min max }
            skus {
                id price memberPrice currentPrice currentPriceKind
                referencePrice { amount label }
            }
        }
    }
"""
LIST = """
    query ($first: Int) {
        products(first: $first, sort: PRICE_ASC) {
            nodes { id labels currentPriceRange { min max } skus { id currentPrice } }
        }
    }
"""
CART = "{ me { cart { lines { sku { id currentPrice currentPriceKind } } } } }"


@pytest.fixture
async def client(database: str) -> GraphQLClient:
    return await catalog_client(NOW)


async def product(client: GraphQLClient, id_: UUID, token: UUID | None = None) -> Any:
    answer = await client.gql(PAGE, {"id": str(id_)}, token=str(token) if token else None)
    return answer.data["product"]


async def skus_of(product_id: UUID) -> list[UUID]:
    rows = await db.fetch("SELECT id FROM sku WHERE product_id = $1 ORDER BY position", product_id)
    return [row["id"] for row in rows]


async def test_a_limited_time_price_is_what_everybody_pays(client: GraphQLClient) -> None:
    product_id = await a_product("苹果", a_variant(1_000), a_variant(2_000))
    first, _ = await skus_of(product_id)
    await a_promotion(prices({first: 790}))
    gold = await a_buyer(tier="GOLD")
    for viewer, second_fen, kind in ((None, 2_000, None), (gold, 1_900, "MEMBER_PRICE")):
        found = await product(client, product_id, viewer)
        shown = [(sku["currentPrice"], sku["currentPriceKind"]) for sku in found["skus"]]
        assert shown == [(790, "LIMITED_TIME"), (second_fen, kind)]
        assert found["currentPriceRange"] == {"min": 790, "max": second_fen}
        assert found["labels"][0] == "限时价"


async def test_the_lower_of_member_and_limited_time_price_stands(client: GraphQLClient) -> None:
    product_id = await a_product()
    await a_promotion(a_share(9_600))
    gold, regular = await a_buyer(tier="GOLD"), await a_buyer()
    shown = [
        (sku["memberPrice"], sku["currentPrice"], sku["currentPriceKind"])
        for viewer in (gold, regular)
        for sku in (await product(client, product_id, viewer))["skus"]
    ]
    assert shown == [(950, 950, "MEMBER_PRICE"), (1_000, 960, "LIMITED_TIME")]


async def test_a_promotion_for_a_tier_is_seen_by_that_tier_alone(client: GraphQLClient) -> None:
    product_id = await a_product()
    await a_promotion(a_share(5_000), tiers=["GOLD"])
    await a_promotion(a_reduction(title="金卡满减"), tiers=["GOLD"])
    gold, regular = await a_buyer(tier="GOLD"), await a_buyer()
    for viewer, price_fen, labels in (
        (None, 1_000, ["新品"]),
        (regular, 1_000, ["新品"]),
        (gold, 500, ["限时价", "金卡满减", "新品"]),
    ):
        found = await product(client, product_id, viewer)
        assert found["skus"][0]["currentPrice"] == price_fen
        assert found["labels"] == labels


async def test_labels_name_what_covers_a_product_by_priority(client: GraphQLClient) -> None:
    food = await a_category("食品")
    fruit = await a_category("水果", food)
    apple = await a_product("苹果", categories=[fruit])
    bowl = await a_product("碗")
    in_food = Scope(ScopeKind.CATEGORIES, frozenset({food}))
    await a_promotion(a_discount(scope=in_food, title="第2件半价"))
    await a_promotion(a_reduction(title="满70减10"), priority=5)
    await a_promotion(
        a_reduction(scope=Scope(ScopeKind.PRODUCTS, frozenset({bowl})), title="碗满减")
    )
    await a_promotion(a_reduction(title="还没开始"), starts_at=NOW + DAY, ends_at=NOW + 2 * DAY)
    assert (await product(client, apple))["labels"] == ["满70减10", "第2件半价", "新品"]
    assert (await product(client, bowl))["labels"] == ["满70减10", "碗满减", "新品"]
    answer = await client.gql(LIST)
    labels = {node["id"]: node["labels"] for node in answer.data["products"]["nodes"]}
    assert labels[str(apple)] == ["满70减10", "第2件半价", "新品"]
    assert labels[str(bowl)] == ["满70减10", "碗满减", "新品"]


async def test_a_limited_time_price_is_struck_against_the_days_before_it(
    client: GraphQLClient,
) -> None:
    product_id = await a_product("苹果", a_variant(1_000), a_variant(1_000))
    promoted, other = await skus_of(product_id)
    lows = {16: 950, 17: 900, 18: 700, 20: 500}  # It begins on the 18th.
    for sku_id in (promoted, other):
        for day, price_fen in lows.items():
            await SkuDailyLow.create(sku_id=sku_id, day=TODAY.replace(day=day), price_fen=price_fen)
    await a_promotion(prices({promoted: 450}), starts_at=NOW - 4 * DAY)
    found = await product(client, product_id)
    assert [sku["referencePrice"] for sku in found["skus"]] == [
        {"amount": 900, "label": "近7天最低成交价"},
        None,  # ¥5.00 was paid two days ago: ¥10.00 is no bargain.
    ]


async def test_a_page_and_its_cart_ask_what_a_quote_asks(client: GraphQLClient) -> None:
    random = Random(2026)
    categories = [await a_category(name) for name in ("水果", "零食", "家居")]
    member_id = await a_buyer(tier="SILVER")
    product_ids: list[UUID] = []
    sku_ids: list[UUID] = []
    for number in range(12):
        variants = [a_variant(random.randint(1, 20_000)) for _ in range(2)]
        placed = random.sample(categories, random.randint(1, 2))
        product_ids.append(await a_product(f"货 {number}", *variants, categories=placed))
        for sku_id in await skus_of(product_ids[-1]):
            await a_cart_line(member_id, SkuFacts(sku_id, product_ids[-1]))
            sku_ids.append(sku_id)
    kinds: Counter[str | None] = Counter()
    for _ in range(20):
        published = [
            await a_promotion(_random_offer(random, categories, product_ids, sku_ids))
            for _ in range(10)
        ]
        asked = await _asked(member_id, sku_ids)
        answer = await client.gql(LIST, {"first": 20}, token=str(member_id))
        nodes = answer.data["products"]["nodes"]
        listed = {sku["id"]: sku["currentPrice"] for node in nodes for sku in node["skus"]}
        assert listed == asked
        answer = await client.gql(CART, token=str(member_id))
        skus = [line["sku"] for line in answer.data["me"]["cart"]["lines"]]
        assert {sku["id"]: sku["currentPrice"] for sku in skus} == asked
        kinds.update(sku["currentPriceKind"] for sku in skus)
        for promotion_id in published:
            await promotions.end(promotion_id, now=NOW)
    assert kinds["LIMITED_TIME"] > 20
    assert kinds["MEMBER_PRICE"] > 10


async def _asked(member_id: UUID, sku_ids: list[UUID]) -> dict[str, int]:
    """Return what a quote asks for one piece of each."""
    draft = OrderDraft(lines=tuple(DraftLine(sku_id=sku_id, quantity=1) for sku_id in sku_ids))
    lines = (await quote_draft(member_id, draft, now=NOW)).quote.lines
    return {str(line.sku_id): line.unit_price_fen - line.discount_total_fen for line in lines}


def _random_offer(
    random: Random, categories: list[UUID], products: list[UUID], skus: list[UUID]
) -> LimitedTimePrice:
    scope = random.choice(
        [
            Scope(),
            Scope(ScopeKind.CATEGORIES, frozenset(random.sample(categories, 2))),
            Scope(ScopeKind.PRODUCTS, frozenset(random.sample(products, 3))),
        ]
    )
    if random.random() < 0.4:
        return prices({sku: random.randint(0, 20_000) for sku in random.sample(skus, 4)})
    return a_share(random.randint(9_500, 9_999), scope)


async def test_a_list_stays_one_statement_with_ten_promotions(
    client: GraphQLClient, statements: StatementLog
) -> None:
    fruit = await a_category("水果")
    scope = Scope(ScopeKind.CATEGORIES, frozenset({fruit}))
    for number in range(20):
        await a_product(f"苹果 {number}", a_variant(), a_variant(), categories=[fruit])
    for number in range(5):
        await a_promotion(a_share(9_000 + number, scope))
        await a_promotion(a_reduction(scope=scope, title=f"满减 {number}"))
    await promotions.running_now(now=NOW)
    member_id = await a_buyer(tier="GOLD")
    for first in (1, 20):
        async with statements.record() as heard:
            answer = await client.gql(LIST, {"first": first}, token=str(member_id))
        nodes = answer.data["products"]["nodes"]
        assert [node["currentPriceRange"] for node in nodes] == [{"min": 900, "max": 900}] * first
        assert len(nodes[0]["labels"]) == 7
        assert len(heard) == 1


async def test_a_quote_names_the_promotions_that_took_something_off(
    client: GraphQLClient,
) -> None:
    first, second = await a_sku(999), await a_sku(5_001)
    await a_promotion(a_reduction((7_000, 1_000), title="满70减10"))
    member_id = await a_buyer(tier="GOLD")
    draft = OrderDraft(
        lines=(
            DraftLine(sku_id=first.id, quantity=3),
            DraftLine(sku_id=second.id, quantity=1),
        )
    )
    quote = (await quote_draft(member_id, draft, now=NOW)).quote
    assert [(each.kind.value, each.amount_fen) for each in quote.discounts] == [
        ("MEMBER_PRICE", 400),
        ("FULL_REDUCTION", 1_000),
        ("SHIPPING", 1_000),
    ]
    assert [line.discounts[-1].amount_fen for line in quote.lines] == [375, 625]
