"""Titles of ledger entries, by their reason."""

from __future__ import annotations

from domain.ledger import EntryReason
from resolvers.common.messages import Language, translate

ENTRY_TITLES: dict[EntryReason, str] = {
    EntryReason.ORDER: "Order",
    EntryReason.ORDER_RETURNED: "Order refunded",
    EntryReason.CHECK_IN: "Check-in",
    EntryReason.CHECK_IN_MAKE_UP: "Check-in made up for",
    EntryReason.REDEMPTION: "Reward redeemed",
    EntryReason.REDEMPTION_RETURNED: "Reward returned",
    EntryReason.ORDER_DEDUCTION: "Spent on an order",
    EntryReason.ORDER_DEDUCTION_RETURNED: "Returned from an order",
    EntryReason.INVITATION: "Invitation",
    EntryReason.CAMPAIGN: "Campaign",
    EntryReason.TIER_GIFT: "Upgrade gift",
    EntryReason.BIRTHDAY: "Birthday",
    EntryReason.PARTNER: "Partner",
    EntryReason.ADJUSTMENT: "Adjustment",
    EntryReason.EXPIRY: "Expired",
    EntryReason.SHOP_PURCHASE: "Purchase in a shop",
    EntryReason.SHOP_PURCHASE_RETURNED: "Purchase in a shop returned",
    EntryReason.COUPON_CLAIM: "Coupon bought",
    EntryReason.REVIEW: "Review",
    EntryReason.PROFILE: "Profile completed",
    EntryReason.MERGE: "Accounts merged",
    EntryReason.DEBT_REPAID: "Points owed repaid",
    EntryReason.TIER_REVIEW: "Tier review",
}


def entry_title(reason: EntryReason, language: Language) -> str:
    """Return what an entry is called."""
    return translate(ENTRY_TITLES[reason], language)
