"""The Complete Journey comes in whole, by batches, and once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from cli.complete_journey import check, loading
from cli.complete_journey.reader import CompleteJourney, open_complete_journey
from domain.ledger import MEMBER_ACCOUNTS
from domain.phones import parse_phone
from models import database as db
from services import importing, members, phones
from settings import Settings
from tests.factories.shop import DATA
from tests.support.commands import mall

FIXTURE = Path(__file__).parents[1] / "fixtures" / "complete_journey"
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 4, tzinfo=UTC)
Added = Sequence[tuple[UUID, importing.ImportedProduct]]
TABLES = ("category", "product", "sku", "stock_level", "product_category", "store")


class PowerCut(Exception):
    """Ends a run in the middle."""


@pytest.fixture(scope="module")
def journey() -> Iterator[CompleteJourney]:
    with open_complete_journey(FIXTURE) as opened:
        yield opened


def unheard(_records: int) -> None:
    """Nobody watches the progress."""


async def load_catalogue(journey: CompleteJourney, *, now: datetime = NOW) -> list[loading.Loaded]:
    return [
        await loading.load_categories(journey, unheard),
        await loading.load_products(journey, unheard, now=now),
        await loading.load_stores(journey, unheard),
    ]


async def contents() -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the tables that an import writes."""
    return {
        table: [tuple(row) for row in await db.fetch(f"SELECT * FROM {table} ORDER BY id")]
        for table in TABLES
    }


async def test_the_catalogue_comes_in_whole(database: str, journey: CompleteJourney) -> None:
    loaded = await load_catalogue(journey)
    assert [(one.kind, one.in_source, one.added) for one in loaded] == [
        ("categories", 1823, 1823),
        ("products", 10482, 10482),
        ("stores", 109, 109),
    ]
    await prices_are_those_of_the_independent_query()
    await products_stand_in_their_categories()
    await products_that_nobody_bought_are_off_sale()
    await the_check_sees_what_is_missing_or_changed(journey)


async def prices_are_those_of_the_independent_query() -> None:
    rows = await db.fetch(
        "SELECT product.source_id, sku.code, sku.price_fen, product.min_price_fen,"
        " product.max_price_fen, product.in_stock, stock_level.available"
        " FROM product JOIN sku ON sku.product_id = product.id"
        " JOIN stock_level ON stock_level.id = sku.id WHERE sku.status = 'ON_SALE'"
    )
    assert {int(row["source_id"]): row["price_fen"] for row in rows} == check.prices(FIXTURE)
    assert all(row["code"] == f"CJ-{row['source_id']}" for row in rows)
    assert all(row["min_price_fen"] == row["max_price_fen"] == row["price_fen"] for row in rows)


async def products_stand_in_their_categories() -> None:
    placed = await db.fetch(
        "SELECT category.source_id, category.name, is_direct FROM product_category"
        " JOIN category ON category.id = category_id JOIN product ON product.id = product_id"
        " WHERE product.source_id = '1082185' ORDER BY category.source_id"
    )
    assert [tuple(row) for row in placed] == [
        ("PRODUCE", "蔬菜水果", False),
        ("PRODUCE|TROPICAL FRUIT", "热带水果", False),
        ("PRODUCE|TROPICAL FRUIT|BANANAS", "Bananas", True),
    ]
    misplaced = await db.fetch_value(
        "SELECT count(*) FROM category child LEFT JOIN category parent"
        " ON parent.id = child.parent_id"
        " WHERE coalesce(parent.source_id || '|', '') || split_part(child.source_id, '|', -1)"
        " <> child.source_id"
    )
    assert misplaced == 0


