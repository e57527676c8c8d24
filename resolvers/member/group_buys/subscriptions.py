"""groupBuyTeamChanged."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any

import strawberry

from domain.news import NewsKind
from resolvers.common.context import Info
from resolvers.common.ids import parse_id
from resolvers.common.live import Followed, follow
from resolvers.member.group_buys.teams import GroupBuyTeam, team_of
from services.news import Topic, team_stamp


@strawberry.type
class GroupBuysSubscription:
    @strawberry.subscription(
        description=(
            "A team as it stands now, then after each change: seats that are taken, paid and free "
            "again, and its end. For whoever is signed in and holds the share link."
        )
    )
    async def group_buy_team_changed(
        self,
        info: Info,
        team_id: Annotated[strawberry.ID, strawberry.argument(description="The team's id.")],
    ) -> AsyncGenerator[GroupBuyTeam, None]:
        context = info.context
        context.require_member()
        id_ = parse_id(team_id, "team", "teamId")
        team: Followed[Any, GroupBuyTeam] = Followed(
            topic=Topic(NewsKind.TEAM, str(id_)),
            stamp=partial(team_stamp, id_),
            read=partial(team_of, context, id_),
        )
        return await follow(context, team, thing="team", argument="teamId")
