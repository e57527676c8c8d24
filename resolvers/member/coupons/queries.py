"""couponCampaigns, memberCoupon and Member.coupons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol, cast
from uuid import UUID

import strawberry

from domain.pricing import CouponStatus
from executor.fields import BatchInfo
from executor.hints import public, signed_in
from models.public_changes import PublicTag
from resolvers.common.context import Info
from resolvers.common.ids import find_id
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.public import KEPT_SECONDS
from resolvers.member.coupons.campaigns import CouponCampaign
from resolvers.member.coupons.types import MemberCoupon, coupons_by_ids
from resolvers.member.coupons.views import shown
from services import campaigns, coupon_lists


@strawberry.type
class CouponsQuery:
    @strawberry.field(
        metadata=public(PublicTag.CAMPAIGNS, seconds=KEPT_SECONDS),
        description="The coupon centre: what can be claimed now, or within the next 7 days; what"
        " ends first comes first.",
    )
    async def coupon_campaigns(
        self, info: Info, first: First = 20, after: After = None
    ) -> Connection[CouponCampaign]:
        context = info.context
        request = read_page(first, after, *campaigns.CURSOR_KINDS)
        page = await campaigns.centre(context.member_id, request, now=context.now)
        return Connection.of(page, shown)

    @strawberry.field(
        metadata=signed_in(), description="A coupon of the viewer's; null when there is none."
    )
    async def member_coupon(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The coupon's id.")],
    ) -> MemberCoupon | None:
        coupon_id = find_id(id)
        if coupon_id is None or info.context.member_id is None:
            return None
        [coupon] = await coupons_by_ids(info.context, [coupon_id])
        return coupon


class HasId(Protocol):
    """A member."""

    id: UUID


async def coupons_of_members(
    members: Sequence[HasId],
    info: BatchInfo,
    *,
    statuses: Annotated[
        list[CouponStatus] | None,
        strawberry.argument(description="Those that stand at one of these; all when empty."),
    ] = None,
    first: First = 20,
    after: After = None,
) -> list[Connection[MemberCoupon]]:
    """Resolve `Member.coupons`: what may still be used by its end, any other list newest first."""
    request = read_page(first, after, *coupon_lists.CURSOR_KINDS)
    found = []
    for member in members:  # A member sees nobody but themselves: there is one.
        page = await coupon_lists.coupons_of(
            member.id, statuses or (), request, now=info.context.now
        )
        found.append(Connection(nodes=cast("list[MemberCoupon]", page.rows), page=page))
    return found
