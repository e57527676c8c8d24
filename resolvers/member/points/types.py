"""A member's points: balance, what is on its way, what expires soon, and every entry."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from domain.ledger import AccountKind, EntryReason
from executor.fields import batched
from loaders.points import PointsSummary
from resolvers.common.context import Info
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.titles import entry_title
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
    points: int = strawberry.field(description="How many.")
    expires_at: datetime = strawberry.field(description="The first instant they are gone.")


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
            title=entry_title(EntryReason(row["reason"]), info.context.language),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            row=row,
        )


@strawberry.type(description="A member's points.")
class PointsAccount:
    balance: int = strawberry.field(description="What can be spent now.")
    pending: int = strawberry.field(
        description="Earned on orders that are not final yet (they can still be returned)."
    )
    expiring_soon: list[PointsExpiry] = strawberry.field(
        description="What ends within the next 30 days, soonest first."
    )
    lifetime_earned: int = strawberry.field(description="All that ever became spendable.")
    debt: int = strawberry.field(
        description="Taken back when there was nothing left to take; the next points repay it."
        " Never asked for in money."
    )
    member_id: strawberry.Private[Any]

    @strawberry.field(description="Every change of the spendable points, newest first.")
    async def entries(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        direction: Annotated[
            EntryDirection | None, strawberry.argument(description="Only what came, or what went.")
        ] = None,
    ) -> Connection[PointsEntry]:
        request = read_page(first, after, int)
        sign = {None: 0, EntryDirection.IN: 1, EntryDirection.OUT: -1}[direction]
        page = await entries_of(self.member_id, AccountKind.SPENDABLE, request, sign=sign)
        return Connection.of(page, lambda row: PointsEntry.from_row(row, info))

    @classmethod
    def of(cls, member_id: Any, summary: PointsSummary) -> PointsAccount:
        """Show a member's summary."""
        return cls(
            balance=summary.balance,
            pending=summary.pending,
            expiring_soon=[PointsExpiry(points=p, expires_at=at) for p, at in summary.expiring],
            lifetime_earned=summary.lifetime_earned,
            debt=summary.debt,
            member_id=member_id,
        )
