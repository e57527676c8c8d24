"""Products and their SKUs as one viewer sees them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import strawberry
from asyncpg import Record

from domain.catalog import ProductLabel, SaleStatus, StockLevel, product_labels, stock_level
from domain.members import SceneKind
from domain.pricing import DiscountKind
from domain.scenes import target_scene_code
from loaders.catalog import (
    categories_by_product_id,
    description_by_product_id,
    product_by_id,
    sku_by_id,
    skus_by_product_id,
)
from resolvers.common import enums as _enums  # noqa: F401 (names DiscountKind in the schema)
from resolvers.common.context import Info
from resolvers.common.messages import translate
from resolvers.common.scalars import Money
from resolvers.common.share import ShareCard, absolute_url, share_card
from resolvers.member.catalog.categories import Category
from resolvers.member.catalog.skus import (
    ReferencePrice,
    SkuOption,
    price_for_viewer,
    reference_price,
)
from resolvers.member.catalog.viewpoint import Viewpoint, shopper, viewpoint


@strawberry.type(description="A sellable variant of a product, as this viewer sees it.")
class Sku:
    id: strawberry.ID = strawberry.field(description="The SKU's id.")
    code: str = strawberry.field(description="The brand's own code.")
    options: list[SkuOption] = strawberry.field(description="What makes this variant.")
    image_url: str | None = strawberry.field(description="A picture of this variant.")
    price: Money = strawberry.field(description="The list price.")
    member_price: Money = strawberry.field(
        description="What this member's tier pays; equals price without a token."
    )
    current_price: Money = strawberry.field(
        description="What this member pays now in a normal order: the lowest that applies."
    )
    current_price_kind: DiscountKind | None = strawberry.field(
        description="What makes the current price lower than the list price."
    )
    reference_price: ReferencePrice | None = strawberry.field(
        description="A price to strike through: computed or labelled, never typed in as 原价."
    )
    stock: StockLevel = strawberry.field(
        description="How much there is; OUT as well when it is not for sale."
    )
    purchase_limit: int | None = strawberry.field(
        description="Pieces that one member may buy in all."
    )
    purchase_limit_left: int | None = strawberry.field(
        description="What the limit leaves this member."
    )
    product_id: strawberry.Private[UUID]

    @strawberry.field(description="The product that this is a variant of.")
    async def product(self, info: Info) -> Product:
        found = await load_product(info, self.product_id)
        assert found is not None, "a SKU has a product"
        return found

    @classmethod
    def from_row(cls, row: Record, view: Viewpoint) -> Sku:
        """Build the SKU from a row of the loaders, with the viewer's prices."""
        price = price_for_viewer(row, view.rules)
        available = row["available"] if row["for_sale"] else 0
        limit = row["purchase_limit"]
        image = row["image_url"]
        return cls(
            id=strawberry.ID(str(row["id"])),
            code=row["code"],
            options=[SkuOption(name=each["name"], value=each["value"]) for each in row["options"]],
            image_url=absolute_url(view.base_url, image) if image else None,
            price=row["price_fen"],
            member_price=Money(price.member_fen),
            current_price=Money(price.selling.price_fen),
            current_price_kind=price.selling.kind,
            reference_price=reference_price(row, price.selling.price_fen, view),
            stock=stock_level(available, view.rules.catalog),
            purchase_limit=limit,
            purchase_limit_left=None if limit is None else max(limit - row["bought_pieces"], 0),
            product_id=row["product_id"],
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
    name: str = strawberry.field(description="What is told.")
    value: str = strawberry.field(description="What it is.")


@strawberry.type(description="A product page (SPU).")
class Product:
    id: strawberry.ID = strawberry.field(description="The product's id.")
    name: str = strawberry.field(description="Its name.")
    subtitle: str = strawberry.field(description="A line below the name.")
    images: list[str] = strawberry.field(description="Pictures, the main one first.")
    options: list[ProductOption] = strawberry.field(description="What a shopper chooses by.")
    attributes: list[ProductAttribute] = strawberry.field(description="Facts about it.")
    price_range: PriceRange = strawberry.field(description="At list prices.")
    sold: int = strawberry.field(description="Pieces paid for, at most a minute old.")
    no_reason_return: bool = strawberry.field(
        description="Whether it can be returned within 7 days for no reason (七天无理由)."
    )
    row: strawberry.Private[Record]
    view: strawberry.Private[Viewpoint]
    offered: strawberry.Private[list[Sku] | None] = None

    @strawberry.field(description="The variants that are on sale, in their order.")
    async def skus(self, info: Info) -> list[Sku]:
        return await self.offer(info)

    @strawberry.field(
        description="Whether it can be bought now: on sale, and one SKU at least in stock."
    )
    async def available(self, info: Info) -> bool:
        if self.row["status"] != SaleStatus.ON_SALE:
            return False
        return any(sku.stock is not StockLevel.OUT for sku in await self.offer(info))

    @strawberry.field(description="At what this member pays now in a normal order.")
    async def current_price_range(self, info: Info) -> PriceRange:
        prices = [sku.current_price for sku in await self.offer(info)]
        return PriceRange(min=min(prices), max=max(prices)) if prices else self.price_range

    @strawberry.field(description="Small tags for the card, such as 新品 or 会员价.")
    async def labels(self, info: Info) -> list[str]:
        skus = await self.offer(info)
        kinds = {sku.current_price_kind for sku in skus}
        labels: list[ProductLabel] = product_labels(
            published_at=self.row["published_at"],
            sold=self.sold,
            has_member_price=DiscountKind.MEMBER_PRICE in kinds,
            has_limited_time_price=DiscountKind.LIMITED_TIME in kinds,
            is_limited=any(sku.purchase_limit is not None for sku in skus),
            rules=self.view.rules.catalog,
            now=self.view.now,
        )
        return [translate(label.value, self.view.language) for label in labels]

    @strawberry.field(description="The categories that it was put in.")
    async def categories(self, info: Info) -> list[Category]:
        rows = await info.context.loaders.of(categories_by_product_id).load(self.row["id"])
        return [Category.from_row(row, info.context) for row in rows]

    @strawberry.field(description="Sanitised when written; only tags that <rich-text> accepts.")
    async def description_html(self, info: Info) -> str:
        text: str | None = self.row.get("description_html")
        if text is None:
            text = await info.context.loaders.of(description_by_product_id).load(self.row["id"])
        return text

    @strawberry.field(description="For sharing into a chat, and for posters.")
    def share_card(self) -> ShareCard:
        images = self.row["images"]
        return share_card(
            self.view.base_url,
            kind=SceneKind.PRODUCT,
            target=self.id,
            scene_code=target_scene_code(SceneKind.PRODUCT, self.row["id"]),
            title=self.name,
            image=images[0] if images else None,
        )

    async def offer(self, info: Info) -> list[Sku]:
        """Return the SKUs that are on sale, read once for all fields that need them."""
        if self.offered is None:
            loader = info.context.loaders.of(skus_by_product_id, **shopper(info.context))
            rows = await loader.load(self.row["id"])
            # Another field may have been faster while this one waited.
            if self.offered is None:
                self.offered = [Sku.from_row(row, self.view) for row in rows]
        return self.offered

    @classmethod
    def from_row(cls, row: Record, view: Viewpoint) -> Product:
        """Build the product from its row."""
        base_url = view.base_url
        return cls(
            id=strawberry.ID(str(row["id"])),
            name=row["name"],
            subtitle=row["subtitle"],
            images=[absolute_url(base_url, image) for image in row["images"]],
            options=[_option(each, base_url) for each in row["options"]],
            attributes=[
                ProductAttribute(name=each["name"], value=each["value"])
                for each in row["attributes"]
            ],
            price_range=PriceRange(min=row["min_price_fen"], max=row["max_price_fen"]),
            sold=row["sold"],
            no_reason_return=row["no_reason_return"],
            row=row,
            view=view,
        )


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


async def load_product(info: Info, product_id: UUID) -> Product | None:
    """Return a product by id, on sale or not; None when there is none."""
    view = await viewpoint(info.context)
    row = await info.context.loaders.of(product_by_id).load(product_id)
    return Product.from_row(row, view) if row else None


async def load_sku(info: Info, sku_id: UUID) -> Sku | None:
    """Return a SKU by id, for sale or not; None when there is none."""
    view = await viewpoint(info.context)
    row = await info.context.loaders.of(sku_by_id, **shopper(info.context)).load(sku_id)
    return Sku.from_row(row, view) if row else None


async def load_skus(info: Info, sku_ids: Sequence[UUID]) -> list[Sku | None]:
    """Return SKUs in the order of their ids, None where there is none."""
    view = await viewpoint(info.context)
    loader = info.context.loaders.of(sku_by_id, **shopper(info.context))
    rows = await loader.load_many(list(sku_ids))
    return [Sku.from_row(row, view) if row else None for row in rows]
