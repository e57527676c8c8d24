"""Promotions on real PostgreSQL: published with what they meet, ended, kept for seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import InvalidInput, NotFound
from domain.pricing import Promotion, Scope, ScopeKind
from domain.promotions import Conflict
from models import database as db
from models.ids import new_id
from services import promotions
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.promotions import (
    a_discount,
    a_promotion,
    a_reduction,
    a_share,
    prices,
    scheduled,
)
from tests.factories.shop import NOW
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


async def running(now: datetime = NOW, tier: str | None = None) -> tuple[Promotion, ...]:
    return await promotions.running(now=now, tier_code=tier)


async def test_what_is_published_runs_as_it_was_published() -> None:
    product_id = await a_product("苹果", a_variant(), a_variant())
    rows = await db.fetch("SELECT id FROM sku WHERE product_id = $1", product_id)
    categories = frozenset({await a_category("食品"), await a_category("碗")})
    published: list[Promotion] = [
        a_share(9_000, _products(product_id)),
        prices(dict(zip([row["id"] for row in rows], (990, 0), strict=True))),
        a_discount(scope=Scope(ScopeKind.CATEGORIES, categories)),
        a_reduction((7_000, 1_000), (15_000, 3_000)),
    ]
    for promotion in published:
        await a_promotion(promotion, tiers=["GOLD"])
    assert sorted(await running(tier="GOLD"), key=repr) == sorted(published, key=repr)
    assert await running(tier="SILVER") == await running() == ()


async def test_it_is_kept_for_seconds_and_begins_on_time(statements: StatementLog) -> None:
    await a_promotion(starts_at=NOW + 4 * SECOND, ends_at=NOW + DAY)
    assert await running() == ()
    async with statements.record() as heard:
        assert len(await running(NOW + 4 * SECOND)) == 1
    assert heard == []
    async with statements.record() as heard:
        assert len(await running(NOW + 5 * SECOND)) == 1
    assert len(heard) == 1


async def test_another_process_sees_a_change_within_five_seconds() -> None:
    promotion_id = await a_promotion()
    assert len(await running()) == 1
    await db.execute("UPDATE promotion SET ended_at = now() WHERE id = $1", promotion_id)
    assert len(await running(NOW + 5 * SECOND - timedelta(microseconds=1))) == 1
    assert await running(NOW + 5 * SECOND) == ()


async def test_what_was_ended_runs_no_more_and_ending_it_again_changes_nothing() -> None:
    promotion_id = await a_promotion()
    await promotions.end(promotion_id, now=NOW)
    assert await running() == ()
    await promotions.end(promotion_id, now=NOW + DAY)
    ended_at = await db.fetch_value("SELECT ended_at FROM promotion")
    assert ended_at == NOW
    with pytest.raises(NotFound):
        await promotions.end(new_id(), now=NOW)


async def test_what_cannot_be_meant_is_not_stored() -> None:
    nothing = frozenset({new_id()})
    for wanted, field in (
        (scheduled(a_discount(1)), "pieces"),
        (scheduled(a_share(9_000), tiers=["GOLD", "GOLDEN"]), "tiers"),
        (scheduled(a_share(9_000, Scope(ScopeKind.PRODUCTS, nothing))), "scope"),
        (scheduled(a_discount(scope=Scope(ScopeKind.CATEGORIES, nothing))), "scope"),
        (scheduled(prices({new_id(): 990})), "prices"),
        (scheduled(a_share(9_000), ends_at=NOW), "endsAt"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await promotions.publish(wanted, now=NOW)
        assert refused.value.path == (field,)
    assert await db.fetch_value("SELECT count(*) FROM promotion") == 0


def _products(*product_ids: UUID) -> Scope:
    return Scope(ScopeKind.PRODUCTS, frozenset(product_ids))


async def test_publishing_tells_which_others_cover_the_same_goods() -> None:
    food = await a_category("食品")
    fruit = await a_category("水果", food)
    apple = await a_product("苹果", categories=[fruit])
    pear = await a_product("梨", categories=[fruit])
    bowl = await a_product("碗")
    by_category = await a_promotion(
        a_share(9_000, Scope(ScopeKind.CATEGORIES, frozenset({food})), title="食品 9 折"),
        ends_at=NOW + DAY,
    )
    await a_promotion(a_share(8_000, _products(bowl)))
    await a_promotion(a_discount(scope=_products(apple)))
    wanted = scheduled(a_share(8_500, _products(apple, pear)), starts_at=NOW, ends_at=NOW + 9 * DAY)
    [conflict] = await promotions.publish(wanted, now=NOW)
    assert conflict == Conflict(
        promotion_id=by_category,
        title="食品 9 折",
        starts_at=NOW,
        ends_at=NOW + DAY,
        products=2,
    )
    assert len(await running()) == 4


async def test_prices_of_skus_meet_what_covers_their_product() -> None:
    apple = await a_product("苹果", a_variant(), a_variant())
    pear = await a_product("梨")
    sku_id = await db.fetch_value("SELECT id FROM sku WHERE product_id = $1 LIMIT 1", apple)
    named = await a_promotion(prices({sku_id: 500}))
    assert await promotions.conflicts_of(scheduled(a_share(9_000, _products(pear)))) == []
    [everything] = await promotions.conflicts_of(scheduled(a_share(9_000)))
    assert (everything.promotion_id, everything.products) == (named, 1)
    [other] = await promotions.conflicts_of(scheduled(prices({sku_id: 400})))
    assert other.promotion_id == named
    await promotions.end(named, now=NOW)
    assert await promotions.conflicts_of(scheduled(a_share(9_000))) == []
