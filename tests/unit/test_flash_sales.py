"""Flash sales: when a tier may begin, and what is told of a rejected ticket."""

from datetime import UTC, datetime

import pytest

from domain.errors import ErrorCode
from domain.flash_sales import TicketReason, opens_at, rejection
from domain.rules import Rules

CODES = {
    TicketReason.SOLD_OUT: ErrorCode.CAMPAIGN_SOLD_OUT,
    TicketReason.LIMIT_REACHED: ErrorCode.PURCHASE_LIMIT_REACHED,
    TicketReason.PURCHASE_LIMIT_REACHED: ErrorCode.PURCHASE_LIMIT_REACHED,
    TicketReason.ADDRESS_NOT_FOUND: ErrorCode.NOT_FOUND,
    TicketReason.ADDRESS_NOT_SERVED: ErrorCode.ADDRESS_NOT_SERVED,
    TicketReason.STORE_NOT_AVAILABLE: ErrorCode.STORE_NOT_AVAILABLE,
    TicketReason.NOT_FOR_SALE: ErrorCode.SKU_NOT_FOR_SALE,
    TicketReason.BLOCKED: ErrorCode.ACCOUNT_BLOCKED,
    TicketReason.CANCELLED: ErrorCode.CAMPAIGN_ENDED,
    TicketReason.LOST: ErrorCode.BUSY,
}


@pytest.mark.parametrize("reason", TicketReason)
def test_every_reason_is_told_with_its_code(reason: TicketReason) -> None:
    told = rejection(reason, limit=2, product="杯子")
    assert told.code is CODES[reason]
    assert "{" not in str(told)


def test_gold_members_begin_five_minutes_earlier() -> None:
    starts_at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    begins = {tier.code: opens_at(starts_at, tier) for tier in Rules().tiers}
    assert begins == {
        "REGULAR": starts_at,
        "SILVER": starts_at,
        "GOLD": datetime(2026, 11, 22, 11, 55, tzinfo=UTC),
    }
