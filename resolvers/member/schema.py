"""The member API's roots: each area brings its own fields."""

from __future__ import annotations

import strawberry

from resolvers.member.catalog.queries import CatalogQuery
from resolvers.member.members.queries import MembersQuery
from resolvers.member.sessions.mutations import SessionsMutation


@strawberry.type(description="What can be asked.")
class Query(MembersQuery, CatalogQuery):
    pass


@strawberry.type(description="What can be done.")
class Mutation(SessionsMutation):
    pass
