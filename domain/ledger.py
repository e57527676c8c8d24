"""The shape of the ledger: double entry, immutable, in points and in growth (rules, section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5


class Unit(StrEnum):
    """What an account counts; a transaction holds postings of one unit."""

    POINTS = "POINTS"
    GROWTH = "GROWTH"


class AccountKind(StrEnum):
    """A member's accounts have a stored balance, never below zero; the system's have none."""

    SPENDABLE = "SPENDABLE"
    PENDING = "PENDING"
    DEBT = "DEBT"
    GROWTH = "GROWTH"
    GROWTH_PENDING = "GROWTH_PENDING"
    ISSUED = "ISSUED"
    REDEEMED = "REDEEMED"
    EXPIRED = "EXPIRED"
    PARTNER = "PARTNER"
    ADJUSTMENT = "ADJUSTMENT"
    GROWTH_ISSUED = "GROWTH_ISSUED"
    OWED = "OWED"


MEMBER_ACCOUNTS: dict[AccountKind, Unit] = {
    AccountKind.SPENDABLE: Unit.POINTS,
    AccountKind.PENDING: Unit.POINTS,
    AccountKind.DEBT: Unit.POINTS,
    AccountKind.GROWTH: Unit.GROWTH,
    AccountKind.GROWTH_PENDING: Unit.GROWTH,
}
"""The accounts that every member has, and their unit. Growth awaiting finality has its own."""

SYSTEM_ACCOUNTS: dict[AccountKind, UUID] = {
    kind: UUID(int=number)
    for number, kind in enumerate(
        (
            AccountKind.ISSUED,
            AccountKind.REDEEMED,
            AccountKind.EXPIRED,
            AccountKind.PARTNER,
            AccountKind.ADJUSTMENT,
            AccountKind.GROWTH_ISSUED,
            AccountKind.OWED,
        ),
        start=1,
    )
}
"""Accounts without an owner: fixed ids, no stored balance, never locked. OWED faces the debts."""


class EntryReason(StrEnum):
    """Why an entry was written; the words of PointsReason and GrowthReason."""

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
    TIER_REVIEW = "TIER_REVIEW"


class SourceKind(StrEnum):
    """What a transaction comes from; with the source's id, reason and unit it is unique.

    An order writes twice: when it is paid (pending) and when it is final (spendable).
    """

    ORDER = "ORDER"
    ORDER_FINALITY = "ORDER_FINALITY"
    REFUND = "REFUND"
    MEMBER_MERGE = "MEMBER_MERGE"
    ADJUSTMENT = "ADJUSTMENT"
    CHECK_IN = "CHECK_IN"
    COUPON = "COUPON"
    REDEMPTION = "REDEMPTION"
    SHOP_PURCHASE = "SHOP_PURCHASE"
    SHOP_RETURN = "SHOP_RETURN"
    TIER_TERM = "TIER_TERM"
    TIER_GIFT = "TIER_GIFT"
    LOT_EXPIRY = "LOT_EXPIRY"
    INVITATION = "INVITATION"
    BENEFIT = "BENEFIT"
    LEAVING = "LEAVING"


Source = tuple[SourceKind, UUID]
"""What a transaction comes from: the kind of the thing, and its id."""


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount moved from one account to another: it can't be unbalanced."""

    debit: UUID
    credit: UUID
    amount: int

    def __post_init__(self) -> None:
        """Refuse what no posting can be; these are our own mistakes, never input."""
        assert self.amount > 0, "a posting moves something"
        assert self.debit != self.credit, "a posting has two sides"


def member_account(member_id: UUID, kind: AccountKind) -> UUID:
    """Return the id of a member's account: made from both, so that nobody has to look it up."""
    assert kind in MEMBER_ACCOUNTS, "a system account has no member"
    return uuid5(member_id, kind.value)


def system_account(kind: AccountKind) -> UUID:
    """Return the fixed id of a system account."""
    return SYSTEM_ACCOUNTS[kind]
