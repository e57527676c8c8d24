"""Answers from memory in the real application: the same as without, and as fresh as promised."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import ASGIApp

from api import public_answers
from api.app import MallApp, create_app
from api.figures import PublicCaches
from api.observability import Observed
from domain.catalog import BannerSlot
from domain.rules import Rules
from domain.sessions import RevokeReason
from executor.public_cache import PublicCache
from models import database as db
from models.catalog import Banner
from models.members import Member
from models.promotions import Promotion
from models.public_changes import PublicTag
from services import catalog_admin, rules, sessions, stock_admin
from settings import Settings
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.members import agreements, signed_in_member
from tests.factories.rewards import a_reward
from tests.factories.shop import a_store
from tests.support.application import ServerProcess, lifespan
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

HOME = """
query Home {
  shop { name hotSearches }
  banners(slot: HOME) { id title imageUrl link }
  categories { id name children { id name } }
  products(first: 20) {
    nodes {
      id name labels sold available
      skus { id price memberPrice currentPrice currentPriceKind stock purchaseLimitLeft }
      currentPriceRange { min max } priceRange { min max }
    }
    pageInfo { hasNextPage endCursor } totalCount
  }
  me { memberNo cart { pieces } membership { tier { name } } }
}
"""
PRODUCT = """
query Product($id: ID!) {
  product(id: $id) {
    name available descriptionHtml shareCard { title path }
    skus { code price memberPrice stock product { name } } categories { name }
  }
}
"""
TIERS = "{ tiers { code name benefits { title description } } }"
SCENE = '{ scene(sceneCode: "x") { code } }'
PRICE = "{ products { nodes { skus { price } } } }"
PROMOTED = "{ products { nodes { labels skus { currentPrice currentPriceKind } } } }"


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same settings, with memory for public answers; news needn't wait for one another."""
    monkeypatch.setattr(public_answers, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(public_answers, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(public_answers, "SILENCE_SECONDS", 1.0)
    return settings.model_copy(update={"public_cache_max_bytes": 4 * 1_024 * 1_024})


@pytest.fixture
def cache(app: ASGIApp) -> PublicCache:
    assert isinstance(app, Observed)
    assert isinstance(app.app, MallApp)
    assert app.app.public_cache is not None
    return app.app.public_cache


@pytest.fixture
async def plain(app: ASGIApp, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the same application without memory: what it says is right."""
    without = create_app(settings.model_copy(update={"public_cache_max_bytes": 0}))
    async with (
        lifespan(without),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=without), base_url=settings.base_url
        ) as http,
    ):
        yield http


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a caller."""

    query: str
    variables: dict[str, Any] | None = None
    token: str | None = None
    language: str = "zh-CN"

    async def send(self, http: httpx.AsyncClient) -> httpx.Response:
        headers = {"accept-language": self.language}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        body = {"query": self.query, "variables": self.variables}
        return await http.post("/graphql", json=body, headers=headers)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that comes by itself, and soon."""
    async with asyncio.timeout(10):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.005)


async def heard(cache: PublicCache, tag: str, before: object) -> None:
    """Wait until the application has heard of a change behind the tag."""

    async def is_heard() -> bool:
        return cache.versions.current([tag]) not in (before, None)

    await until(is_heard)


async def told(cache: PublicCache, tag: PublicTag, write: Awaitable[object]) -> None:
    """Write something, and wait until the application has heard of it."""
    before = cache.versions.current([tag])
    await write
    await heard(cache, tag, before)


async def quiet(cache: PublicCache) -> None:
    """Wait until all that was written so far has been heard."""
    for tag in PublicTag:
        await told(cache, tag, db.execute("SELECT pg_notify('public_changes', $1)", tag.value))


async def a_banner(title: str) -> None:
    await Banner.create(
        slot=BannerSlot.HOME, title=title, image_url="/media/b.png", link="pages/home/index"
    )


async def a_catalog() -> UUID:
    """Make a small shop; returns a product that is cheaper for gold members."""
    category_id = await a_category("水果")
    await a_category("苹果", category_id)
    product_id = await a_product(
        "红富士",
        a_variant(1_000, stock=3, purchase_limit=2),
        a_variant(2_000, stock=0),
        categories=[category_id],
        now=datetime.now(UTC),
    )
    await a_product("香蕉", a_variant(500), categories=[category_id], now=datetime.now(UTC))
    await db.execute(
        """
        INSERT INTO sku_tier_price (id, sku_id, tier_code, price_fen)
        SELECT id, id, 'GOLD', 700 FROM sku WHERE product_id = $1 AND price_fen = 1000
        """,
        product_id,
    )
    await Banner.create(
        slot=BannerSlot.HOME, title="新品", image_url="/media/b.png", link="pages/x"
    )
    await rules.in_force(now=datetime.now(UTC))
    return product_id


async def test_the_second_page_takes_no_statement(
    client: GraphQLClient, cache: PublicCache, statements: StatementLog
) -> None:
    await a_catalog()
    await quiet(cache)
    first = await client.gql(HOME)
    async with statements.record() as sent:
        second = await client.gql(HOME)
    assert sent == []
    assert first.data == second.data
    assert first.data["me"] is None
    assert second.headers["cache-control"] in ("public, max-age=10", "public, max-age=9")
    assert second.headers["vary"] == "accept, accept-language, authorization"
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_who_has_a_page_by_get_is_not_sent_it_again(
    client: GraphQLClient, cache: PublicCache
) -> None:
    await a_catalog()
    await quiet(cache)
    first = await client.http.get("/graphql", params={"query": TIERS})
    etag = first.headers["etag"]
    again = await client.http.get(
        "/graphql", params={"query": TIERS}, headers={"if-none-match": etag}
    )
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


async def test_fifty_at_once_are_one_run(
    client: GraphQLClient, plain: httpx.AsyncClient, cache: PublicCache, statements: StatementLog
) -> None:
    product_id = await a_catalog()
    await quiet(cache)
    asked = Asked(PRODUCT, {"id": str(product_id)})
    await asked.send(plain)  # Whatever is read once by a process has been read now.
    async with statements.record() as alone:
        expected = await asked.send(plain)
    async with statements.record() as together:
        answers = await asyncio.gather(*[asked.send(client.http) for _ in range(50)])
    assert {answer.content for answer in answers} == {expected.content}
    assert sorted(together) == sorted(alone)
    assert len(alone) > 1


async def test_a_storm_of_everybody_gets_what_each_would_get_alone(
    client: GraphQLClient, plain: httpx.AsyncClient, cache: PublicCache, settings: Settings
) -> None:
    """Members of every standing, strangers and bad tokens, in two languages, fifty at a time."""
    product_id = await a_catalog()
    regular = await signed_in_member(settings)
    gold = await signed_in_member(settings)
    await Member.filter(id=gold.id).update(tier_code="GOLD")
    visitor = await signed_in_member(settings, joined=False)
    gone = await signed_in_member(settings)
    await sessions.end(gone.session_id, RevokeReason.SIGNED_OUT, now=datetime.now(UTC))
    await _looked_again(client, plain, gone.token)
    tokens = [None, None, None, regular.token, gold.token, visitor.token, "a.b.c", "", gone.token]
    requests = [
        Asked(query, variables, token, language)
        for token in tokens
        for language in ("zh-CN", "en")
        for query, variables in (
            (HOME, None),
            (PRODUCT, {"id": str(product_id)}),
            (TIERS, None),
        )
    ]
    assert len(requests) == 54
    await quiet(cache)
    expected = [await request.send(plain) for request in requests]
    for tag in (None, PublicTag.CATALOG, PublicTag.RULES):
        if tag is not None:
            cache.versions.bump(tag)
        for _ in range(2):
            answers = await asyncio.gather(*[request.send(client.http) for request in requests])
            for request, answer, right in zip(requests, answers, expected, strict=True):
                assert answer.status_code == right.status_code
                assert answer.content == right.content, request
                is_public = answer.headers["cache-control"].startswith("public")
                assert is_public == (request.token is None), request
    # Six public answers: three pages in two languages. All else was nobody's to keep.
    assert len(cache) == 6
    assert len({answer.content for answer in expected}) > 12


async def _looked_again(client: GraphQLClient, plain: httpx.AsyncClient, token: str) -> None:
    """Wait until both applications know that the token's session has ended."""

    async def is_refused() -> bool:
        both = [
            await Asked("{ me { id } }", token=token).send(http) for http in (client.http, plain)
        ]
        return all("errors" in answer.json() for answer in both)

    await until(is_refused)


@pytest.mark.parametrize(
    ("document", "token"),
    [
        ("{ shop { name } }", "a.b.c"),
        ("{ me { id } }", None),
        ("{ quoteOrder(input: {lines: []}) { payable } }", None),
        ("{ products(first: 0) { totalCount } }", None),
        ("{ stores(near: {latitude: 31, longitude: 121}) { nodes { name } } }", None),
        ("{ __schema { queryType { name } } }", None),
        ("{ nothing }", None),
        ('mutation { sendSmsCode(input: {phone: "1"}) { userErrors { code } } }', None),
    ],
)
async def test_everything_else_is_stored_by_nobody(
    client: GraphQLClient, cache: PublicCache, document: str, token: str | None
) -> None:
    for _ in range(2):
        answer = await client.gql(document, token=token)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
    assert len(cache) == 0
    assert cache.statistics.hits == 0


async def test_the_clock_is_a_second_late_at_most(
    client: GraphQLClient, cache: PublicCache
) -> None:
    await rules.in_force(now=datetime.now(UTC))
    await quiet(cache)
    before = datetime.now(UTC)
    answer = await client.gql("{ shop { now } }")
    assert datetime.fromisoformat(answer.data["shop"]["now"]) >= before
    assert answer.headers["cache-control"] in ("public, max-age=1", "public, max-age=0")


async def _sold_out() -> None:
    rows = await db.fetch("SELECT id, available FROM stock_level WHERE available > 0")
    for row in rows:
        await stock_admin.adjust(row["id"], -row["available"], now=datetime.now(UTC))


async def _dearer() -> None:
    sku_id = await db.fetch_value("SELECT id FROM sku ORDER BY price_fen LIMIT 1")
    await catalog_admin.set_price(sku_id, 555, now=datetime.now(UTC))


async def _new_rules() -> None:
    now = datetime.now(UTC)
    changed = replace(Rules(), hot_searches=("榴莲",))
    await rules.publish(changed, effective_at=now, now=now)


async def _new_banner() -> None:
    await Banner.create(
        slot=BannerSlot.HOME, title="榴莲", image_url="/media/d.png", link="pages/d"
    )


async def _half_price_by_another_process() -> None:
    now = datetime.now(UTC)
    await Promotion.create(
        kind="LIMITED_TIME",
        title="半价",
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
        scope_kind="ALL",
        scope_ids=[],
        tier_codes=[],
        terms={"prices": {}, "pay_bps": 5_000},
        created_at=now,
    )


async def _new_reward() -> None:
    await a_reward(starts_at=datetime.now(UTC) - timedelta(hours=1))


@pytest.mark.parametrize(
    ("tag", "document", "write"),
    [
        (PublicTag.CATALOG, PRICE, _dearer),
        (PublicTag.CATALOG, "{ categories { name } }", lambda: a_category("蔬菜")),
        (PublicTag.CATALOG, PROMOTED, _half_price_by_another_process),
        (PublicTag.REWARDS, "{ rewards { nodes { name remaining } } }", _new_reward),
        (PublicTag.STOCK, "{ products { nodes { name available } } }", _sold_out),
        (PublicTag.STORES, "{ stores { nodes { name } } }", a_store),
        (PublicTag.BANNERS, "{ banners(slot: HOME) { title } }", lambda: a_banner("榴莲")),
        (PublicTag.RULES, "{ shop { hotSearches } }", _new_rules),
        (PublicTag.AGREEMENTS, "{ shop { agreements { version } } }", agreements),
    ],
    ids=[
        "price",
        "category",
        "promotion",
        "reward",
        "stock",
        "store",
        "banner",
        "rules",
        "agreement",
    ],
)
async def test_a_change_ends_the_answers_that_tell_of_it(
    client: GraphQLClient,
    plain: httpx.AsyncClient,
    cache: PublicCache,
    tag: PublicTag,
    document: str,
    write: Callable[[], Awaitable[object]],
) -> None:
    await a_catalog()
    await quiet(cache)
    before = (await client.gql(document)).data
    await client.gql(SCENE)
    hits = cache.statistics.hits
    assert (await client.gql(document)).data == before
    assert cache.statistics.hits == hits + 1
    await told(cache, tag, write())
    after = (await client.gql(document)).data
    assert after != before
    assert after == (await Asked(document, {}).send(plain)).json()["data"]
    # What tells of nothing that changes is still there.
    hits = cache.statistics.hits
    await client.gql(SCENE)
    assert cache.statistics.hits == hits + 1


async def test_while_postgresql_is_not_heard_nothing_comes_from_memory(
    client: GraphQLClient, cache: PublicCache
) -> None:
    await a_catalog()
    await quiet(cache)
    await client.gql(PRICE)
    await db.execute("SELECT pg_terminate_backend($1)", await _listening_backend())
    await _lost(cache)
    # This is told to nobody: it is seen all the same.
    await _dearer()
    hits = cache.statistics.hits
    for _ in range(2):
        assert _lowest_price((await client.gql(PRICE)).data) == 555
    assert cache.statistics.hits == hits
    await heard(cache, PublicTag.CATALOG, None)
    assert _lowest_price((await client.gql(PRICE)).data) == 555
    assert cache.statistics.hits == hits


async def test_a_connection_that_falls_silent_is_given_up(
    client: GraphQLClient, cache: PublicCache
) -> None:
    await a_catalog()
    await quiet(cache)
    await client.gql(PRICE)
    backend = await _listening_backend()
    os.kill(backend, signal.SIGSTOP)  # As if the network swallowed everything.
    try:
        await _dearer()
        await _lost(cache)
        assert _lowest_price((await client.gql(PRICE)).data) == 555
    finally:
        os.kill(backend, signal.SIGCONT)
    await heard(cache, PublicTag.CATALOG, None)


async def _listening_backend() -> int:
    """Return the process of PostgreSQL that tells the application of changes."""
    found: int = await db.fetch_value(
        """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'membermall-web'
        """
    )
    return found


async def _lost(cache: PublicCache) -> None:
    """Wait until the application knows that it hears nothing."""

    async def is_lost() -> bool:
        return cache.versions.current([]) is None

    await until(is_lost)


def _lowest_price(data: Any) -> int:
    prices = [sku["price"] for node in data["products"]["nodes"] for sku in node["skus"]]
    return min(map(int, prices))


async def test_a_price_changes_in_every_web_process(
    server: Callable[[], Awaitable[ServerProcess]], cache: PublicCache
) -> None:
    await a_catalog()
    await quiet(cache)
    servers = [await server(), await server()]
    for each in servers:
        for _ in range(2):
            answer = await each.client.gql(PRICE)
            assert _lowest_price(answer.data) == 500
            assert answer.headers["cache-control"].startswith("public, max-age=")
        assert 'mall_public_cache_requests_total{result="hit"} 1.0' in await _figures(each.http)
    await _dearer()

    async def is_dearer_everywhere() -> bool:
        answers = [await each.client.gql(PRICE) for each in servers]
        return [_lowest_price(answer.data) for answer in answers] == [555, 555]

    await until(is_dearer_everywhere)


async def _figures(http: httpx.AsyncClient) -> str:
    return (await http.get("/metrics")).text


async def test_figures(client: GraphQLClient, cache: PublicCache) -> None:
    await rules.in_force(now=datetime.now(UTC))  # Publishes them on an empty database.
    await quiet(cache)
    for _ in range(3):
        await client.gql(TIERS)
    await asyncio.gather(client.gql(SCENE), client.gql(SCENE))
    cache.versions.bump(PublicTag.RULES)
    await client.gql(TIERS)
    collector = PublicCaches()
    collector.add(cache)
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in collector.collect()
        for sample in family.samples
    }
    assert told == {
        ("mall_public_cache_requests_total", "hit"): 2,
        ("mall_public_cache_requests_total", "shared"): 1,
        ("mall_public_cache_requests_total", "miss"): 3,
        ("mall_public_cache_stale_total",): 1,
        ("mall_public_cache_evicted_total",): 0,
        ("mall_public_cache_answers",): 2,
        ("mall_public_cache_bytes",): cache.bytes,
    }
    assert cache.bytes > 4_000  # Two answers and two ways of asking, a kilobyte each at least.


async def test_without_memory_nothing_is_public(plain: httpx.AsyncClient) -> None:
    answer = await Asked(TIERS).send(plain)
    assert answer.headers["cache-control"] == "no-store"
