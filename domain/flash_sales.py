"""Flash sales: where a sale and a ticket stand, and why one was rejected (rules, section 7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from domain.campaigns import CampaignCancelled, CampaignLimitReached, CampaignSoldOut
from domain.carts import SkuNotForSale
from domain.errors import AccountBlocked, DomainError, ErrorCode, NotFound
from domain.order_addresses import AddressNotServed
from domain.rules import TierRules


class FlashSaleState(StrEnum):
    """What operators have done with a sale; its window says whether it runs."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"
    CLOSED = "CLOSED"
    """It is over, and what was left has gone back to the SKUs."""


class TicketStatus(StrEnum):
    """Where a ticket stands. QUEUED is what nobody has decided yet: it is never stored."""

    QUEUED = "QUEUED"
    ORDERED = "ORDERED"
    REJECTED = "REJECTED"


class TicketReason(StrEnum):
    """Why a ticket was rejected; its pieces went back to the sale."""

    SOLD_OUT = "SOLD_OUT"
    LIMIT_REACHED = "LIMIT_REACHED"
    """As many of the item as the sale gives each member."""
    PURCHASE_LIMIT_REACHED = "PURCHASE_LIMIT_REACHED"
    """As many of the SKU as each member may ever buy."""
    ADDRESS_NOT_FOUND = "ADDRESS_NOT_FOUND"
    ADDRESS_NOT_SERVED = "ADDRESS_NOT_SERVED"
    STORE_NOT_AVAILABLE = "STORE_NOT_AVAILABLE"
    NOT_FOR_SALE = "NOT_FOR_SALE"
    BLOCKED = "BLOCKED"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    """The queue forgot it: Redis was lost or went back in time."""


class StoreNotAvailable(DomainError):
    """The chosen store hands out no orders any more."""

    code = ErrorCode.STORE_NOT_AVAILABLE
    message = "This store doesn't hand out orders now."


class StoreRequired(DomainError):
    """Who collects has to say where."""

    code = ErrorCode.STORE_REQUIRED
    message = "Please choose a store."


class PlaceLost(DomainError):
    """A ticket that the queue forgot; the member may claim again."""

    code = ErrorCode.BUSY
    message = "Your place in the queue was lost. Please try again."


class SkuLimitReached(DomainError):
    """The member has had as many pieces of the SKU as each may ever buy."""

    code = ErrorCode.PURCHASE_LIMIT_REACHED
    message = "You have had as many of {product} as each member may."


def rejection(reason: TicketReason, *, limit: int, product: str) -> DomainError:
    """Return what a member is told; `limit` is the item's for each member."""
    match reason:
        case TicketReason.LIMIT_REACHED:
            return CampaignLimitReached(limit=limit)
        case TicketReason.PURCHASE_LIMIT_REACHED:
            return SkuLimitReached(product=product)
        case TicketReason.NOT_FOR_SALE:
            return SkuNotForSale(product=product)
        case TicketReason.ADDRESS_NOT_FOUND:
            return NotFound(thing="address")
    return _TOLD_ALIKE[reason]()


_TOLD_ALIKE: dict[TicketReason, type[DomainError]] = {
    TicketReason.SOLD_OUT: CampaignSoldOut,
    TicketReason.ADDRESS_NOT_SERVED: AddressNotServed,
    TicketReason.STORE_NOT_AVAILABLE: StoreNotAvailable,
    TicketReason.BLOCKED: AccountBlocked,
    TicketReason.CANCELLED: CampaignCancelled,
    TicketReason.LOST: PlaceLost,
}
"""Reasons that need no facts."""


def opens_at(starts_at: datetime, tier: TierRules) -> datetime:
    """Return from when on members of a tier may claim: some before the others."""
    return starts_at - timedelta(minutes=tier.priority_minutes)