async def products_that_nobody_bought_are_off_sale() -> None:
    rows = await db.fetch(
        "SELECT product.status, sku.status, in_stock, available, count(*) FROM product"
        " JOIN sku ON product_id = product.id JOIN stock_level ON stock_level.id = sku.id"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [
        ("OFF_SALE", "OFF_SALE", False, 0, 240),
        ("ON_SALE", "ON_SALE", True, 1_000_000, 10_242),
    ]


async def the_check_sees_what_is_missing_or_changed(journey: CompleteJourney) -> None:
    found = await loading.compare(journey, FIXTURE)
    assert [(one.what, one.expected, one.found) for one in found if not one.agrees] == [
        ("members", 50, 0)
    ]
    await loading.load_members(journey, DATA, unheard, now=NOW)
    assert all(one.agrees for one in await loading.compare(journey, FIXTURE))
    await db.execute("UPDATE sku SET price_fen = price_fen + 1 WHERE code = 'CJ-1082185'")
    found = await loading.compare(journey, FIXTURE)
    assert [(one.what, one.expected, one.found) for one in found if not one.agrees] == [
        ("SKUs at the expected price", 10_242, 10_241)
    ]


async def test_a_second_run_changes_nothing(database: str, journey: CompleteJourney) -> None:
    await load_catalogue(journey)
    # Not even what an operator has changed since.
    await db.execute("UPDATE sku SET price_fen = 1 WHERE code = 'CJ-1082185'")
    before = await contents()
    loaded = await load_catalogue(journey, now=LATER)
    assert [one.added for one in loaded] == [0, 0, 0]
    assert [one.there_before for one in loaded] == [1823, 10482, 109]
    assert await contents() == before


async def test_a_run_that_broke_off_is_taken_up(
    database: str, journey: CompleteJourney, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_to_categories, batches = importing._add_to_categories, 0

    async def fail_in_the_third_batch(products: Added, category_ids: dict[str, UUID]) -> None:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise PowerCut
        await add_to_categories(products, category_ids)

    monkeypatch.setattr(importing, "_add_to_categories", fail_in_the_third_batch)
    with pytest.raises(PowerCut):
        await load_catalogue(journey)
    monkeypatch.undo()
    # Two whole batches stand, and nothing of the third.
    assert await db.fetch_value("SELECT count(*) FROM product") == 4_000
    assert await db.fetch_value("SELECT count(*) FROM stock_level") == 4_000
    loaded = await load_catalogue(journey, now=LATER)
    assert [one.added for one in loaded] == [0, 6_482, 109]
    assert await db.fetch_value("SELECT count(*) FROM sku") == 10_482


async def test_households_come_in_as_visitors_with_a_phone(
    database: str, journey: CompleteJourney
) -> None:
    loaded = await loading.load_members(journey, DATA, unheard, now=NOW)
    again = await loading.load_members(journey, DATA, unheard, now=LATER)
    assert [(one.in_source, one.added) for one in (loaded, again)] == [(50, 50), (50, 0)]
    rows = await db.fetch(
        "SELECT source_id, nickname, phone_encrypted, phone_hash, joined_at, created_at,"
        " (SELECT count(*) FROM ledger_account WHERE member_id = member.id) AS accounts"
        " FROM member"
    )
    assert len(rows) == 50
    for row in rows:
        household = int(row["source_id"])
        phone = f"141{household:08d}"
        assert parse_phone(phone) == phone
        assert DATA.open(row["phone_encrypted"], context=phones.PHONE) == phone.encode()
        assert await phones.holder_of(DATA.phone_digest(phone)) is not None
        assert row["nickname"] == f"住户 {household}"
        assert (row["joined_at"], row["created_at"]) == (None, NOW)
        assert row["accounts"] == len(MEMBER_ACCOUNTS)


async def test_a_phone_that_someone_has_already_stays_theirs(
    database: str, journey: CompleteJourney
) -> None:
    first = journey.households()[0]
    phone = phones.seal(loading.phone_of(first.id), DATA)
    somebody = await members.create(now=NOW, phone=phone)
    await loading.load_members(journey, DATA, unheard, now=NOW)
    assert await phones.holder_of(phone.digest) == somebody
    without = await db.fetch("SELECT source_id FROM member WHERE phone_hash IS NULL")
    assert [int(row["source_id"]) for row in without] == [first.id]


async def test_the_command_imports_and_checks(
    database: str, settings: Settings, tmp_path: Path
) -> None:
    command = ("import", "complete-journey", "--data", str(FIXTURE))
    status, said = await mall(settings, *command)
    assert status == 0, said
    assert re.search(r"products\W+10,482\W+10,482\W+0\b", said)
    assert re.search(r"lines: quantity over 99\W+66\W+left out", said)
    status, said = await mall(settings, *command, "--check")
    assert (status, "DIFFERS" in said) == (0, False), said
    await db.execute("UPDATE sku SET price_fen = price_fen + 1 WHERE code = 'CJ-1082185'")
    status, said = await mall(settings, *command, "--check")
    assert (status, said.count("DIFFERS")) == (1, 1), said
    assert await mall(settings, *command[:3], str(tmp_path)) == (
        1,
        f"mall: {tmp_path} holds no products.parquet.\n",
    )
