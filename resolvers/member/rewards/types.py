"""Rewards as the viewer sees them, and what they have redeemed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import strawberry
from asyncpg import Record

from domain.carts import line_problem
from domain.coupons import Validity
from domain.rewards import RedemptionStatus, RewardKind
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from loaders.rewards import (
    goods_by_sku_id,
    pieces_by_reward_id,
    redemption_by_id,
    reward_by_id,
    sealed_code_by_redemption_id,
)
from models.public_changes import PublicTag
from resolvers.common.context import Context
from resolvers.common.enums import member_of
from resolvers.common.errors import UserError
from resolvers.common.problems import user_error
from resolvers.common.public import STOCK_SECONDS
from resolvers.common.scalars import Money
from resolvers.common.share import absolute_url
from resolvers.member.catalog.products import Sku, skus_by_ids
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.coupons.types import CouponTerms, MemberCoupon, coupons_by_ids
from resolvers.member.orders.types import Order, orders_by_ids
from resolvers.member.tiers.types import Tier
from services import coupon_terms, reward_admin, reward_lists
from services.campaigns import Viewer, viewers_by_id

strawberry.enum(RewardKind, name="RewardKind", description="What a redemption brings.")
strawberry.enum(RedemptionStatus, name="RedemptionStatus", description="Where a redemption stands.")

_REWARD = public(PublicTag.REWARDS)
_LEFT = public(PublicTag.REWARDS, seconds=STOCK_SECONDS)
_TIER = public(PublicTag.REWARDS, PublicTag.RULES)
_JUDGED = public(PublicTag.REWARDS, PublicTag.CATALOG, PublicTag.RULES, seconds=STOCK_SECONDS)
_GOODS = public(PublicTag.REWARDS, PublicTag.CATALOG, PublicTag.RULES)
_kind_of, _status_of = member_of(RewardKind), member_of(RedemptionStatus)


@dataclass(slots=True)
class RewardView:
    """A reward's row, and what is known of the viewer and its goods where a judgement is asked."""

    row: Record
    viewer: Viewer | None = None
    redeemed: int = 0
    goods: Record | None = None


async def _rules_in_force(_rewards: Sequence[RewardView], info: BatchInfo) -> None:
    await viewpoint(info.context)


async def _facts(shown: Sequence[RewardView], info: BatchInfo) -> None:
    """Read the rules, the goods, and what there is to know of the viewer: once for all rewards."""
    context: Context = info.context
    await viewpoint(context)
    await _read_goods([each for each in shown if each.row["sku_id"] is not None], context)
    viewer_id = context.member_id
    if viewer_id is None:
        return
    [viewer] = await context.loaders.read(viewers_by_id, [viewer_id], now=context.now)
    ids = [each.row["id"] for each in shown]
    counts = await context.loaders.read(pieces_by_reward_id, ids, viewer_id=viewer_id)
    for each, redeemed in zip(shown, counts, strict=True):
        each.viewer, each.redeemed = viewer, redeemed


async def _read_goods(shown: Sequence[RewardView], context: Context) -> None:
    if not shown:
        return
    ids = [each.row["sku_id"] for each in shown]
    rows = await context.loaders.read(goods_by_sku_id, ids, viewer_id=context.member_id)
    for each, goods in zip(shown, rows, strict=True):
        each.goods = goods


def _image_url(shown: RewardView, context: Context) -> str | None:
    image: str | None = shown.row["image_url"]
    return absolute_url(context.ports.public_base_url, image) if image else None


def _min_tier(shown: RewardView, context: Context) -> Tier | None:
    code = shown.row["min_tier_code"]
    return None if code is None else cast("Tier", view_of(context).rules.tier(code))


def _problem(shown: RewardView, context: Context) -> UserError | None:
    refusal = reward_lists.problem_of(
        shown.row, shown.viewer, shown.redeemed, view_of(context).rules, now=context.now
    )
    if refusal is not None:
        return UserError.of(refusal, context.language)
    return None if shown.goods is None else _problem_of_goods(shown.goods, context)


def _problem_of_goods(goods: Record, context: Context) -> UserError | None:
    """Say why one piece of them can't be had, as an order would."""
    problem = line_problem(
        product=goods["product"],
        quantity=1,
        is_for_sale=goods["is_for_sale"],
        available=goods["available"],
        purchase_limit=goods["purchase_limit"],
        purchased=goods["purchased"],
    )
    return None if problem is None else user_error(problem, context.language)


