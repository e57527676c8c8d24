"""A member's points: balance, what is on its way, what expires soon, and every entry."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from asyncpg import Record

from domain.ledger import AccountKind
from executor.fields import batched, derived, item
from resolvers.common.context import Context, Info
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.titles import entry_title
from resolvers.member.catalog.viewpoint import view_of
from resolvers.member.orders.entries import orders_of_entries
from resolvers.member.orders.types import Order
from services.entries import entries_of


@strawberry.enum(description="Why points came or went.")
class PointsReason(StrEnum):
    ORDER = "ORDER"
    ORDER_RETURNED = "ORDER_RETURNED"
    CHECK_IN = "CHECK_IN"
    CHECK_IN_MAKE_UP = "CHECK_IN_MAKE_UP"
    REDEMPTION = "REDEMPTION"
    REDEMPTION_RETURNED = "REDEMPTION_RETURNED"
    ORDER_DEDUCTION = "ORDER_DEDUCTION"
    ORDER_DEDUCTION_RETURNED = "ORDER_DEDUCTION_RETURNED"
    INVITATION = "INVITATION"
    CAMPAIGN = "CAMPAIGN"
    TIER_GIFT = "TIER_GIFT"
    BIRTHDAY = "BIRTHDAY"
    PARTNER = "PARTNER"
    ADJUSTMENT = "ADJUSTMENT"
    EXPIRY = "EXPIRY"
    SHOP_PURCHASE = "SHOP_PURCHASE"
    SHOP_PURCHASE_RETURNED = "SHOP_PURCHASE_RETURNED"
    COUPON_CLAIM = "COUPON_CLAIM"
    REVIEW = "REVIEW"
    PROFILE = "PROFILE"
    MERGE = "MERGE"
    DEBT_REPAID = "DEBT_REPAID"


@strawberry.enum(description="Whether points came or went.")
class EntryDirection(StrEnum):
    IN = "IN"
    OUT = "OUT"


@strawberry.type(description="Points that end at one instant.")
class PointsExpiry:
    """Its source is a pair: how many, and when."""

    points: int = item(0, description="How many.")
    expires_at: datetime = item(1, description="The first instant they are gone.")


@strawberry.type(description="One change of the spendable points.")
class PointsEntry:
    id: strawberry.ID = strawberry.field(description="The entry's id.")
    delta: int = strawberry.field(description="Points that came, or went when negative.")
    balance_after: int = strawberry.field(description="The balance after it.")
    reason: PointsReason = strawberry.field(description="Why.")
    title: str = strawberry.field(description="What it is called, in the reader's language.")
    created_at: datetime = strawberry.field(description="When.")
    expires_at: datetime | None = strawberry.field(description="When points that came will end.")
    row: strawberry.Private[Any]
    order: Order | None = batched(description="The order it belongs to.")(orders_of_entries)

    @classmethod
    def from_row(cls, row: Any, info: Info) -> PointsEntry:
        """Show a ledger entry."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            delta=row["delta"],
            balance_after=row["balance_after"],
            reason=PointsReason(row["reason"]),
            title=entry_title(row, info.context.language),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            row=row,
        )


def _expiring_soon(member: Record, context: Context) -> list[tuple[int, datetime]]:
    days = view_of(context).rules.points.expiring_soon_days
    soon = context.now + timedelta(days=days)
    expiring = zip(member["points"] or (), member["expiries"] or (), strict=True)
    return [(points, when) for points, when in expiring if when <= soon]


@strawberry.type(description="A member's points.")
class PointsAccount:
    """Its source is the member's row with `POINTS_COLUMNS`."""

    balance: int = item("living", description="What can be spent now.")
    pending: int = item(
        "pending",
        description="Earned on orders that are not final yet (they can still be returned).",
    )
    expiring_soon: list[PointsExpiry] = derived(
        _expiring_soon, description="What ends within the next 30 days, soonest first."
    )
    lifetime_earned: int = item("earned", description="All that ever became spendable.")
    debt: int = item(
        "debt",
        description="Taken back when there was nothing left to take; the next points repay it."
        " Never asked for in money.",
    )

    @strawberry.field(description="Every change of the spendable points, newest first.")
    @staticmethod
    async def entries(
        member: strawberry.Parent[Record],
        info: Info,
        first: First = 20,
        after: After = None,
        direction: Annotated[
            EntryDirection | None, strawberry.argument(description="Only what came, or what went.")
        ] = None,
    ) -> Connection[PointsEntry]:
        request = read_page(first, after, int)
        sign = {None: 0, EntryDirection.IN: 1, EntryDirection.OUT: -1}[direction]
        page = await entries_of(member["id"], AccountKind.SPENDABLE, request, sign=sign)
        return Connection.of(page, lambda row: PointsEntry.from_row(row, info))
