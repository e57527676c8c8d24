"""What a SKU's row says to its viewer: options, prices, the struck-through price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from domain import catalog as catalog_rules
from domain.catalog import PriceLabel, StockLevel
from domain.pricing import DiscountKind, member_price_fen, price_without_offers
from domain.rules import Rules, TierRules
from executor.fields import item
from resolvers.common.messages import translate
from resolvers.common.scalars import Money
from resolvers.member.catalog.viewpoint import Viewpoint

Row = Mapping[str, Any]
"""A SKU's row: a record of its own, or a JSON object in its product's."""

strawberry.enum(StockLevel, name="StockLevel", description="What a shopper is told of the stock.")
_NO_TIER = TierRules("", "", "", 0, 0)
"""Without a token nobody has a tier's price."""


@strawberry.type(description="One option of a SKU, such as 颜色: 米白.")
class SkuOption:
    name: str = item("name", description="The option's name.")
    value: str = item("value", description="This SKU's value of it.")


@strawberry.type(description="A struck-through price, and where it comes from.")
class ReferencePrice:
    amount: Money = strawberry.field(description="The price to strike through.")
    label: str = strawberry.field(
        description="Lowest price paid in the 7 days before, tag price, or suggested retail price."
    )


def price_for_viewer(row: Row, rules: Rules) -> tuple[Any, Any, DiscountKind | None]:
    """Return what the viewer's tier pays, what they pay now in a normal order (fen), and why."""
    tier, tier_price_fen = _tier_of(row, rules)
    list_price_fen: int = row["price_fen"]
    member_fen = member_price_fen(list_price_fen, tier, tier_price_fen)
    return member_fen, *price_without_offers(list_price_fen, member_fen)


def _tier_of(row: Row, rules: Rules) -> tuple[TierRules, int | None]:
    """Return the viewer's tier, and its own price for this SKU if there is one."""
    code = row["tier_code"]
    if code is None:
        return _NO_TIER, None
    tier = rules.tier(code)
    # A tier that the rules have dropped gives nothing, not even the prices once set for it.
    return tier, row["tier_price_fen"] if tier.code == code else None


def reference_price(row: Row, current_fen: int, view: Viewpoint) -> ReferencePrice | None:
    """Return the price to strike through beside the current one, with its words."""
    label_kind = row["label_kind"]
    found = catalog_rules.reference_price(
        current_fen,
        lowest_paid_fen=row["lowest_paid_fen"],
        label_price_fen=row["label_price_fen"],
        label_kind=PriceLabel(label_kind) if label_kind else None,
    )
    if found is None:
        return None
    return ReferencePrice(
        amount=Money(found.amount_fen), label=translate(found.label, view.language)
    )
