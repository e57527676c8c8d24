"""Flash sales as members see them: sales, their items, a member's tickets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.campaigns import CampaignStatus
from domain.errors import DomainError
from domain.flash_offers import Offer, Onlooker, judge, sale_status
from domain.flash_sales import FlashSaleState, TicketReason, TicketStatus
from domain.flash_tickets import Ticket
from domain.rules import Rules
from models import database
from models.flash_sale_rows import ITEM_COLUMNS, ITEM_SOURCE, SALE_COLUMNS, TICKET_COLUMNS
from services.campaign_pages import Campaigns, page_of
from services.flash_batches import standings
from services.flash_claims import TicketRow, row_of
from services.flash_gate import FlashGate, ItemPlace, Shown
from services.pages import Page, PageRequest, make_page
from services.sql import Conditions

ITEM_CURSOR = (int, UUID)
TICKET_CURSOR = (datetime, UUID)

_SALES = Campaigns(
    "flash_sale",
    SALE_COLUMNS,
    live="state IN ('PUBLISHED', 'PAUSED')",
    shown="state IN ('PUBLISHED', 'PAUSED', 'CLOSED')",
)


async def list_sales(
    statuses: Collection[CampaignStatus], request: PageRequest, *, now: datetime
) -> Page[Record]:
    """Return a page of sales that stand at one of these statuses; at any if none is named."""
    return await page_of(_SALES, statuses, request, now=now)


def status_of(row: Record, *, now: datetime) -> CampaignStatus:
    """Return where a sale, or an item's sale, stands."""
    return sale_status(FlashSaleState(row["state"]), row["starts_at"], row["ends_at"], now)


async def items_of(sale_ids: Sequence[UUID], request: PageRequest) -> list[Page[Record]]:
    """Return a page of each sale's items, in their order."""
    here = Conditions()
    here.parts.append("item.sale_id = wanted.id")
    if request.after is not None:
        here.add("(item.position, item.id) > ({}::bigint, {})", *request.after)
    rows = await database.fetch(
        f"""
        SELECT found.* FROM unnest({here.value(sale_ids)}::uuid[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT {ITEM_COLUMNS} FROM {ITEM_SOURCE} WHERE {here.sql}
            ORDER BY item.position, item.id LIMIT {here.value(request.limit)}
        ) AS found
        ORDER BY found.position, found.id
        """,
        *here.values,
    )

    def page(sale_id: UUID) -> Page[Record]:
        async def count() -> int:
            return int(
                await database.fetch_value(
                    "SELECT count(*) FROM flash_sale_item WHERE sale_id = $1", sale_id
                )
            )

        own = [row for row in rows if row["sale_id"] == sale_id]
        return make_page(request, own, lambda row: (row["position"], row["id"]), count)

    return [page(id_) for id_ in sale_ids]


async def shown_by_place(
    places: Sequence[ItemPlace], *, gate: FlashGate, viewer_id: UUID | None
) -> list[Shown | None]:
    """Return what the gate says of items; None for what it doesn't know, or can't say."""
    seen = await gate.look(places, viewer_id) or {}
    return [seen.get(place.item_id) for place in places]


def problem_of(
    row: Record, onlooker: Onlooker | None, rules: Rules, *, remaining: int, now: datetime
) -> DomainError | None:
    """Return why a piece of an item can't be claimed now; None when it can."""
    offer = Offer(
        product=row["product_name"],
        state=FlashSaleState(row["state"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        per_member_limit=row["per_member_limit"],
        min_tier_code=row["min_tier_code"],
        is_for_sale=row["is_for_sale"],
        remaining=remaining,
    )
    return judge(offer, onlooker, rules, now=now)


async def tickets_of(member_id: UUID, request: PageRequest) -> Page[Record]:
    """Return a page of a member's tickets that have been decided, the latest first."""
    here = Conditions(values=(member_id,))
    here.parts.append("member_id = $1")
    if request.after is not None:
        here.add("(claimed_at, id) < ({}, {})", *request.after)
    rows = await database.fetch(
        f"""
        SELECT {TICKET_COLUMNS} FROM flash_ticket WHERE {here.sql}
        ORDER BY claimed_at DESC, id DESC LIMIT {here.value(request.limit)}
        """,
        *here.values,
    )

    async def count() -> int:
        return int(
            await database.fetch_value(
                "SELECT count(*) FROM flash_ticket WHERE member_id = $1", member_id
            )
        )

    return make_page(request, rows, _ticket_key, count)


def _ticket_key(row: Any) -> tuple[Any, ...]:
    return row["claimed_at"], row["id"]


def decided_ticket(row: Record, gate: FlashGate) -> TicketRow:
    """Return a ticket by its row; after a merge it is known by the survivor's id as well."""
    claimed_ms = (row["claimed_at"] - _EPOCH) // timedelta(milliseconds=1)
    told = Ticket(row["id"], row["item_id"], row["member_id"], row["quantity"], claimed_ms)
    return TicketRow(
        id=gate.text_of(told),
        claim_id=row["id"],
        item_id=row["item_id"],
        member_id=row["member_id"],
        quantity=row["quantity"],
        claimed_at=row["claimed_at"],
        status=TicketStatus(row["status"]),
        reason=TicketReason(row["reason"]) if row["reason"] else None,
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def last_tickets(
    decided: Sequence[Record | None], latest: Sequence[str | None], gate: FlashGate
) -> list[TicketRow | None]:
    """Return a member's last tickets: `decided` rows, unless the gate gave a later one since.

    What the gate gave and nobody has decided is QUEUED.
    """
    given = [gate.ticket_of(text) if text else None for text in latest]
    later = [
        told if told and (row is None or told.claimed_at > row["claimed_at"]) else None
        for told, row in zip(given, decided, strict=True)
    ]
    standing = await standings([told.claim_id for told in later if told is not None])
    found: list[TicketRow | None] = []
    for row, text, told in zip(decided, latest, later, strict=True):
        if told is not None and text is not None:
            found.append(row_of(text, told, standing.get(told.claim_id)))
        else:
            found.append(None if row is None else decided_ticket(row, gate))
    return found
