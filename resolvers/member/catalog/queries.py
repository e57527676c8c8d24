"""The catalogue's root fields."""

from __future__ import annotations

from typing import Annotated, cast
from uuid import UUID

import strawberry

from domain.catalog import BannerSlot, ProductSort
from domain.pricing import Scope, ScopeKind
from executor.hints import public
from models.public_changes import PublicTag
from resolvers.common.asked import asked_below
from resolvers.common.context import Info
from resolvers.common.errors import bad_request
from resolvers.common.ids import find_id
from resolvers.common.pages import Connection, read_page
from resolvers.common.public import KEPT_SECONDS, STOCK_SECONDS
from resolvers.common.scalars import Money
from resolvers.common.share import absolute_url
from resolvers.member.catalog.categories import Category
from resolvers.member.catalog.products import Product
from resolvers.member.catalog.shapes import product_shape
from resolvers.member.catalog.stores import (
    GeoPointInput,
    Store,
    StoreFilter,
    read_store_query,
)
from resolvers.member.catalog.viewpoint import viewpoint
from services import banners as banner_service
from services import catalog, coupon_scopes, product_search, stores
from services.catalog import ProductQuery
from services.product_search import Keyword, KeywordTooLong

DEFAULT_FIRST = 20
DEFAULT_SUGGESTIONS = 10
_NOWHERE = UUID(int=0)
"""An id that no row has: what an id that can't be one is looked up as."""

strawberry.enum(
    ProductSort,
    name="ProductSort",
    description="The orders of a product list. RECOMMENDED is the same for everybody: in stock"
    " first, then the brand's push, then pieces sold. Prices are the lowest list price.",
)
strawberry.enum(BannerSlot, name="BannerSlot", description="Where a banner is shown.")
_PRODUCTS = public(PublicTag.CATALOG, PublicTag.RULES, seconds=KEPT_SECONDS)
# Where somebody is, is used for the query and never stored. With `inStock` the pieces are counted.
_STORES = public(
    *(PublicTag.STORES, PublicTag.CATALOG, PublicTag.STOCK),
    seconds=STOCK_SECONDS,
    private_arguments=["near"],
)
First = Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The cursor to go on from.")]


@strawberry.input(description="Which products; everything given must hold.")
class ProductFilter:
    keyword: str | None = strawberry.field(
        default=None,
        description="Words in any order, all held by name, subtitle or search words; one Chinese"
        " character is enough. At most 64 characters.",
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=None, description="In this category or below it."
    )
    min_price: Money | None = strawberry.field(
        default=None, description="The lowest list price is at least this."
    )
    max_price: Money | None = strawberry.field(
        default=None, description="The lowest list price is at most this."
    )
    in_stock: bool | None = strawberry.field(
        default=None, description="In stock, or sold out; at most a minute old."
    )
    member_coupon_id: strawberry.ID | None = strawberry.field(
        default=None, description="Goods that this coupon of the viewer's can be used for."
    )
    coupon_campaign_id: strawberry.ID | None = strawberry.field(
        default=None, description="Goods that this campaign's coupons can be used for."
    )


@strawberry.type(description="A picture with a link.")
class Banner:
    id: strawberry.ID = strawberry.field(description="The banner's id.")
    title: str = strawberry.field(description="What it is about.")
    image_url: str = strawberry.field(description="The picture.")
    link: str = strawberry.field(description="A page of the mini-program, or an address.")


