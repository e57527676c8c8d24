"""The member API's roots: each area brings its own fields."""

from __future__ import annotations

import strawberry

from resolvers.member.catalog.queries import CatalogQuery


@strawberry.type(description="What can be asked.")
class Query(CatalogQuery):
    pass
