"""groupBuys, groupBuy, groupBuyTeam, Member.groupBuyTeams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from domain.campaigns import CampaignStatus
from domain.group_buys import TeamStatus
from executor.fields import BatchInfo
from executor.hints import public
from loaders.group_buys import group_buy_by_id
from models.public_changes import PublicTag
from resolvers.common.context import Info
from resolvers.common.ids import find_id
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.public import CLOCK_SECONDS, KEPT_SECONDS
from resolvers.member.group_buys.teams import GroupBuyTeam, team_of
from resolvers.member.group_buys.types import GroupBuy
from resolvers.member.group_buys.views import shown_campaign, shown_team
from resolvers.member.members.view import MemberView
from services import campaign_pages, group_lists

DEFAULT_FIRST = 10

_CAMPAIGNS = public(PublicTag.CAMPAIGNS, seconds=KEPT_SECONDS)


@strawberry.type
class GroupBuysQuery:
    @strawberry.field(
        metadata=_CAMPAIGNS,
        description="Group buys page by page: those that are on, what ends first; then what comes;"
        " then what is over.",
    )
    async def group_buys(
        self,
        info: Info,
        statuses: Annotated[
            list[CampaignStatus] | None,
            strawberry.argument(description="Those that stand at one of these; all when empty."),
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> Connection[GroupBuy]:
        request = read_page(first, after, *campaign_pages.CURSOR_KINDS, default=DEFAULT_FIRST)
        page = await group_lists.list_group_buys(statuses or (), request, now=info.context.now)
        return Connection.of(page, shown_campaign)

    @strawberry.field(
        metadata=_CAMPAIGNS, description="A group buy, on or over; null when there is none."
    )
    async def group_buy(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The campaign's id.")],
    ) -> GroupBuy | None:
        group_buy_id = find_id(id)
        if group_buy_id is None:
            return None
        [row] = await info.context.loaders.read(group_buy_by_id, [group_buy_id])
        return None if row is None else shown_campaign(row)

    @strawberry.field(
        metadata=public(PublicTag.CAMPAIGNS, seconds=CLOCK_SECONDS),
        description="Open to whoever holds the share link; null when there is none.",
    )
    async def group_buy_team(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The team's id.")],
    ) -> GroupBuyTeam | None:
        team_id = find_id(id)
        return None if team_id is None else await team_of(info.context, team_id)


async def teams_of_members(
    members: Sequence[MemberView],
    info: BatchInfo,
    *,
    statuses: Annotated[
        list[TeamStatus] | None,
        strawberry.argument(description="Those that stand at one of these; all when empty."),
    ] = None,
    first: First = 20,
    after: After = None,
) -> list[Connection[GroupBuyTeam]]:
    """Resolve `Member.groupBuyTeams`: the latest joined first."""
    request = read_page(first, after, *group_lists.TEAM_CURSOR)
    found = []
    for member in members:  # A member sees nobody but themselves: there is one.
        page = await group_lists.teams_of(member.id, statuses or (), request, now=info.context.now)
        found.append(Connection.of(page, shown_team))
    return found
