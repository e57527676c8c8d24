"""The category tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import strawberry

from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from loaders.catalog import categories_by_parent_id
from models.public_changes import PublicTag
from resolvers.common.context import Context
from resolvers.common.share import absolute_url

Row = Mapping[str, Any]


def _image_url(row: Row, context: Context) -> str | None:
    image = row["image_url"]
    return absolute_url(context.ports.public_base_url, image) if image else None


@strawberry.type(description="A node of the category tree.")
class Category:
    """Its source is a category's row."""

    id: strawberry.ID = item("id", convert=str, description="The category's id.")
    name: str = item("name", description="Its name.")
    image_url: str | None = derived(
        _image_url, metadata=public(PublicTag.CATALOG), description="A picture of it."
    )

    @batched(
        metadata=public(PublicTag.CATALOG),
        description="The categories right below, in their order.",
    )
    @staticmethod
    async def children(rows: Sequence[Row], info: BatchInfo) -> list[list[Category]]:
        ids = [UUID(str(row["id"])) for row in rows]
        return cast(
            "list[list[Category]]", await info.context.loaders.read(categories_by_parent_id, ids)
        )
