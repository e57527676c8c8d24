"""Products and their SKUs as one viewer sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry
from asyncpg import Record

from domain.catalog import ProductLabel, SaleStatus, StockLevel, product_labels
from domain.members import SceneKind
from domain.pricing import DiscountKind
from domain.scenes import target_scene_code
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from loaders.catalog import (
    categories_by_product_id,
    description_by_product_id,
    product_by_id,
    sku_by_id,
    skus_by_product_id,
)
from models.catalog_rows import PROMOTED_IN, SKU_KEYS, Keys
from models.public_changes import PublicTag
from resolvers.common import enums as _enums  # noqa: F401 (names DiscountKind in the schema)
from resolvers.common.asked import asked_below
from resolvers.common.context import Context
from resolvers.common.messages import translate
from resolvers.common.pages import Connection
from resolvers.common.public import KEPT_SECONDS, STOCK_SECONDS
from resolvers.common.scalars import Money
from resolvers.common.share import ShareCard, absolute_url, share_card
from resolvers.member.catalog import skus as sku_rows
from resolvers.member.catalog.categories import Category
from resolvers.member.catalog.shapes import sku_keys, sku_view
from resolvers.member.catalog.skus import ReferencePrice, Row, SkuOption, priced, promoted
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.coupons.views import campaigns_of_products
from resolvers.member.flash_sales.views import items_of_skus
from resolvers.member.group_buys.views import group_buys_of_products

if TYPE_CHECKING:
    from resolvers.member.coupons.campaigns import CouponCampaign
    from resolvers.member.flash_sales.types import FlashSaleItem
    from resolvers.member.group_buys.types import GroupBuy

_CATALOG = public(PublicTag.CATALOG)
_OFFERS = public(PublicTag.CATALOG, PublicTag.RULES)
"""What is made from a product's SKUs, at the prices of whoever looks."""
_STOCK = public(PublicTag.CATALOG, PublicTag.RULES, PublicTag.STOCK, seconds=STOCK_SECONDS)


@strawberry.type(description="A sellable variant of a product, as this viewer sees it.")
class Sku:
    """Its source is a SKU's row, with the viewer's prices."""

    id: strawberry.ID = item("id", convert=str, description="The SKU's id.")
    code: str = item("code", description="The brand's own code.")
    options: list[SkuOption] = item("options", description="What makes this variant.")
    price: Money = item("price_fen", description="The list price.")
    member_price: Money = item(
        "member_price_fen",
        description="What this member's tier pays; equals price without a token.",
    )
    current_price: Money = item(
        "current_price_fen",
        description="What this member pays now in a normal order: the lowest that applies.",
    )
    current_price_kind: DiscountKind | None = item(
        "price_kind", description="What makes the current price lower than the list price."
    )
    image_url: str | None = derived(
        sku_rows.image_url, metadata=_CATALOG, description="A picture of this variant."
    )
    reference_price: ReferencePrice | None = derived(
        sku_rows.reference_price,
        metadata=_OFFERS,
        description="A price to strike through: computed or labelled, never typed in as 原价.",
    )
    stock: StockLevel = derived(
        sku_rows.stock,
        metadata=_STOCK,
        description="How much there is; OUT as well when it is not for sale.",
    )
    purchase_limit: int | None = item(
        "purchase_limit", description="Pieces that one member may buy in all."
    )
    purchase_limit_left: int | None = derived(
        sku_rows.purchase_limit_left,
        metadata=_OFFERS,
        description="What the limit leaves this member.",
    )
    flash_sale_item: (
        Annotated[FlashSaleItem, strawberry.lazy("resolvers.member.flash_sales.types")] | None
    ) = batched(
        metadata=public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, seconds=KEPT_SECONDS),
        description="Its place in the flash sale that is on, or else in the next one.",
    )(items_of_skus)

    @batched(metadata=_OFFERS, description="The product that this is a variant of.")
    @staticmethod
    async def product(skus: Sequence[Row], info: BatchInfo) -> list[Product]:
        await viewpoint(info.context)
        ids = [UUID(str(sku["product_id"])) for sku in skus]  # JSON has only its text.
        rows = await info.context.loaders.read(product_by_id, ids)
        return [Product.of(row, info.context) for row in rows]


@strawberry.type(description="From the lowest to the highest price of a product's SKUs.")
class PriceRange:
    min: Money = item("min", description="The lowest.")
    max: Money = item("max", description="The highest.")


def _picture_of_value(stored: Row, context: Context) -> str | None:
    image = stored.get("image_url")
    return absolute_url(context.ports.public_base_url, image) if image else None


@strawberry.type(description="A value that an option can take.")
class ProductOptionValue:
    value: str = item("value", description="The value, such as 米白.")
    image_url: str | None = derived(
        _picture_of_value, metadata=_CATALOG, description="A picture of it."
    )


