"""Products and categories through the services that operators use."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models.ids import readable_code
from services.catalog_admin import (
    NewCategory,
    NewProduct,
    NewSku,
    create_category,
    create_product,
)
from tests.factories.shop import NOW


def a_variant(price_fen: int = 1000, *, stock: int = 100, **facts: Any) -> NewSku:
    """Return a SKU to be, under a code of its own."""
    return NewSku(**{"code": readable_code(12), "price_fen": price_fen, "stock": stock, **facts})


async def a_product(
    name: str = "苹果",
    *skus: NewSku,
    categories: Sequence[UUID] = (),
    now: datetime = NOW,
    **facts: Any,
) -> UUID:
    """Make a product on sale; without SKUs it has one at ¥10.00 with 100 pieces."""
    wanted = NewProduct(name=name, category_ids=categories, skus=skus or (a_variant(),), **facts)
    return await create_product(wanted, now=now)


async def a_category(name: str, parent_id: UUID | None = None, *, position: int = 0) -> UUID:
    """Make a category."""
    return await create_category(NewCategory(name=name, parent_id=parent_id, position=position))
