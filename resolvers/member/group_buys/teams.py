"""Teams of group buys: who sits in them, until when, and the card that brings others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import strawberry

from domain.group_buys import SeatStatus, TeamFacts, TeamStatus, TeamViewer
from domain.members import SceneKind, masked_nickname
from domain.scenes import target_scene_code
from executor.costs import cost
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from loaders.catalog import product_by_id
from loaders.group_buys import group_buy_by_id, seats_by_team_id, team_by_id
from models.public_changes import PublicTag
from resolvers.common.context import Context
from resolvers.common.enums import member_of
from resolvers.common.errors import UserError
from resolvers.common.messages import translate
from resolvers.common.problems import problem_told
from resolvers.common.public import CLOCK_SECONDS
from resolvers.common.share import ShareCard, absolute_url, share_card
from resolvers.member.catalog.viewpoint import view_of
from resolvers.member.group_buys.types import GroupBuy, read_facts, read_items
from resolvers.member.group_buys.views import GroupBuyView, SeatView, TeamView, shown_team
from resolvers.member.orders.types import Order, orders_by_ids
from services import group_lists

strawberry.enum(TeamStatus, name="GroupBuyTeamStatus", description="Where a team stands.")

MAX_SEATS = 100
"""Of the largest team."""
MISSING = "{missing} more wanted: {product} at {price_fen}"
TOGETHER = "{product} at {price_fen} together"

_TEAM = public(PublicTag.CAMPAIGNS, seconds=CLOCK_SECONDS)
"""No change of a team is told to those who keep answers: they last a second."""
_CARD = public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, seconds=CLOCK_SECONDS)
_JUDGED = public(
    *(PublicTag.CAMPAIGNS, PublicTag.CATALOG, PublicTag.STOCK, PublicTag.RULES),
    seconds=CLOCK_SECONDS,
)
_status_of = member_of(TeamStatus)


def _nickname(seat: SeatView, _context: Context) -> str:
    nickname: str = seat.row["nickname"]
    return nickname if seat.is_open else masked_nickname(nickname)


def _avatar_url(seat: SeatView, context: Context) -> str | None:
    avatar: str | None = seat.row["avatar_url"]
    if avatar is None or not seat.is_open:
        return None
    return absolute_url(context.ports.public_base_url, avatar)


@strawberry.type(description="A place in a team: paid, or held by an order that awaits payment.")
class GroupBuySeat:
    """Its source is a `SeatView`."""

    nickname: str = derived(
        _nickname,
        metadata=_TEAM,
        description="Who has it; only the first letter for whoever is not in the team.",
    )
    avatar_url: str | None = derived(
        _avatar_url,
        metadata=_TEAM,
        description="Their avatar; null for whoever is not in the team.",
    )
    leader: bool = derived(
        lambda seat, _context: seat.is_leader,
        metadata=_TEAM,
        description="Whether they opened the team.",
    )
    joined_at: datetime = item("joined_at", of="row", description="When they took it.")
    paid: bool = derived(
        lambda seat, _context: seat.row["status"] == SeatStatus.PAID,
        metadata=_TEAM,
        description="Whether it is paid; one that isn't is free again before long.",
    )


async def _read_seats(teams: Sequence[TeamView], info: BatchInfo) -> None:
    unread = [team for team in teams if team.seats is None]
    if unread:
        context: Context = info.context
        ids = [team.row["id"] for team in unread]
        found = await context.loaders.read(seats_by_team_id, ids, now=context.now)
        for team, seats in zip(unread, found, strict=True):
            team.seats = seats


async def _read_campaigns(teams: Sequence[TeamView], info: BatchInfo) -> None:
    """Read the campaigns of teams; those of one campaign share what is read of it."""
    unread = [team for team in teams if team.campaign is None]
    if unread:
        ids = [team.row["group_buy_id"] for team in unread]
        rows = await info.context.loaders.read(group_buy_by_id, ids)
        views = {row["id"]: GroupBuyView(row) for row in rows}
        for team in unread:
            team.campaign = views[team.row["group_buy_id"]]


def _campaigns(teams: Sequence[TeamView]) -> list[GroupBuyView]:
    """Return the campaigns of teams, each once."""
    views = (team.campaign for team in teams)
    return list({id(view): view for view in views if view is not None}.values())


async def _read_facts(teams: Sequence[TeamView], info: BatchInfo) -> None:
    """Read all that joining is judged by."""
    await _read_seats(teams, info)
    await _read_campaigns(teams, info)
    await read_facts(_campaigns(teams), info)


async def _read_card(teams: Sequence[TeamView], info: BatchInfo) -> None:
    """Read all that the share card tells."""
    await _read_seats(teams, info)
    await _read_campaigns(teams, info)
    await read_items(_campaigns(teams), info)
    unread = [team for team in teams if team.product is None]
    ids = [_campaign_of(team).row["product_id"] for team in unread]
    found = await info.context.loaders.read(product_by_id, ids)
    for team, product in zip(unread, found, strict=True):
        team.product = product


def _campaign_of(team: TeamView) -> GroupBuyView:
    assert team.campaign is not None, "it was read"
    return team.campaign


def _own_order_id(team: TeamView, context: Context) -> UUID | None:
    """Return the order of the viewer's seat; of two, after a merge, the later one."""
    viewer_id = context.member_id
    if viewer_id is None:
        return None
    own = [seat["order_id"] for seat in team.seats or () if seat["member_id"] == viewer_id]
    return own[-1] if own else None


