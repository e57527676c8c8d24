"""The demo brand: once, whole, and as pages ask for it."""

import asyncio
import struct
import zlib
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from cli.seed import write_files
from domain.campaigns import CampaignStatus
from domain.catalog import BannerSlot
from domain.members import AgreementKind
from models import database as db
from services import (
    campaigns,
    flash_lists,
    group_lists,
    product_figures,
    promotions,
    reward_lists,
    rules,
    stock_admin,
)
from services.consents import current_agreements
from services.pages import PageRequest
from services.reward_lists import RewardQuery
from services.seed import pages, pictures, plant
from services.verification import verify
from tests.factories.shop import DATA, NOW, a_member
from tests.support.catalog import catalog_client


async def counts() -> dict[str, int]:
    tables = (
        *("category", "product", "sku", "stock_level", "store", "banner", "agreement"),
        *("coupon_template", "coupon_campaign", "promotion", "reward"),
        *("flash_sale", "flash_sale_item", "group_buy", "group_buy_item", "campaign_stock"),
    )
    return {table: await db.fetch_value(f"SELECT count(*) FROM {table}") for table in tables}


@pytest.fixture
async def planted(database: str) -> None:
    rules.forget_cached()
    assert await plant(DATA, now=NOW)


async def test_it_is_planted_once(planted: None) -> None:
    whole = {
        "category": 32,
        "product": 44,
        "sku": 84,
        "stock_level": 84,
        "store": 12,
        "banner": 7,
        "agreement": 4,
        "coupon_template": 10,
        "coupon_campaign": 10,
        "promotion": 7,
        "reward": 6,
        "flash_sale": 2,
        "flash_sale_item": 5,
        "group_buy": 2,
        "group_buy_item": 3,
        "campaign_stock": 6,
    }
    assert await counts() == whole
    assert not await plant(DATA, now=NOW + timedelta(days=1))
    assert await counts() == whole
    assert await db.fetch_value("SELECT count(*) FROM rule_version") == 2


async def test_two_at_once_plant_once(database: str) -> None:
    rules.forget_cached()
    assert sorted(await asyncio.gather(plant(DATA, now=NOW), plant(DATA, now=NOW))) == [False, True]
    assert (await counts())["product"] == 44


async def test_every_kind_of_coupon_is_there(planted: None) -> None:
    rows = await db.fetch(
        """
        SELECT campaign.kind, terms.kind AS gives, terms.scope_title
        FROM coupon_campaign AS campaign
        JOIN coupon_template AS template ON template.id = campaign.template_id
        JOIN coupon_terms AS terms ON terms.id = template.terms_id
        """
    )
    assert {row["kind"] for row in rows} == {"CLAIM", "CODE", "GRANT", "EVENT"}
    assert {row["gives"] for row in rows} == {"AMOUNT_OFF", "PERCENT_OFF", "FREE_SHIPPING"}
    assert {row["scope_title"] for row in rows} == {"", "水果生鲜"}
    page = await campaigns.centre(None, PageRequest(100), now=NOW)
    assert len(page.rows) == 6


async def test_every_kind_of_promotion_runs_and_of_reward_is_there(planted: None) -> None:
    running = {
        tier: [type(each).__name__ for each in await promotions.running(now=NOW, tier_code=tier)]
        for tier in (None, "GOLD")
    }
    assert Counter(running[None]) == {
        "LimitedTimePrice": 2,
        "QuantityDiscount": 2,
        "FullReduction": 1,
    }
    assert len(running["GOLD"]) == 6
    later = await promotions.running(now=NOW + timedelta(days=3), tier_code=None)
    assert len(later) == 6
    page = await reward_lists.list_rewards(None, RewardQuery(), PageRequest(100), now=NOW)
    assert Counter(row["kind"] for row in page.rows) == {"COUPON": 2, "GOODS": 3, "VIRTUAL": 1}
    assert sum(row["cash_price_fen"] > 0 for row in page.rows) == 1
    [virtual] = [row for row in page.rows if row["kind"] == "VIRTUAL"]
    assert virtual["remaining"] == 50
    assert await db.fetch_value("SELECT count(DISTINCT digest) FROM reward_code") == 50


async def test_a_flash_sale_and_a_group_buy_are_on(planted: None) -> None:
    running, upcoming = CampaignStatus.RUNNING, CampaignStatus.UPCOMING
    sales = await flash_lists.list_sales((), PageRequest(10), now=NOW)
    assert [flash_lists.status_of(row, now=NOW) for row in sales.rows] == [running, upcoming]
    teams = await group_lists.list_group_buys((running,), PageRequest(10), now=NOW)
    assert Counter(row["new_members_only"] for row in teams.rows) == {True: 1, False: 1}
    assert [finding for finding in await verify() if not finding.is_clean] == []


