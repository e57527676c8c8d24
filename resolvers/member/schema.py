"""The member API's roots: each area brings its own fields."""

from __future__ import annotations

import strawberry

from resolvers.member.carts.mutations import CartsMutation
from resolvers.member.catalog.queries import CatalogQuery
from resolvers.member.members.queries import MembersQuery
from resolvers.member.orders.mutations import OrdersMutation
from resolvers.member.orders.queries import OrdersQuery
from resolvers.member.payments.mutations import PaymentsMutation
from resolvers.member.pricing.queries import PricingQuery
from resolvers.member.sessions.mutations import SessionsMutation
from resolvers.member.tiers.types import TiersQuery


@strawberry.type(description="What can be asked.")
class Query(MembersQuery, TiersQuery, CatalogQuery, PricingQuery, OrdersQuery):
    pass


@strawberry.type(description="What can be done.")
class Mutation(SessionsMutation, CartsMutation, OrdersMutation, PaymentsMutation):
    pass
