"""Products and their SKUs as one viewer sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import strawberry
from asyncpg import Record

from domain.catalog import ProductLabel, SaleStatus, StockLevel, product_labels, stock_level
from domain.members import SceneKind
from domain.pricing import DiscountKind
from domain.scenes import target_scene_code
from executor.fields import BatchInfo, batched, item
from executor.hints import public
from loaders.catalog import (
    categories_by_product_id,
    description_by_product_id,
    product_by_id,
    sku_by_id,
    skus_by_product_id,
)
from models.catalog_rows import SKU_KEYS, Keys
from models.public_changes import PublicTag
from resolvers.common import enums as _enums  # noqa: F401 (names DiscountKind in the schema)
from resolvers.common.asked import asked_below
from resolvers.common.context import Context
from resolvers.common.messages import translate
from resolvers.common.public import STOCK_SECONDS
from resolvers.common.scalars import Money
from resolvers.common.share import ShareCard, absolute_url, share_card
from resolvers.member.catalog.categories import Category
from resolvers.member.catalog.shapes import sku_keys, sku_view
from resolvers.member.catalog.skus import (
    ReferencePrice,
    Row,
    SkuOption,
    price_for_viewer,
    reference_price,
)
from resolvers.member.catalog.viewpoint import Viewpoint, viewpoint

_OFFERS = public(PublicTag.CATALOG, PublicTag.RULES)
"""What is made from a product's SKUs, at the prices of whoever looks."""
_STOCK = public(PublicTag.CATALOG, PublicTag.RULES, PublicTag.STOCK, seconds=STOCK_SECONDS)


@strawberry.type(description="A sellable variant of a product, as this viewer sees it.")
class Sku:
    id: strawberry.ID = item("id", of="row", convert=str, description="The SKU's id.")
    code: str = item("code", of="row", description="The brand's own code.")
    options: list[SkuOption] = item("options", of="row", description="What makes this variant.")
    price: Money = item("price_fen", of="row", description="The list price.")
    member_price: Money = strawberry.field(
        description="What this member's tier pays; equals price without a token."
    )
    current_price: Money = strawberry.field(
        description="What this member pays now in a normal order: the lowest that applies."
    )
    current_price_kind: DiscountKind | None = strawberry.field(
        description="What makes the current price lower than the list price."
    )
    purchase_limit: int | None = item(
        "purchase_limit", of="row", description="Pieces that one member may buy in all."
    )
    row: strawberry.Private[Row]
    view: strawberry.Private[Viewpoint]

    @strawberry.field(description="A picture of this variant.")
    def image_url(self) -> str | None:
        image = self.row["image_url"]
        return absolute_url(self.view.base_url, image) if image else None

    @strawberry.field(
        description="A price to strike through: computed or labelled, never typed in as 原价."
    )
    def reference_price(self) -> ReferencePrice | None:
        return reference_price(self.row, self.current_price, self.view)

    @strawberry.field(
        metadata=_STOCK,
        description="How much there is; OUT as well when it is not for sale.",
    )
    def stock(self) -> StockLevel:
        row = self.row
        return stock_level(row["available"] if row["for_sale"] else 0, self.view.rules.catalog)

    @strawberry.field(description="What the limit leaves this member.")
    def purchase_limit_left(self) -> int | None:
        limit = self.row["purchase_limit"]
        return None if limit is None else max(limit - self.row["bought_pieces"], 0)

    @batched(
        metadata=_OFFERS,
        description="The product that this is a variant of.",
    )
    @staticmethod
    async def product(skus: Sequence[Sku], info: BatchInfo) -> list[Product]:
        view = await viewpoint(info.context)
        ids = [UUID(str(sku.row["product_id"])) for sku in skus]  # JSON has only its text.
        rows = await info.context.loaders.read(product_by_id, ids)
        return [Product.from_row(row, view) for row in rows]

    @classmethod
    def from_row(cls, row: Row, view: Viewpoint) -> Sku:
        """Build the SKU from a row of the loaders, with the viewer's prices."""
        member_fen, current_fen, kind = price_for_viewer(row, view.rules)
        return cls(
            member_price=member_fen,
            current_price=current_fen,
            current_price_kind=kind,
            row=row,
            view=view,
        )


@strawberry.type(description="From the lowest to the highest price of a product's SKUs.")
class PriceRange:
    min: Money = strawberry.field(description="The lowest.")
    max: Money = strawberry.field(description="The highest.")