@strawberry.type
class CatalogQuery:
    """What can be looked at without signing in."""

    @strawberry.field(
        metadata=public(PublicTag.CATALOG, seconds=KEPT_SECONDS),
        description="The roots of the category tree, in their order.",
    )
    async def categories(self) -> list[Category]:
        return cast("list[Category]", await catalog.root_categories())

    @strawberry.field(metadata=_PRODUCTS, description="The products on sale, page by page.")
    async def products(
        self,
        info: Info,
        first: First = DEFAULT_FIRST,
        after: After = None,
        filter: Annotated[
            ProductFilter | None, strawberry.argument(description="Which products.")
        ] = None,
        sort: Annotated[
            ProductSort | None,
            strawberry.argument(description="In which order."),
        ] = ProductSort.RECOMMENDED,
    ) -> Connection[Product]:
        given = filter or ProductFilter()
        scopes = await _scopes(given, info.context.member_id)
        wanted = _product_query(given, scopes, sort or ProductSort.RECOMMENDED)
        order = catalog.ORDERS[wanted.sort]
        request = read_page(_count(first, DEFAULT_FIRST), after, *order.cursor_kinds)
        await viewpoint(info.context)
        shape = product_shape(info.context, asked_below(info), order=order)
        page = await catalog.list_products(wanted, request, shape=shape)
        return Connection.of(page, lambda row: Product.of(row, info.context))

    @strawberry.field(
        metadata=_PRODUCTS,
        description="A product, whether on sale or not (see `available`); null if there is none.",
    )
    async def product(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The product's id.")],
    ) -> Product | None:
        product_id = find_id(id)
        if product_id is None:
            return None
        await viewpoint(info.context)
        shape = product_shape(info.context, asked_below(info))
        row = await catalog.get_product(product_id, shape=shape)
        return Product.of(row, info.context) if row else None

    @strawberry.field(
        metadata=_STORES, description="The brand's open stores: nearest first, or by name."
    )
    async def stores(
        self,
        near: Annotated[
            GeoPointInput | None, strawberry.argument(description="Where the member is.")
        ] = None,
        filter: Annotated[
            StoreFilter | None, strawberry.argument(description="Which stores.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> Connection[Store]:
        wanted = read_store_query(near, filter)
        kind = str if wanted.near is None else int
        request = read_page(_count(first, DEFAULT_FIRST), after, kind, UUID)
        return Connection.of(await stores.list_stores(wanted, request), Store.from_row)

    @strawberry.field(
        metadata=public(PublicTag.BANNERS, seconds=KEPT_SECONDS),
        description="The banners that a slot shows now.",
    )
    async def banners(
        self,
        info: Info,
        slot: Annotated[
            BannerSlot,
            strawberry.argument(description="Where."),
        ],
    ) -> list[Banner]:
        rows = await banner_service.banners_of(slot, now=info.context.now)
        base_url = info.context.ports.public_base_url
        return [
            Banner(
                id=strawberry.ID(str(row["id"])),
                title=row["title"],
                image_url=absolute_url(base_url, row["image_url"]),
                link=row["link"],
            )
            for row in rows
        ]

    @strawberry.field(
        metadata=_PRODUCTS,
        description="What the typed text may become: hot searches, categories, products; without"
        " a text, the hot searches.",
    )
    async def search_suggestions(
        self,
        info: Info,
        text: Annotated[
            str, strawberry.argument(description="As typed so far, at most 64 characters.")
        ],
        first: First = DEFAULT_SUGGESTIONS,
    ) -> list[str]:
        request = read_page(_count(first, DEFAULT_SUGGESTIONS), None)
        view = await viewpoint(info.context)
        try:
            return await product_search.suggest(text, view.rules.hot_searches, first=request.first)
        except KeywordTooLong as error:
            raise bad_request(f"text: {error}", argument="text") from error


def _count(first: int | None, default: int) -> int:
    """Return the page's size; an explicit null is as good as nothing said."""
    return default if first is None else first


async def _scopes(given: ProductFilter, viewer_id: UUID | None) -> tuple[Scope, ...]:
    """Return the goods of the coupons in a filter: none, where there is no such coupon."""
    found = []
    if given.member_coupon_id is not None:
        coupon_id = find_id(given.member_coupon_id)
        found.append(
            await coupon_scopes.of_coupon(coupon_id, viewer_id) if coupon_id and viewer_id else None
        )
    if given.coupon_campaign_id is not None:
        campaign_id = find_id(given.coupon_campaign_id)
        found.append(await coupon_scopes.of_campaign(campaign_id) if campaign_id else None)
    return tuple(_NOTHING if scope is None else scope for scope in found)


_NOTHING = Scope(ScopeKind.PRODUCTS)


def _product_query(
    given: ProductFilter, scopes: tuple[Scope, ...], sort: ProductSort
) -> ProductQuery:
    category_id = None
    if given.category_id is not None:
        category_id = find_id(given.category_id) or _NOWHERE
    return ProductQuery(
        keyword=_keyword(given.keyword),
        category_id=category_id,
        min_price_fen=given.min_price,
        max_price_fen=given.max_price,
        in_stock=given.in_stock,
        scopes=scopes,
        sort=sort,
    )


def _keyword(typed: str | None) -> Keyword | None:
    try:
        return product_search.read_keyword(typed or "")
    except KeywordTooLong as error:
        argument = "filter.keyword"
        raise bad_request(f"{argument}: {error}", argument=argument) from error