@strawberry.type(description="What a shopper chooses by, such as 颜色.")
class ProductOption:
    name: str = item("name", description="The option's name.")
    values: list[ProductOptionValue] = item("values", description="Its values in order.")


@strawberry.type(description="A fact about the product, such as 产地: 云南.")
class ProductAttribute:
    name: str = item("name", description="What is told.")
    value: str = item("value", description="What it is.")


@dataclass(slots=True)
class ProductView:
    """A product's row, and what has been read of what hangs on it."""

    row: Record
    offered: Sequence[Row] = ()
    """The rows of the SKUs on sale: several fields tell something of them."""
    known_keys: Keys = frozenset()
    """What is known of the SKUs; nothing before they are read."""
    promoted_in: Sequence[UUID] = ()
    """Those of its categories that promotions run for; known with the SKUs."""
    categories: Sequence[Mapping[str, Any]] | None = None
    description_html: str | None = None


async def _offers(products: Sequence[ProductView], info: BatchInfo) -> None:
    """Read the SKUs on sale of each product, as far as is asked and not known yet."""
    unread = [product for product in products if product.known_keys is not SKU_KEYS]
    if not unread:
        return
    context: Context = info.context
    asked = sku_keys(asked_below(info))
    while unread := [product for product in unread if not product.known_keys >= asked]:
        keys = asked.union(*(product.known_keys for product in unread))
        ids = [product.row["id"] for product in unread]
        view = await viewpoint(context)
        wanted = replace(sku_view(context), keys=keys)
        rows = await context.loaders.read(skus_by_product_id, ids, view=wanted)
        for product, offered in zip(unread, rows, strict=True):
            # Another field may have read more while this one waited: that stays.
            if product.known_keys <= keys:
                _know(product, priced(offered, view), keys)


def _know(product: ProductView, offered: Sequence[Row], keys: Keys) -> None:
    product.offered, product.known_keys = offered, keys
    if offered:
        _, product.promoted_in = promoted(offered[0])


async def _filed_under(products: Sequence[ProductView], info: BatchInfo) -> None:
    """Read the categories of products, unless they came along."""
    unread = [product for product in products if product.categories is None]
    if unread:
        ids = [product.row["id"] for product in unread]
        found = await info.context.loaders.read(categories_by_product_id, ids)
        for product, categories in zip(unread, found, strict=True):
            product.categories = categories


async def _descriptions(products: Sequence[ProductView], info: BatchInfo) -> None:
    """Read the descriptions of products, unless they came along."""
    unread = [product for product in products if product.description_html is None]
    if unread:
        ids = [product.row["id"] for product in unread]
        texts = await info.context.loaders.read(description_by_product_id, ids)
        for product, text in zip(unread, texts, strict=True):
            product.description_html = text


def _images(product: ProductView, context: Context) -> list[str]:
    base_url = context.ports.public_base_url
    return [f"{base_url}{path}" if path.startswith("/") else path for path in product.row["images"]]


def _list_prices(product: ProductView, _context: Context) -> dict[str, int]:
    row = product.row
    return {"min": row["min_price_fen"], "max": row["max_price_fen"]}


def _current_prices(product: ProductView, context: Context) -> dict[str, int]:
    """Return what the viewer pays for the SKUs on sale; list prices when there is none."""
    prices = [sku["current_price_fen"] for sku in product.offered]
    if not prices:
        return _list_prices(product, context)
    return {"min": min(prices), "max": max(prices)}


def _is_available(product: ProductView, _context: Context) -> bool:
    is_on_sale = product.row["status"] == SaleStatus.ON_SALE
    return is_on_sale and any(map(sku_rows.is_in_stock, product.offered))


def _labels(product: ProductView, context: Context) -> list[str]:
    """Return the card's tags, in the viewer's language; promotions go by their own titles."""
    view, offered = view_of(context), product.offered
    kinds = {sku["price_kind"] for sku in offered}
    labels: list[ProductLabel] = product_labels(
        published_at=product.row["published_at"],
        sold=product.row["sold"],
        has_member_price=DiscountKind.MEMBER_PRICE in kinds,
        has_limited_time_price=DiscountKind.LIMITED_TIME in kinds,
        is_limited=any(sku["purchase_limit"] is not None for sku in offered),
        rules=view.rules.catalog,
        now=context.now,
    )
    tags = [translate(label.value, context.language) for label in labels]
    if offered and view.running.has_titles:
        offers = view.running.of_tier(offered[0].get("tier_code"))
        titles = offers.titles(product.row["id"], product.promoted_in)
        place = int(DiscountKind.LIMITED_TIME in kinds)  # That tag is the first.
        tags[place:place] = titles
    return tags