async def test_what_an_operator_changed_stays(planted: None) -> None:
    await db.execute("UPDATE product SET name = '别的' WHERE source_id = 'APPLE'")
    sku_id = await db.fetch_value("SELECT id FROM sku WHERE code = 'GREENS-1'")
    await stock_admin.restock(sku_id, 5, now=NOW)
    await plant(DATA, now=NOW)
    assert await db.fetch_value("SELECT name FROM product WHERE source_id = 'APPLE'") == "别的"
    assert await db.fetch_value("SELECT available FROM stock_level WHERE id = $1", sku_id) == 5


async def test_its_rules_name_the_brand(planted: None) -> None:
    found = (await rules.in_force(now=NOW)).rules
    assert (found.brand.name, found.brand.name_en) == ("山野集", "Shanye Market")
    assert found.hot_searches[0] == "苹果"
    assert await rules.in_force(now=NOW) == await rules.in_force(now=NOW)


async def test_every_agreement_is_in_force(planted: None) -> None:
    found = await current_agreements(now=NOW)
    assert set(found) == set(AgreementKind)
    assert {kind for kind, text in found.items() if text.is_required} == {
        AgreementKind.MEMBERSHIP,
        AgreementKind.PRIVACY,
    }
    assert {text.url.removeprefix("/media/") for text in found.values()} == set(pages())


async def test_every_file_that_a_row_names_is_drawn(planted: None) -> None:
    rows = await db.fetch(
        """
        SELECT jsonb_array_elements_text(images) AS url FROM product
        UNION SELECT image_url FROM sku WHERE image_url IS NOT NULL
        UNION SELECT image_url FROM category WHERE image_url IS NOT NULL
        UNION SELECT image_url FROM banner
        """
    )
    named = {row["url"].removeprefix("/media/") for row in rows}
    assert named | {"share.png"} == set(pictures())


def test_files_are_written_once_as_png(tmp_path: Path) -> None:
    whole = len(pictures()) + len(pages())
    assert write_files(tmp_path) == whole
    assert write_files(tmp_path) == 0
    (tmp_path / "share.png").unlink()
    assert write_files(tmp_path) == 1
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == whole

    content = (tmp_path / "demo" / "apple-1.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (500, 400)
    length = struct.unpack(">I", content[33:37])[0]
    assert len(zlib.decompress(content[41 : 41 + length])) == 400 * (1 + 3 * 500)


async def test_every_case_of_the_catalogue_is_there(planted: None) -> None:
    row = await db.fetch_one(
        """
        SELECT count(*) FILTER (WHERE sku.purchase_limit IS NOT NULL) > 0 AS limits,
               count(*) FILTER (WHERE sku.label_kind = 'TAG_PRICE') > 0 AS tags,
               count(*) FILTER (WHERE sku.label_kind = 'SUGGESTED_RETAIL_PRICE') > 0 AS suggested,
               count(*) FILTER (WHERE sku.status = 'OFF_SALE') > 0 AS off_sale,
               count(*) FILTER (WHERE stock.available = 0) > 0 AS sold_out,
               count(*) FILTER (WHERE stock.available BETWEEN 1 AND 10) > 0 AS low,
               min(sku.weight_grams) > 0 AS weighed,
               (SELECT count(*) FROM sku_tier_price) > 0 AS tier_prices
        FROM sku JOIN stock_level AS stock ON stock.id = sku.id
        """
    )
    assert row is not None
    assert {name for name, holds in row.items() if not holds} == set()
    sizes = await db.fetch("SELECT count(*) FROM sku GROUP BY product_id")
    assert set(Counter(size["count"] for size in sizes)) == {1, 2, 3, 4, 6}
    slots = await db.fetch("SELECT DISTINCT slot FROM banner")
    assert {each["slot"] for each in slots} == set(BannerSlot)
    assert await product_figures.rebuild() == 0


async def test_home_looks_like_a_shop(planted: None) -> None:
    client = await catalog_client(NOW)
    viewer = await a_member(tier="GOLD")
    answer = await client.gql(
        """
        {
            banners(slot: HOME) { title imageUrl link }
            categories { name children { name } }
            products(first: 3) {
                nodes { name labels available currentPriceRange { min } priceRange { min } }
            }
            searchSuggestions(text: "苹果")
            stores(near: {latitude: 31.23, longitude: 121.47}, first: 2) {
                nodes { name distanceMetres }
            }
        }
        """,
        token=str(viewer),
    )
    data = answer.data
    assert [banner["title"] for banner in data["banners"]][:1] == ["烟台苹果 新鲜上市"]
    assert [len(root["children"]) for root in data["categories"]] == [3] * 8
    assert [node["name"] for node in data["products"]["nodes"]] == [
        "烟台红富士苹果",
        "五常稻花香大米",
        "每日坚果混合装",
    ]
    apple = data["products"]["nodes"][0]
    assert apple["labels"] == ["会员价", "新品"]
    assert (apple["priceRange"]["min"], apple["currentPriceRange"]["min"]) == (3990, 3791)
    assert data["searchSuggestions"] == [
        "苹果",
        "苹果派礼盒",
        "有机苹果果泥",
        "烟台红富士苹果",
    ]
    assert [node["name"] for node in data["stores"]["nodes"]] == [
        "山野集 静安寺店",
        "山野集 陆家嘴店",
    ]
