"""rewards, reward, redemption and Member.redemptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import strawberry

from domain.rewards import RedemptionStatus, RewardKind
from executor.fields import BatchInfo
from executor.hints import public, signed_in
from loaders.rewards import reward_by_id
from models.public_changes import PublicTag
from resolvers.common.context import Info
from resolvers.common.ids import find_id
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.public import KEPT_SECONDS
from resolvers.member.members.view import MemberView
from resolvers.member.rewards.types import Redemption, Reward
from services import reward_lists
from services.reward_lists import RewardQuery

_REWARDS = public(PublicTag.REWARDS, seconds=KEPT_SECONDS)


@strawberry.input(description="Which rewards; everything given must hold.")
class RewardFilter:
    kind: RewardKind | None = strawberry.field(default=None, description="What they bring.")
    affordable: bool | None = strawberry.field(
        default=None,
        description="Within the viewer's points, or beyond them; without a token there are none.",
    )


@strawberry.type
class RewardsQuery:
    @strawberry.field(
        metadata=_REWARDS,
        description="What can be redeemed now, page by page.",
    )
    async def rewards(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        filter: Annotated[
            RewardFilter | None, strawberry.argument(description="Which rewards.")
        ] = None,
    ) -> Connection[Reward]:
        context = info.context
        request = read_page(first, after, *reward_lists.REWARD_CURSOR)
        given = filter or RewardFilter()
        wanted = RewardQuery(kind=given.kind, affordable=given.affordable)
        page = await reward_lists.list_rewards(context.member_id, wanted, request, now=context.now)
        return Connection.of(page, Reward.of)

    @strawberry.field(
        metadata=_REWARDS,
        description="A reward, whether it can be redeemed or not (see `problem`).",
    )
    async def reward(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The reward's id.")],
    ) -> Reward | None:
        reward_id = find_id(id)
        if reward_id is None:
            return None
        [row] = await info.context.loaders.read(reward_by_id, [reward_id])
        return Reward.of(row) if row else None

    @strawberry.field(
        metadata=signed_in(), description="A redemption of the viewer's; null when there is none."
    )
    async def redemption(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The redemption's id.")],
    ) -> Redemption | None:
        redemption_id = find_id(id)
        if redemption_id is None or info.context.member_id is None:
            return None
        return await Redemption.load(info.context, redemption_id)


async def redemptions_of_members(
    members: Sequence[MemberView],
    info: BatchInfo,
    *,
    statuses: Annotated[
        list[RedemptionStatus] | None,
        strawberry.argument(description="Those that stand at one of these; all when empty."),
    ] = None,
    first: First = 20,
    after: After = None,
) -> list[Connection[Redemption]]:
    """Resolve `Member.redemptions`: newest first."""
    del info
    request = read_page(first, after, *reward_lists.REDEMPTION_CURSOR)
    found = []
    for member in members:  # A member sees nobody but themselves: there is one.
        page = await reward_lists.redemptions_of(member.id, statuses or (), request)
        found.append(Connection(nodes=cast("list[Redemption]", page.rows), page=page))
    return found
