"""shop."""

from __future__ import annotations

import strawberry

from resolvers.common.context import Info
from resolvers.member.shop.types import Shop
from services import rules as rule_versions


@strawberry.type
class ShopQuery:
    @strawberry.field(
        description="Brand, rules and the server's clock (countdowns use it, not the phone's)."
    )
    async def shop(self, info: Info) -> Shop:
        in_force = await rule_versions.in_force(now=info.context.now)
        return Shop.of(in_force.rules, info.context)