@strawberry.type(description="Something that points buy, or points and cash.")
class Reward:
    """Its source is a `RewardView`."""

    id: strawberry.ID = item("id", of="row", convert=str, description="The reward's id.")
    name: str = item("name", of="row", description="Its name.")
    kind: RewardKind = item(
        "kind", of="row", convert=_kind_of, description="What a redemption brings."
    )
    image_url: str | None = derived(_image_url, metadata=_REWARD, description="A picture of it.")
    points_price: int = item("points_price", of="row", description="Points that a piece costs.")
    cash_price: Money = item(
        "cash_price_fen", of="row", description="Money that a piece costs beside its points."
    )
    remaining: int | None = derived(
        lambda shown, _context: shown.row["remaining"],
        metadata=_LEFT,
        description="Pieces that are left; null: no end of them.",
    )
    per_member_limit: int | None = item(
        "per_member_limit", of="row", description="How many pieces each member can have."
    )
    min_tier: Tier | None = derived(
        _min_tier,
        needs=_rules_in_force,
        metadata=_TIER,
        description="The lowest tier that can redeem it; null: every one.",
    )
    description_html: str = item(
        "description_html",
        of="row",
        description="Sanitised when written; only tags that <rich-text> accepts.",
    )
    problem: UserError | None = derived(
        _problem,
        needs=_facts,
        metadata=_JUDGED,
        description="Why this member can't redeem a piece now; null when they can.",
    )

    @batched(metadata=_GOODS, description="GOODS: what is sent.")
    @staticmethod
    async def sku(shown: Sequence[RewardView], info: BatchInfo) -> list[Sku | None]:
        return await skus_by_ids(info, [each.row["sku_id"] for each in shown])

    @batched(metadata=_REWARD, description="COUPON: what it promises.")
    @staticmethod
    async def coupon_terms(
        shown: Sequence[RewardView], info: BatchInfo
    ) -> list[CouponTerms | None]:
        del info
        ids = [each.row["terms_id"] for each in shown]
        found = await coupon_terms.terms_of({id_ for id_ in ids if id_ is not None})
        return [
            None
            if each.row["terms_id"] is None
            else CouponTerms.of(found[each.row["terms_id"]], Validity(days=each.row["valid_days"]))
            for each in shown
        ]

    @staticmethod
    def of(row: Record) -> Reward:
        """Return what stands for a reward's row."""
        return cast("Reward", RewardView(row))


@strawberry.type(description="A reward that the member redeemed.")
class Redemption:
    """Its source is a redemption's row."""

    id: strawberry.ID = item("id", convert=str, description="The redemption's id.")
    quantity: int = item("quantity", description="Pieces.")
    points: int = item("points", description="Points that it took in all.")
    cash: Money = item("cash_fen", description="Money that it takes in all, without shipping.")
    status: RedemptionStatus = item("status", convert=_status_of, description="Where it stands.")
    created_at: datetime = item("created_at", description="When it was redeemed.")

    @batched(description="What was redeemed.")
    @staticmethod
    async def reward(redemptions: Sequence[Any], info: BatchInfo) -> list[Reward]:
        ids = [each["reward_id"] for each in redemptions]
        rows = await info.context.loaders.read(reward_by_id, ids)
        return [Reward.of(cast("Record", row)) for row in rows]

    @batched(description="COUPON: what it brought.")
    @staticmethod
    async def coupon(redemptions: Sequence[Any], info: BatchInfo) -> list[MemberCoupon | None]:
        return await coupons_by_ids(info.context, [each["coupon_id"] for each in redemptions])

    @batched(description="VIRTUAL: the code it brought.")
    @staticmethod
    async def code(redemptions: Sequence[Any], info: BatchInfo) -> list[str | None]:
        context: Context = info.context
        ids = [each["id"] for each in redemptions]
        sealed = await context.loaders.read(sealed_code_by_redemption_id, ids)
        data = context.ports.personal_data
        return [None if each is None else reward_admin.open_code(each, data) for each in sealed]

    @batched(description="GOODS: the order that brings them.")
    @staticmethod
    async def order(redemptions: Sequence[Any], info: BatchInfo) -> list[Order | None]:
        ids = [each["order_id"] for each in redemptions]
        wanted = [order_id for order_id in ids if order_id is not None]
        found = dict(zip(wanted, await orders_by_ids(info.context, wanted), strict=True))
        return [None if order_id is None else found[order_id] for order_id in ids]

    @classmethod
    async def load(cls, context: Context, redemption_id: UUID) -> Redemption | None:
        """Return the viewer's redemption of that id; another's is None."""
        [row] = await context.loaders.read(
            redemption_by_id, [redemption_id], viewer_id=context.member_id
        )
        return cast("Redemption | None", row)
