"""Rewards as members see them, and what they have redeemed, page by page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.errors import DomainError
from domain.rewards import Redeemer, RedemptionStatus, RewardKind, judge
from domain.rules import Rules
from models import database
from models.reward_rows import REDEMPTION_COLUMNS, REWARD_COLUMNS, SHOWN_STATUS, WITH_ORDER
from services.campaigns import Viewer
from services.pages import Page, PageRequest, make_page
from services.reward_rows import facts_of
from services.sql import Conditions

REWARD_CURSOR = (int, UUID)
REDEMPTION_CURSOR = (datetime, UUID)


@dataclass(frozen=True, slots=True)
class RewardQuery:
    """Which rewards are wanted. `affordable`: within the viewer's points, or beyond them."""

    kind: RewardKind | None = None
    affordable: bool | None = None


async def list_rewards(
    viewer_id: UUID | None, wanted: RewardQuery, request: PageRequest, *, now: datetime
) -> Page[Record]:
    """Return a page of the rewards that can be redeemed now, those that are pushed most first."""
    matching = _matching(viewer_id, wanted, now)
    here = Conditions(matching)
    if request.after is not None:
        here.add("(position, id) < ({}::bigint, {})", *request.after)
    rows = await database.fetch(
        f"""
        SELECT {REWARD_COLUMNS} FROM reward
        WHERE {here.sql} ORDER BY position DESC, id DESC LIMIT {here.value(request.limit)}
        """,
        *here.values,
    )

    async def count() -> int:
        return int(
            await database.fetch_value(
                f"SELECT count(*) FROM reward WHERE {matching.sql}", *matching.values
            )
        )

    return make_page(request, rows, lambda row: (row["position"], row["id"]), count)


_POINTS = """(SELECT coalesce(sum(lot.remaining), 0) FROM points_lot AS lot
    WHERE lot.member_id = {viewer} AND NOT lot.is_pending AND lot.written_off_at IS NULL
        AND lot.remaining > 0 AND lot.expires_at > {now})"""


def _matching(viewer_id: UUID | None, wanted: RewardQuery, now: datetime) -> Conditions:
    found = Conditions()
    found.add(
        "status = 'PUBLISHED' AND starts_at <= {0} AND (ends_at IS NULL OR ends_at > {0})", now
    )
    if wanted.kind is not None:
        found.add("kind = {}", wanted.kind)
    if wanted.affordable is not None:
        viewer, instant = f"{found.value(viewer_id)}::uuid", found.value(now)
        sign = "<=" if wanted.affordable else ">"
        found.parts.append(f"points_price {sign} {_POINTS.format(viewer=viewer, now=instant)}")
    return found


def problem_of(
    row: Any, viewer: Viewer | None, redeemed: int, rules: Rules, *, now: datetime
) -> DomainError | None:
    """Return why the viewer can't redeem a piece of a reward now; None when they can.

    Of who isn't signed in, only what holds for everybody is told.
    """
    redeemer = None
    if viewer is not None:
        redeemer = Redeemer(
            has_joined=viewer.has_joined,
            tier_code=viewer.tier_code,
            points=viewer.points,
            redeemed=redeemed,
        )
    return judge(facts_of(row), redeemer, rules, now=now)


async def redemptions_of(
    member_id: UUID, statuses: Collection[RedemptionStatus], request: PageRequest
) -> Page[Record]:
    """Return a page of what a member redeemed and stands at one of these, newest first."""
    wanted = Conditions()
    wanted.add("redemption.member_id = {}", member_id)
    if statuses:
        wanted.add(f"{SHOWN_STATUS} = ANY({{}}::text[])", sorted(set(statuses)))
    here = Conditions(wanted)
    if request.after is not None:
        here.add("(redemption.created_at, redemption.id) < ({}, {})", *request.after)
    rows = await database.fetch(
        f"""
        SELECT {REDEMPTION_COLUMNS} FROM redemption {WITH_ORDER}
        WHERE {here.sql} ORDER BY redemption.created_at DESC, redemption.id DESC
        LIMIT {here.value(request.limit)}
        """,
        *here.values,
    )

    async def count() -> int:
        return int(
            await database.fetch_value(
                f"SELECT count(*) FROM redemption {WITH_ORDER} WHERE {wanted.sql}", *wanted.values
            )
        )

    return make_page(request, rows, lambda row: (row["created_at"], row["id"]), count)
