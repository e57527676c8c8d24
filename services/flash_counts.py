"""Items of flash sales as the gate has to know them, and counting them from PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.flash_sales import FlashSaleState
from domain.rules import Rules
from models import database
from services import rules as rule_versions
from services.flash_gate import FlashGate, ItemConfig, ItemTruth


@dataclass(frozen=True, slots=True)
class CountedItem:
    """An item of a sale that isn't closed: its shelf, and how the gate is to judge its claims."""

    sale_id: UUID
    stock_id: UUID
    config: ItemConfig


async def of_open_sales(*, now: datetime) -> list[CountedItem]:
    """Return the items of all published sales that aren't closed yet."""
    return await _counted("sale.close_due_at IS NOT NULL", None, now)


async def of_sale(sale_id: UUID, *, now: datetime) -> list[CountedItem]:
    """Return the items of a sale, if it is published and not closed."""
    return await _counted("sale.id = $1 AND sale.close_due_at IS NOT NULL", sale_id, now)


async def of_item(item_id: UUID, *, now: datetime) -> CountedItem | None:
    """Return an item; None unless its sale is published and not closed."""
    items = await _counted("item.id = $1 AND sale.close_due_at IS NOT NULL", item_id, now)
    return items[0] if items else None


async def _counted(condition: str, id_: UUID | None, now: datetime) -> list[CountedItem]:
    rows = await database.fetch(
        f"""
        SELECT item.id, item.sale_id, item.stock_id, item.buckets, item.per_member_limit,
               item.min_tier_code, sale.starts_at, sale.ends_at, sale.state, sale.config_version
        FROM flash_sale AS sale JOIN flash_sale_item AS item ON item.sale_id = sale.id
        WHERE {condition} ORDER BY sale.starts_at, item.position, item.id
        """,
        *(() if id_ is None else (id_,)),
    )
    if not rows:
        return []
    versions, rules = await _rules(now)
    return [
        CountedItem(row["sale_id"], row["stock_id"], _config(row, rules, versions)) for row in rows
    ]


async def _rules(now: datetime) -> tuple[int, Rules]:
    """Return how many rule versions have come into force, and the rules that hold now.

    Read afresh: by an old copy, the gate would get old minutes under a new number.
    """
    number = await database.fetch_value(
        "SELECT count(*) FROM rule_version WHERE effective_at <= $1", now
    )
    rule_versions.forget_cached()
    return number, (await rule_versions.in_force(now=now)).rules


def _config(row: Any, rules: Rules, versions: int) -> ItemConfig:
    return ItemConfig(
        item_id=row["id"],
        buckets=row["buckets"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        is_closed=row["state"] != FlashSaleState.PUBLISHED,
        limit=row["per_member_limit"],
        level=rules.tier(row["min_tier_code"]).level if row["min_tier_code"] else 0,
        early_minutes={
            tier.level: tier.priority_minutes for tier in rules.tiers if tier.priority_minutes
        },
        # Either number only grows, and so does their sum.
        version=row["config_version"] + versions,
    )


async def truth_of(item: CountedItem, claims: Collection[UUID]) -> ItemTruth:
    """Read, in one statement, an item's pieces, members' quotas, and which claims are decided."""
    row = await database.fetch_one(_TRUTH, item.stock_id, item.config.item_id, list(claims))
    assert row is not None, "a published item has a shelf"
    return ItemTruth(
        available=row["available"],
        quotas=dict(zip(row["members"], row["pieces"], strict=True)),
        decided=row["decided"],
    )


_TRUTH = """
SELECT shelf.available,
       ARRAY(SELECT member_id FROM flash_quota
             WHERE item_id = $2 AND pieces > 0 ORDER BY member_id) AS members,
       ARRAY(SELECT pieces FROM flash_quota
             WHERE item_id = $2 AND pieces > 0 ORDER BY member_id) AS pieces,
       ARRAY(SELECT id FROM flash_ticket WHERE id = ANY($3)) AS decided
FROM campaign_stock AS shelf WHERE shelf.id = $1
"""


async def rebuild(item: CountedItem, gate: FlashGate, *, only_missing: bool = False) -> bool:
    """Have the gate count an item anew; see `FlashGate.rebuild`."""

    async def truth(claims: Collection[UUID]) -> ItemTruth:
        return await truth_of(item, claims)

    return await gate.rebuild(item.config, truth, only_missing=only_missing)