def _has_joined(team: TeamView, context: Context) -> bool:
    return _own_order_id(team, context) is not None


def _seats(team: TeamView, context: Context) -> list[SeatView]:
    is_open, leader_id = _has_joined(team, context), team.row["leader_id"]
    seats = [
        SeatView(row, is_leader=row["member_id"] == leader_id, is_open=is_open)
        for row in team.seats or ()
    ]
    return sorted(seats, key=lambda seat: not seat.is_leader)


def _seats_left(team: TeamView, _context: Context) -> int:
    size: int = team.row["size"]
    return max(size - len(team.seats or ()), 0)


def _problem(team: TeamView, context: Context) -> UserError | None:
    campaign, row = _campaign_of(team), team.row
    facts = TeamFacts(
        status=TeamStatus(row["status"]),
        expires_at=row["expires_at"],
        size=row["size"],
        taken=len(team.seats or ()),
    )
    part = campaign.viewer
    viewer = part and TeamViewer(
        has_seat=_has_joined(team, context),
        opened_this=row["leader_id"] == context.member_id,
        has_open_team=part.has_open_team,
        is_newcomer=part.is_newcomer,
        pieces=part.pieces,
    )
    refusal = group_lists.problem_of(
        campaign.row,
        facts,
        viewer,
        view_of(context).rules.orders,
        pieces_left=campaign.pieces_left,
        now=context.now,
    )
    return problem_told(refusal, context.language)


def _share_card(team: TeamView, context: Context) -> ShareCard:
    row, product = team.row, team.product
    assert product is not None, "it was read"
    missing = _seats_left(team, context) if row["status"] == TeamStatus.FORMING else 0
    title = translate(
        MISSING if missing else TOGETHER,
        context.language,
        missing=missing,
        product=product["name"],
        price_fen=min(each["price_fen"] for each in _campaign_of(team).items or ()),
    )
    images = product["images"]
    return share_card(
        context.ports.public_base_url,
        kind=SceneKind.GROUP_BUY_TEAM,
        target=str(row["id"]),
        scene_code=target_scene_code(SceneKind.GROUP_BUY_TEAM, row["id"]),
        title=title,
        image=images[0] if images else None,
    )


@strawberry.type(description="Members who buy together; open to whoever holds its link.")
class GroupBuyTeam:
    """Its source is a `TeamView`."""

    id: strawberry.ID = item(
        "id", of="row", convert=str, description="The team's id; nobody guesses it."
    )
    status: TeamStatus = item(
        "status", of="row", convert=_status_of, description="Where it stands."
    )
    expires_at: datetime = item("expires_at", of="row", description="Until when it has to be full.")
    seats: list[GroupBuySeat] = derived(
        _seats,
        needs=_read_seats,
        metadata={**_TEAM, **cost(items=MAX_SEATS)},
        description="Who is in it, its opener first.",
    )
    seats_left: int = derived(
        _seats_left, needs=_read_seats, metadata=_TEAM, description="How many can still join."
    )
    joined_by_me: bool = derived(
        _has_joined,
        needs=_read_seats,
        metadata=_TEAM,
        description="Whether the viewer has a seat in it.",
    )
    problem: UserError | None = derived(
        _problem,
        needs=_read_facts,
        metadata=_JUDGED,
        description="Why this member can't join it now; null when they can.",
    )
    share_card: ShareCard = derived(
        _share_card, needs=_read_card, metadata=_CARD, description="For bringing others into it."
    )

    @batched(metadata=_TEAM, description="What it buys.")
    @staticmethod
    async def group_buy(teams: Sequence[TeamView], info: BatchInfo) -> list[GroupBuy]:
        await _read_campaigns(teams, info)
        return cast("list[GroupBuy]", [team.campaign for team in teams])

    @batched(description="The viewer's order in it.")
    @staticmethod
    async def my_order(teams: Sequence[TeamView], info: BatchInfo) -> list[Order | None]:
        context: Context = info.context
        await _read_seats(teams, info)
        ids = [_own_order_id(team, context) for team in teams]
        wanted = [order_id for order_id in ids if order_id is not None]
        if not wanted:
            return [None] * len(teams)
        found = dict(zip(wanted, await orders_by_ids(context, wanted), strict=True))
        return [None if order_id is None else found[order_id] for order_id in ids]


async def team_of(context: Context, team_id: UUID) -> GroupBuyTeam | None:
    """Return the team of an id, for whoever knows it."""
    [row] = await context.loaders.read(team_by_id, [team_id])
    return None if row is None else shown_team(row)
