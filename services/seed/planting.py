"""Writes the demo brand into an empty shop, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.catalog import SaleStatus
from models import database
from models.catalog import Banner, Store
from models.ids import new_id
from services import catalog_admin, rules
from services.catalog_admin import NewCategory, NewProduct, NewSku
from services.personal_data import PersonalData
from services.seed.brand import (
    AGREEMENT_VERSION,
    BRAND,
    HOT_SEARCHES,
    POSTERS,
    SHIPPING,
    SHOPS,
    TEXTS,
    Poster,
)
from services.seed.campaigns import plant_campaigns
from services.seed.files import (
    GOODS,
    category_picture,
    good_pictures,
    media_path,
    poster_picture,
)
from services.seed.goods import DEPARTMENTS, Good, Variant
from services.seed.offers import plant_offers
from services.seed.promotions import plant_promotions
from services.seed.rewards import plant_rewards

SOURCE = "demo"
"""Marks the rows that came from here."""
_LOCK_KEY = 0x73_65_65_64  # "seed"


async def plant(data: PersonalData, *, now: datetime) -> bool:
    """Write the demo brand unless it was written before; tell whether it was written now.

    Two at once do it once. What an operator has changed or taken off since stays so.
    """
    async with database.in_transaction():
        await database.fetch_value("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        if await database.fetch_value("SELECT id FROM category WHERE source = $1 LIMIT 1", SOURCE):
            return False
        await _publish_rules(now)
        await _publish_agreements(now)
        categories = await _plant_categories()
        products = {good.code: await _plant_good(good, categories, now) for good in GOODS}
        await _open_shops()
        await _put_up_posters(categories, products)
        await plant_offers(categories, SOURCE, now=now)
        await plant_promotions(categories, now=now)
        await plant_rewards(data, now=now)
        await plant_campaigns(products, now=now)
    return True


async def _publish_rules(now: datetime) -> None:
    # The shipped rules come first, so that a server that reads them at this moment finds number 1.
    shipped = (await rules.in_force(now=now)).rules
    await rules.publish(
        replace(shipped, brand=BRAND, hot_searches=HOT_SEARCHES, shipping=SHIPPING),
        effective_at=now,
        now=now,
    )


async def _publish_agreements(now: datetime) -> None:
    await database.execute(
        """
        INSERT INTO agreement (id, kind, version, title, title_en, url, effective_at)
        SELECT text.id, text.kind, $2, text.title, text.title_en, text.url, $1
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[])
            AS text (id, kind, title, title_en, url)
        ON CONFLICT (kind, version) DO NOTHING
        """,
        now,
        AGREEMENT_VERSION,
        [new_id() for _ in TEXTS],
        [text.kind.value for text in TEXTS],
        [text.title for text in TEXTS],
        [text.title_en for text in TEXTS],
        [media_path(text.file_name) for text in TEXTS],
    )


async def _plant_categories() -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for place, department in enumerate(DEPARTMENTS):
        root = NewCategory(
            name=department.name,
            position=place,
            image_url=media_path(category_picture(department.motif, 0)),
            source=SOURCE,
            source_id=department.name,
        )
        found[department.name] = await catalog_admin.create_category(root)
        for turn, name in enumerate(department.leaves):
            leaf = NewCategory(
                name=name,
                parent_id=found[department.name],
                position=turn,
                image_url=media_path(category_picture(department.motif, turn + 1)),
                source=SOURCE,
                source_id=f"{department.name}/{name}",
            )
            found[name] = await catalog_admin.create_category(leaf)
    return found


async def _plant_good(good: Good, categories: dict[str, UUID], now: datetime) -> UUID:
    images = [media_path(name) for name in good_pictures(good)]
    facts = "".join(f"<li>{name}：{value}</li>" for name, value in good.facts.items())
    wanted = NewProduct(
        name=good.name,
        subtitle=good.subtitle,
        category_ids=[categories[good.leaf]],
        skus=[_sku(good, place, each, images) for place, each in enumerate(good.variants)],
        images=images,
        description_html=f"<h3>{good.name}</h3><p>{good.subtitle}</p><ul>{facts}</ul>",
        attributes=good.facts,
        keywords=good.words,
        no_reason_return=good.returnable,
        position=good.push,
        published_at=now - timedelta(days=good.days_old),
        status=_status(good.on_sale),
        source=SOURCE,
        source_id=good.code,
    )
    return await catalog_admin.create_product(wanted, now=now)


def _sku(good: Good, place: int, variant: Variant, images: list[str]) -> NewSku:
    label_price, label_kind = variant.label or (None, None)
    return NewSku(
        code=f"{good.code}-{place + 1}",
        price_fen=variant.price,
        options=variant.options,
        stock=variant.stock,
        image_url=images[place % len(images)],
        label_price_fen=label_price,
        label_kind=label_kind,
        weight_grams=variant.grams,
        purchase_limit=variant.limit,
        status=_status(variant.on_sale),
        tier_prices_fen=variant.tiers,
    )


def _status(on_sale: bool) -> SaleStatus:
    return SaleStatus.ON_SALE if on_sale else SaleStatus.OFF_SALE


async def _open_shops() -> None:
    for shop in SHOPS:
        await Store.create(
            name=shop.name,
            address=shop.address,
            city=shop.city,
            phone=BRAND.service_phone,
            latitude=shop.latitude,
            longitude=shop.longitude,
            opening_hours="10:00–22:00",
            supports_pickup=shop.hands_out_orders,
            is_open=shop.is_open,
            source=SOURCE,
            source_id=shop.code,
        )


async def _put_up_posters(categories: dict[str, UUID], products: dict[str, UUID]) -> None:
    for place, poster in enumerate(POSTERS):
        await Banner.create(
            slot=poster.slot,
            title=poster.title,
            image_url=media_path(poster_picture(place)),
            link=_link(poster, categories, products),
            position=place,
        )


def _link(poster: Poster, categories: dict[str, UUID], products: dict[str, UUID]) -> str:
    if poster.good:
        return f"pages/product/index?id={products[poster.good]}"
    if poster.department:
        return f"pages/category/index?id={categories[poster.department]}"
    return "pages/home/index"