def _share_card(product: ProductView, context: Context) -> ShareCard:
    row, images = product.row, product.row["images"]
    return share_card(
        context.ports.public_base_url,
        kind=SceneKind.PRODUCT,
        target=str(row["id"]),
        scene_code=target_scene_code(SceneKind.PRODUCT, row["id"]),
        title=row["name"],
        image=images[0] if images else None,
    )


@strawberry.type(description="A product page (SPU).")
class Product:
    """Its source is a `ProductView`."""

    id: strawberry.ID = item("id", of="row", convert=str, description="The product's id.")
    name: str = item("name", of="row", description="Its name.")
    subtitle: str = item("subtitle", of="row", description="A line below the name.")
    images: list[str] = derived(
        _images, metadata=_CATALOG, description="Pictures, the main one first."
    )
    options: list[ProductOption] = item(
        "options", of="row", description="What a shopper chooses by."
    )
    attributes: list[ProductAttribute] = item("attributes", of="row", description="Facts about it.")
    sold: int = item("sold", of="row", description="Pieces paid for, at most a minute old.")
    no_reason_return: bool = item(
        "no_reason_return",
        of="row",
        description="Whether it can be returned within 7 days for no reason (七天无理由).",
    )
    price_range: PriceRange = derived(
        _list_prices, metadata=_CATALOG, description="At list prices."
    )
    skus: list[Sku] = derived(
        lambda product, _context: product.offered,
        needs=_offers,
        metadata=_OFFERS,
        description="The variants that are on sale, in their order.",
    )
    available: bool = derived(
        _is_available,
        needs=_offers,
        metadata=_STOCK,
        description="Whether it can be bought now: on sale, and one SKU at least in stock.",
    )
    current_price_range: PriceRange = derived(
        _current_prices,
        needs=_offers,
        metadata=_OFFERS,
        description="At what this member pays now in a normal order.",
    )
    labels: list[str] = derived(
        _labels,
        needs=_offers,
        metadata=_OFFERS,
        description="Small tags for the card, such as 新品 or 会员价.",
    )
    categories: list[Category] = derived(
        lambda product, _context: product.categories,
        needs=_filed_under,
        metadata=_CATALOG,
        description="The categories that it was put in.",
    )
    description_html: str = derived(
        lambda product, _context: product.description_html,
        needs=_descriptions,
        metadata=_CATALOG,
        description="Sanitised when written; only tags that <rich-text> accepts.",
    )
    coupon_campaigns: Connection[
        Annotated[CouponCampaign, strawberry.lazy("resolvers.member.coupons.campaigns")]
    ] = batched(
        metadata=public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, seconds=KEPT_SECONDS),
        description="Coupons to claim that can be used for it.",
    )(campaigns_of_products)
    group_buy: Annotated[GroupBuy, strawberry.lazy("resolvers.member.group_buys.types")] | None = (
        batched(
            metadata=public(PublicTag.CAMPAIGNS, seconds=KEPT_SECONDS),
            description="The group buy that is on, or else the next one.",
        )(group_buys_of_products)
    )
    share_card: ShareCard = derived(
        _share_card, metadata=_CATALOG, description="For sharing into a chat, and for posters."
    )

    @staticmethod
    def of(row: Record, context: Context) -> Product:
        """Return what stands for a product: its row, with what was read along."""
        view = ProductView(row)
        if "skus" in row:
            # They were read for all that is asked of them: nothing more will be.
            view.promoted_in = row.get(PROMOTED_IN) or ()
            product = (row["id"], view.promoted_in)
            view.offered = priced(row["skus"] or (), view_of(context), product)
            view.known_keys = SKU_KEYS
        if "categories" in row:
            view.categories = row["categories"] or ()
        if "description_html" in row:
            view.description_html = row["description_html"]
        return cast("Product", view)


async def skus_by_ids(info: BatchInfo, sku_ids: Sequence[UUID | None]) -> list[Sku | None]:
    """Return SKUs in the order of their ids, for sale or not; None where there is none."""
    context: Context = info.context
    view = await viewpoint(context)
    wanted = [sku_id for sku_id in sku_ids if sku_id is not None]
    asked = sku_view(context, asked_below(info))
    rows = await context.loaders.read(sku_by_id, wanted, view=asked)
    found = {row["id"]: row for row in priced(filter(None, rows), view)}
    skus = [None if sku_id is None else found.get(sku_id) for sku_id in sku_ids]
    return cast("list[Sku | None]", skus)


async def kept_skus(info: BatchInfo, sku_ids: Sequence[UUID]) -> list[Sku]:
    """Return SKUs that something still refers to: they are kept, so each is there."""
    found = await skus_by_ids(info, sku_ids)
    skus = [sku for sku in found if sku is not None]
    assert len(skus) == len(sku_ids), "a SKU that is referred to is kept"
    return skus
