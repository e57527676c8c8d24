"""The category tree."""

from __future__ import annotations

from uuid import UUID

import strawberry
from asyncpg import Record

from loaders.catalog import categories_by_parent_id
from resolvers.common.context import Context, Info
from resolvers.common.share import absolute_url


@strawberry.type(description="A node of the category tree.")
class Category:
    id: strawberry.ID = strawberry.field(description="The category's id.")
    name: str = strawberry.field(description="Its name.")
    image_url: str | None = strawberry.field(description="A picture of it.")
    key: strawberry.Private[UUID]

    @strawberry.field(description="The categories right below, in their order.")
    async def children(self, info: Info) -> list[Category]:
        rows = await info.context.loaders.of(categories_by_parent_id).load(self.key)
        return [Category.from_row(row, info.context) for row in rows]

    @classmethod
    def from_row(cls, row: Record, context: Context) -> Category:
        """Build the category from its row."""
        image = row["image_url"]
        return cls(
            id=strawberry.ID(str(row["id"])),
            name=row["name"],
            image_url=absolute_url(context.ports.public_base_url, image) if image else None,
            key=row["id"],
        )
