"""What a SKU's row says to its viewer: options, prices, the struck-through price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from domain import catalog as catalog_rules
from domain.catalog import PriceLabel, StockLevel, stock_level
from domain.clock import business_day
from domain.pricing import DiscountKind, member_price_fen, price_without_offers
from domain.promotions import Since, TierOffers
from domain.rules import TierRules
from executor.fields import item
from models.catalog_rows import LOWEST_BEFORE, PROMOTED_IN
from resolvers.common.context import Context
from resolvers.common.messages import translate
from resolvers.common.scalars import Money
from resolvers.common.share import absolute_url
from resolvers.member.catalog.viewpoint import Viewpoint, view_of

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


def priced(
    rows: Iterable[Mapping[str, Any]], view: Viewpoint, product: Promoted | None = None
) -> list[Row]:
    """Return the rows of SKUs with what their viewer pays.

    `member_price_fen` is what the viewer's tier pays, `current_price_fen` what they pay now in a
    normal order, `price_kind` what makes that lower than the list price. Without a `product` that
    they are all of, rows name their own.
    """
    rules, running = view.rules, view.running
    offers: TierOffers | None = None
    share: Since | None = None
    found: list[Row] = []
    for row in rows:
        own = row if type(row) is dict else dict(row)
        list_price_fen, code = own["price_fen"], own.get("tier_code")
        member_fen = list_price_fen
        current_fen, kind = list_price_fen, None
        if code is not None:  # Without a token there is no tier.
            tier = rules.tier(code)
            member_fen = member_price_fen(list_price_fen, tier, _tier_price_fen(own, tier))
            current_fen, kind = price_without_offers(list_price_fen, member_fen)
        if running.has_prices:
            if offers is None or product is None:  # One viewer looks at all of them.
                offers = running.of_tier(code)
                share = offers.share(*(product or promoted(own)))
            offer = offers.lowest(own["id"], list_price_fen, share)
            if offer is not None and offer[0] < current_fen:
                current_fen, kind = offer[0], DiscountKind.LIMITED_TIME
                own["offer_since"] = offer[1]
        own["member_price_fen"] = member_fen
        own["current_price_fen"] = current_fen
        own["price_kind"] = kind
        found.append(own)
    return found


Promoted = tuple[UUID, Sequence[UUID]]
"""A product, and those of its categories that promotions run for."""


def promoted(row: Mapping[str, Any]) -> Promoted:
    """Return what promotions look at of the product of a SKU that was read by itself."""
    return row["product_id"], row.get(PROMOTED_IN) or ()


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
    """Return the price to strike through beside the current one, with its words.

    Beside a limited-time price the days count that came before it.
    """
    label_kind = row["label_kind"]
    since = row.get("offer_since")
    lowest_fen = row["lowest_paid_fen"] if since is None else row[LOWEST_BEFORE][_day(since)]
    found = catalog_rules.reference_price(
        row["current_price_fen"],
        lowest_paid_fen=lowest_fen,
        label_price_fen=row["label_price_fen"],
        label_kind=PriceLabel(label_kind) if label_kind else None,
    )
    if found is None:
        return None
    return ReferencePrice(
        amount=Money(found.amount_fen), label=translate(found.label, context.language)
    )


def _day(instant: datetime) -> str:
    return business_day(instant).isoformat()
