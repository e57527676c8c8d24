"""The input that drafts of orders and store filters share."""

from __future__ import annotations

import strawberry


@strawberry.input(description="A SKU and how many pieces of it.")
class OrderLineInput:
    sku_id: strawberry.ID = strawberry.field(description="The SKU.")
    quantity: int = strawberry.field(description="Pieces, 1 to 99.")
