"""The category tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import strawberry

from executor.fields import BatchInfo, batched, item
from executor.hints import public
from loaders.catalog import categories_by_parent_id
from models.public_changes import PublicTag
from resolvers.common.share import absolute_url


@strawberry.type(description="A node of the category tree.")
class Category:
    id: strawberry.ID = item("id", of="row", convert=str, description="The category's id.")
    name: str = item("name", of="row", description="Its name.")
    row: strawberry.Private[Mapping[str, Any]]
    base_url: strawberry.Private[str]

    @strawberry.field(description="A picture of it.")
    def image_url(self) -> str | None:
        image = self.row["image_url"]
        return absolute_url(self.base_url, image) if image else None

    @batched(
        metadata=public(PublicTag.CATALOG),
        description="The categories right below, in their order.",
    )
    @staticmethod
    async def children(categories: Sequence[Category], info: BatchInfo) -> list[list[Category]]:
        ids = [UUID(str(category.row["id"])) for category in categories]
        found = await info.context.loaders.read(categories_by_parent_id, ids)
        base_url = info.context.ports.public_base_url
        return [[Category(row=row, base_url=base_url) for row in rows] for rows in found]