@strawberry.type(description="A value that an option can take.")
class ProductOptionValue:
    value: str = strawberry.field(description="The value, such as 米白.")
    image_url: str | None = strawberry.field(description="A picture of it.")


@strawberry.type(description="What a shopper chooses by, such as 颜色.")
class ProductOption:
    name: str = strawberry.field(description="The option's name.")
    values: list[ProductOptionValue] = strawberry.field(description="Its values in order.")


@strawberry.type(description="A fact about the product, such as 产地: 云南.")
class ProductAttribute:
    name: str = item("name", description="What is told.")
    value: str = item("value", description="What it is.")


@strawberry.type(description="A product page (SPU).")
class Product:
    id: strawberry.ID = item("id", of="row", convert=str, description="The product's id.")
    name: str = item("name", of="row", description="Its name.")
    subtitle: str = item("subtitle", of="row", description="A line below the name.")
    attributes: list[ProductAttribute] = item("attributes", of="row", description="Facts about it.")
    sold: int = item("sold", of="row", description="Pieces paid for, at most a minute old.")
    no_reason_return: bool = item(
        "no_reason_return",
        of="row",
        description="Whether it can be returned within 7 days for no reason (七天无理由).",
    )
    row: strawberry.Private[Record]
    view: strawberry.Private[Viewpoint]
    offered: strawberry.Private[Sequence[Sku]] = ()
    """The SKUs on sale, once they are read: several fields tell something of them."""
    known_keys: strawberry.Private[Keys] = frozenset()
    """What is known of the SKUs; nothing before they are read."""

    @strawberry.field(description="Pictures, the main one first.")
    def images(self) -> list[str]:
        base_url = self.view.base_url
        return [absolute_url(base_url, image) for image in self.row["images"]]

    @strawberry.field(description="What a shopper chooses by.")
    def options(self) -> list[ProductOption]:
        return [_option(each, self.view.base_url) for each in self.row["options"]]

    @strawberry.field(description="At list prices.")
    def price_range(self) -> PriceRange:
        return self._list_prices()

    @batched(metadata=_OFFERS, description="The variants that are on sale, in their order.")
    @staticmethod
    async def skus(products: Sequence[Product], info: BatchInfo) -> list[list[Sku]]:
        return await offers(products, info)

    @batched(
        metadata=_STOCK,
        description="Whether it can be bought now: on sale, and one SKU at least in stock.",
    )
    @staticmethod
    async def available(products: Sequence[Product], info: BatchInfo) -> list[bool]:
        offered = await offers(products, info)
        return [
            product.row["status"] == SaleStatus.ON_SALE and any(map(_is_in_stock, skus))
            for product, skus in zip(products, offered, strict=True)
        ]

    @batched(metadata=_OFFERS, description="At what this member pays now in a normal order.")
    @staticmethod
    async def current_price_range(products: Sequence[Product], info: BatchInfo) -> list[PriceRange]:
        offered = await offers(products, info)
        return [product.range_of(skus) for product, skus in zip(products, offered, strict=True)]

    @batched(metadata=_OFFERS, description="Small tags for the card, such as 新品 or 会员价.")
    @staticmethod
    async def labels(products: Sequence[Product], info: BatchInfo) -> list[list[str]]:
        offered = await offers(products, info)
        return [product.tags(skus) for product, skus in zip(products, offered, strict=True)]

    @batched(metadata=public(PublicTag.CATALOG), description="The categories that it was put in.")
    @staticmethod
    async def categories(products: Sequence[Product], info: BatchInfo) -> list[list[Category]]:
        base_url = info.context.ports.public_base_url
        if all("categories" in product.row for product in products):
            found = [product.row["categories"] or () for product in products]
        else:
            ids = [product.row["id"] for product in products]
            found = await info.context.loaders.read(categories_by_product_id, ids)
        return [[Category(row=row, base_url=base_url) for row in rows] for rows in found]

    @batched(
        metadata=public(PublicTag.CATALOG),
        description="Sanitised when written; only tags that <rich-text> accepts.",
    )
    @staticmethod
    async def description_html(products: Sequence[Product], info: BatchInfo) -> list[str]:
        unread = [
            product.row["id"] for product in products if "description_html" not in product.row
        ]
        texts = await info.context.loaders.read(description_by_product_id, unread)
        read = dict(zip(unread, texts, strict=True))
        return [
            read[product.row["id"]]
            if product.row["id"] in read
            else product.row["description_html"]
            for product in products
        ]

    @strawberry.field(description="For sharing into a chat, and for posters.")
    def share_card(self) -> ShareCard:
        row, images = self.row, self.row["images"]
        return share_card(
            self.view.base_url,
            kind=SceneKind.PRODUCT,
            target=str(row["id"]),
            scene_code=target_scene_code(SceneKind.PRODUCT, row["id"]),
            title=row["name"],
            image=images[0] if images else None,
        )

    @classmethod
    def from_row(cls, row: Record, view: Viewpoint) -> Product:
        """Build the product from its row, with its SKUs where they were read along."""
        if "skus" not in row:
            return cls(row=row, view=view)
        offered = [Sku.from_row(sku, view) for sku in row["skus"] or ()]
        # They were read for all that is asked of them: nothing more will be.
        return cls(row=row, view=view, offered=offered, known_keys=SKU_KEYS)

    def range_of(self, skus: Sequence[Sku]) -> PriceRange:
        """Return what the viewer pays for the SKUs on sale; list prices when there is none."""
        prices = [sku.current_price for sku in skus]
        return PriceRange(min=min(prices), max=max(prices)) if prices else self._list_prices()

    def _list_prices(self) -> PriceRange:
        return PriceRange(min=self.row["min_price_fen"], max=self.row["max_price_fen"])

    def tags(self, skus: Sequence[Sku]) -> list[str]:
        """Return the card's tags, in the viewer's language."""
        view = self.view
        kinds = {sku.current_price_kind for sku in skus}
        labels: list[ProductLabel] = product_labels(
            published_at=self.row["published_at"],
            sold=self.row["sold"],
            has_member_price=DiscountKind.MEMBER_PRICE in kinds,
            has_limited_time_price=DiscountKind.LIMITED_TIME in kinds,
            is_limited=any(sku.row["purchase_limit"] is not None for sku in skus),
            rules=view.rules.catalog,
            now=view.now,
        )
        return [translate(label.value, view.language) for label in labels]


