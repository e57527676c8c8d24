"""orderChanged."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any

import strawberry

from domain.news import NewsKind
from resolvers.common.context import Info
from resolvers.common.ids import parse_id
from resolvers.common.live import Followed, follow
from resolvers.member.orders.types import Order
from services.news import Topic, order_stamp


@strawberry.type
class OrdersSubscription:
    @strawberry.subscription(
        description=(
            "An order of the viewer's: as it stands now, then after each change. After a lost "
            "connection, subscribe again: the first event is what was missed."
        )
    )
    async def order_changed(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
    ) -> AsyncGenerator[Order, None]:
        context = info.context
        member_id = context.require_member()
        id_ = parse_id(order_id, "order", "orderId")
        order: Followed[Any, Order] = Followed(
            topic=Topic(NewsKind.ORDER, str(id_)),
            stamp=partial(order_stamp, member_id, id_),
            read=partial(Order.load, info, id_),
        )
        return await follow(context, order, thing="order", argument="orderId")
