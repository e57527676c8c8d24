"""shop."""

from __future__ import annotations

import strawberry

from executor.hints import public
from models.public_changes import PublicTag
from resolvers.common.context import Info
from resolvers.common.public import KEPT_SECONDS
from resolvers.member.shop.types import Shop
from services import rules as rule_versions


@strawberry.type
class ShopQuery:
    @strawberry.field(
        metadata=public(PublicTag.RULES, seconds=KEPT_SECONDS),
        description="Brand, rules and the server's clock (countdowns use it, not the phone's).",
    )
    async def shop(self, info: Info) -> Shop:
        in_force = await rule_versions.in_force(now=info.context.now)
        return Shop.of(in_force.rules, info.context)