def _is_in_stock(sku: Sku) -> bool:
    row = sku.row
    return row["available"] > 0 and row["for_sale"] is True


async def offers(products: Sequence[Product], info: BatchInfo) -> list[list[Sku]]:
    """Return the SKUs on sale of each product, read once for all fields that need them.

    `skus` alone reads what is asked of them; another field, everything, for more may follow.
    """
    context: Context = info.context
    view = sku_view(context)
    if info.field_name == "skus":
        view = replace(view, keys=sku_keys(asked_below(info)))
    unread = [product for product in products if not product.known_keys >= view.keys]
    if unread:
        ids = [product.row["id"] for product in unread]
        rows = await context.loaders.read(skus_by_product_id, ids, view=view)
        for product, offered in zip(unread, rows, strict=True):
            product.offered = [Sku.from_row(row, product.view) for row in offered]
            product.known_keys = view.keys
    return [list(product.offered) for product in products]


def _option(stored: dict[str, list[dict[str, str]]], base_url: str) -> ProductOption:
    values = []
    for value in stored["values"]:
        image = value.get("image_url")
        values.append(
            ProductOptionValue(
                value=value["value"],
                image_url=absolute_url(base_url, image) if image else None,
            )
        )
    return ProductOption(name=str(stored["name"]), values=values)


async def skus_by_ids(info: BatchInfo, sku_ids: Sequence[UUID | None]) -> list[Sku | None]:
    """Return SKUs in the order of their ids, for sale or not; None where there is none."""
    context: Context = info.context
    view = await viewpoint(context)
    wanted = [sku_id for sku_id in sku_ids if sku_id is not None]
    asked = sku_view(context, asked_below(info))
    rows = await context.loaders.read(sku_by_id, wanted, view=asked)
    found = {row["id"]: Sku.from_row(row, view) for row in rows if row}
    return [None if sku_id is None else found.get(sku_id) for sku_id in sku_ids]


async def kept_skus(info: BatchInfo, sku_ids: Sequence[UUID]) -> list[Sku]:
    """Return SKUs that something still refers to: they are kept, so each is there."""
    found = await skus_by_ids(info, sku_ids)
    skus = [sku for sku in found if sku is not None]
    assert len(skus) == len(sku_ids), "a SKU that is referred to is kept"
    return skus
