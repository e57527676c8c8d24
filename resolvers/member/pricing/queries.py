"""quoteOrder."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.common.context import Info
from resolvers.member.pricing.types import OrderDraftInput, OrderQuote
from services import quoting


@strawberry.type
class PricingQuery:
    @strawberry.field(
        description="What this order would cost, and why; changes nothing and reserves nothing."
    )
    async def quote_order(
        self,
        info: Info,
        input: Annotated[OrderDraftInput, strawberry.argument(description="The draft.")],
    ) -> OrderQuote:
        context = info.context
        member_id = context.require_member()
        priced = await quoting.quote_draft(member_id, input.draft(), now=context.now)
        return OrderQuote.of(priced, context.language)
