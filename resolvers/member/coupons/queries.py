"""couponCampaigns, memberCoupon and Member.coupons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Annotated, NamedTuple, cast
from uuid import UUID

import strawberry

from domain.pricing import CouponStatus
from executor.fields import BatchInfo
from executor.hints import public, signed_in
from loaders.coupons import CouponsShape, count_coupons
from models.coupon_rows import COUPON_COLUMNS
from models.public_changes import PublicTag
from resolvers.common.context import Info
from resolvers.common.ids import find_id
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.public import KEPT_SECONDS
from resolvers.member.coupons.campaigns import CouponCampaign
from resolvers.member.coupons.types import MemberCoupon, coupons_by_ids
from resolvers.member.coupons.views import shown
from resolvers.member.members.view import MemberView, WantedList, rows_of
from services import campaigns
from services.pages import PageRequest, make_page


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


CURSOR_KINDS = (datetime, UUID)
Statuses = Annotated[
    list[CouponStatus] | None,
    strawberry.argument(description="Those that stand at one of these; all when empty."),
]


class _Call(NamedTuple):
    """One asking for members' coupons: what is read, and each member's list."""

    request: PageRequest
    shape: CouponsShape
    lists: list[WantedList]


def coupons_ahead(
    members: Sequence[MemberView],
    info: BatchInfo,
    *,
    statuses: list[CouponStatus] | None = None,
    first: int | None = 20,
    after: str | None = None,
) -> _Call:
    """Say what `coupons_of_members` will read, that anything else of the members' can read it."""
    del info
    request = read_page(first, after, *CURSOR_KINDS)
    goes_on = request.after is not None
    shape = CouponsShape(tuple(sorted(set(statuses or ()))), goes_on)
    values = (request.limit, *(request.after or ()))
    return _Call(request, shape, [member.want(shape, values) for member in members])


async def coupons_of_members(
    members: Sequence[MemberView],
    info: BatchInfo,
    *,
    statuses: Statuses = None,
    first: First = 20,
    after: After = None,
) -> list[Connection[MemberCoupon]]:
    """Resolve `Member.coupons`: what may still be used by its end, any other list newest first."""
    call: _Call = info.prepared or coupons_ahead(
        members, info, statuses=statuses, first=first, after=after
    )
    key = _CURSOR_KEYS[call.shape.sorted_by]
    found = []
    for member, listed in zip(members, call.lists, strict=True):
        rows = await rows_of(member, listed, info.context)
        count = partial(count_coupons, member.id, call.shape, now=info.context.now)
        page = make_page(call.request, rows, key, count)
        found.append(Connection(nodes=cast("list[MemberCoupon]", page.rows), page=page))
    return found


_CURSOR_KEYS = {
    column: itemgetter(COUPON_COLUMNS.index(column), COUPON_COLUMNS.index("id"))
    for column in ("valid_until", "created_at")
}
"""What a list is sorted by → a coupon's place in it."""
