"""What a SKU's row says to its viewer: options, prices, the struck-through price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import strawberry

from domain import catalog as catalog_rules
from domain.catalog import PriceLabel, StockLevel, stock_level
from domain.pricing import DiscountKind, member_price_fen, price_without_offers
from domain.rules import Rules, TierRules
from executor.fields import item
from resolvers.common.context import Context
from resolvers.common.messages import translate
from resolvers.common.scalars import Money
from resolvers.common.share import absolute_url
from resolvers.member.catalog.viewpoint import view_of

Row = Mapping[str, Any]
"""A SKU's row with its viewer's prices: `priced` has been at it."""

strawberry.enum(StockLevel, name="StockLevel", description="What a shopper is told of the stock.")


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


def priced(rows: Iterable[Mapping[str, Any]], rules: Rules) -> list[Row]:
    """Return the rows of SKUs with what their viewer pays.

    `member_price_fen` is what the viewer's tier pays, `current_price_fen` what they pay now in a
    normal order, `price_kind` what makes that lower than the list price.
    """
    found: list[Row] = []
    for row in rows:
        own = row if type(row) is dict else dict(row)
        own["member_price_fen"], own["current_price_fen"], own["price_kind"] = _prices(own, rules)
        found.append(own)
    return found


def _prices(row: Row, rules: Rules) -> tuple[int, int, DiscountKind | None]:
    list_price_fen: int = row["price_fen"]
    code = row.get("tier_code")
    if code is None:  # Without a token there is no tier.
        return list_price_fen, list_price_fen, None
    tier = rules.tier(code)
    member_fen = member_price_fen(list_price_fen, tier, _tier_price_fen(row, tier))
    return member_fen, *price_without_offers(list_price_fen, member_fen)


def _tier_price_fen(row: Row, tier: TierRules) -> int | None:
    """Return the tier's own price for this SKU, if there is one."""
    # A tier that the rules have dropped gives nothing, not even the prices once set for it.
    return row["tier_price_fen"] if tier.code == row["tier_code"] else None


def image_url(row: Row, context: Context) -> str | None:
    """Return the address of the picture in a row."""
    image = row["image_url"]
    return absolute_url(context.ports.public_base_url, image) if image else None


def stock(row: Row, context: Context) -> StockLevel:
    """Return what a shopper is told of the stock; OUT as well when it is not for sale."""
    available = row["available"] if row["for_sale"] else 0
    return stock_level(available, view_of(context).rules.catalog)


def is_in_stock(row: Row) -> bool:
    """Tell whether it can be bought now."""
    return row["available"] > 0 and row["for_sale"] is True


def purchase_limit_left(row: Row, _context: Context) -> int | None:
    """Return what the limit leaves the viewer."""
    limit = row["purchase_limit"]
    return None if limit is None else max(limit - row["bought_pieces"], 0)


def reference_price(row: Row, context: Context) -> ReferencePrice | None:
    """Return the price to strike through beside the current one, with its words."""
    label_kind = row["label_kind"]
    found = catalog_rules.reference_price(
        row["current_price_fen"],
        lowest_paid_fen=row["lowest_paid_fen"],
        label_price_fen=row["label_price_fen"],
        label_kind=PriceLabel(label_kind) if label_kind else None,
    )
    if found is None:
        return None
    return ReferencePrice(
        amount=Money(found.amount_fen), label=translate(found.label, context.language)
    )
