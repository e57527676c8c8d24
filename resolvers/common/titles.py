"""Titles of ledger entries, by their reason."""

from __future__ import annotations

from typing import Any

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


TITLES_OF_THINGS: dict[EntryReason, str] = {
    EntryReason.ORDER: "Order {thing}",
    EntryReason.ORDER_RETURNED: "Order {thing} refunded",
    EntryReason.ORDER_DEDUCTION: "Spent on order {thing}",
    EntryReason.ORDER_DEDUCTION_RETURNED: "Returned from order {thing}",
    EntryReason.REDEMPTION: "Reward redeemed: {thing}",
    EntryReason.REDEMPTION_RETURNED: "Reward returned: {thing}",
    EntryReason.COUPON_CLAIM: "Coupon bought: {thing}",
    EntryReason.SHOP_PURCHASE: "Purchase at {thing}",
    EntryReason.SHOP_PURCHASE_RETURNED: "Purchase at {thing} returned",
}
"""The same, where the thing that an entry comes from has a name."""


def entry_title(entry: Any, language: Language) -> str:
    """Return what an entry's row is called; it names the thing it comes from, if that has one."""
    reason = EntryReason(entry["reason"])
    thing = entry["thing_en" if language == "en" else "thing"]
    if thing is None or reason not in TITLES_OF_THINGS:
        return translate(ENTRY_TITLES[reason], language)
    return translate(TITLES_OF_THINGS[reason], language, thing=thing)
