"""Campaigns as one viewer sees them, and those whose coupons can be used for a product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry
from asyncpg import Record

from executor.fields import BatchInfo
from loaders.catalog import category_ids_by_product_id
from resolvers.common.context import Context
from resolvers.common.pages import After, Connection, First, read_page
from services import campaigns
from services.campaigns import CURSOR_KINDS, Viewer

if TYPE_CHECKING:
    from resolvers.member.coupons.campaigns import CouponCampaign

OF_PRODUCT = 10
"""How many campaigns a product's page shows unless it asks for more."""

_CENTRE = "coupon centre"
"""Where a request keeps the campaigns that products look through."""


@dataclass(slots=True)
class CampaignView:
    """A campaign's row, and what is known of the viewer where a judgement is asked for."""

    row: Record
    viewer: Viewer | None = None


async def campaigns_of_products(
    products: Sequence[Any], info: BatchInfo, *, first: First = OF_PRODUCT, after: After = None
) -> list[
    Connection[Annotated[CouponCampaign, strawberry.lazy("resolvers.member.coupons.campaigns")]]
]:
    """Resolve `Product.couponCampaigns`: in the order of the coupon centre."""
    context: Context = info.context
    request = read_page(first, after, *CURSOR_KINDS, default=OF_PRODUCT)
    ids: list[UUID] = [product.row["id"] for product in products]
    categories = await context.loaders.read(category_ids_by_product_id, ids)
    rows = await _whole_centre(context)
    found = []
    for product_id, category_ids in zip(ids, categories, strict=True):
        page = campaigns.page_for_product(rows, product_id, category_ids, request, now=context.now)
        found.append(Connection.of(page, shown))
    return found


async def _whole_centre(context: Context) -> list[Record]:
    rows = context.memo.get(_CENTRE)
    if rows is None:
        rows = await campaigns.centre_of_products(context.member_id, now=context.now)
        context.memo[_CENTRE] = rows
    return cast("list[Record]", rows)


def shown(row: Record) -> CouponCampaign:
    """Return what stands for a campaign."""
    return cast("CouponCampaign", CampaignView(row))
