"""Coupons: what they promise, how long; the states they go through (rules, section 4)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.clock import business_day, end_of_business_day
from domain.errors import DomainError, ErrorCode
from domain.pricing import ALL_GOODS, Coupon, CouponKind, CouponStatus, Scope, ScopeKind
from domain.rules import WHOLE_BPS, CouponOffer

CODE_LENGTH = 16
"""Symbols of an exchange code: five bits each, 80 in all."""


class CouponOrigin(StrEnum):
    """How a member came by a coupon."""

    CLAIM = "CLAIM"
    CODE = "CODE"
    GRANT = "GRANT"
    EVENT = "EVENT"
    BENEFIT = "BENEFIT"
    CHECK_IN = "CHECK_IN"
    REWARD = "REWARD"
    IMPORT = "IMPORT"


class CampaignKind(StrEnum):
    """How the coupons of a campaign reach members."""

    CLAIM = "CLAIM"
    CODE = "CODE"
    GRANT = "GRANT"
    EVENT = "EVENT"


class CampaignState(StrEnum):
    """Whether members may see a campaign. One that was withdrawn gives no more coupons."""

    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class Audience(StrEnum):
    """Whom a campaign is for. NEWCOMERS have no paid order; LISTED are named one by one."""

    EVERYBODY = "EVERYBODY"
    NEWCOMERS = "NEWCOMERS"
    LISTED = "LISTED"


class GrantStatus(StrEnum):
    """Where giving a campaign's coupons to a list of members stands."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"


class ReturnRule(StrEnum):
    """What becomes of a used coupon when its whole order is refunded."""

    WHOLE_BEFORE_SHIPMENT = "WHOLE_BEFORE_SHIPMENT"
    """It comes back, if nothing had been shipped."""
    WHOLE = "WHOLE"
    """It comes back."""
    NEVER = "NEVER"
    """It stays used."""


MOVES: dict[CouponStatus, frozenset[CouponStatus]] = {
    CouponStatus.USABLE: frozenset(
        {CouponStatus.RESERVED, CouponStatus.USED, CouponStatus.EXPIRED, CouponStatus.REVOKED}
    ),
    CouponStatus.RESERVED: frozenset(
        {CouponStatus.USED, CouponStatus.USABLE, CouponStatus.EXPIRED}
    ),
    CouponStatus.USED: frozenset({CouponStatus.USABLE, CouponStatus.EXPIRED}),
    CouponStatus.EXPIRED: frozenset(),
    CouponStatus.REVOKED: frozenset(),
}
"""The stored states, and where each may go. A coupon goes from USABLE to USED at a till alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a coupon promises, as it is kept for good; amounts in fen.

    `max_off_fen` None stands for no limit. `description` is what the brand adds in its own words.
    """

    name: str
    name_en: str
    kind: CouponKind
    amount_off_fen: int = 0
    pay_bps: int = WHOLE_BPS
    max_off_fen: int | None = None
    min_spend_fen: int = 0
    min_pieces: int = 0
    scope: Scope = ALL_GOODS
    scope_title: str = ""
    scope_title_en: str = ""
    stacks_with_campaigns: bool = False
    gift_sku_id: UUID | None = None
    return_rule: ReturnRule = ReturnRule.WHOLE_BEFORE_SHIPMENT
    description: str = ""
    description_en: str = ""

    def coupon(self, coupon_id: UUID, valid_until: datetime, status: CouponStatus) -> Coupon:
        """Return a coupon of these terms as a quote takes it."""
        return Coupon(
            id=coupon_id,
            title=self.name,
            title_en=self.name_en,
            kind=self.kind,
            valid_until=valid_until,
            status=status,
            amount_off_fen=self.amount_off_fen,
            pay_bps=self.pay_bps,
            max_off_fen=self.max_off_fen,
            min_spend_fen=self.min_spend_fen,
            min_pieces=self.min_pieces,
            scope=self.scope,
            stacks_with_campaigns=self.stacks_with_campaigns,
            gift_sku_id=self.gift_sku_id,
        )

    @property
    def is_for_shipping(self) -> bool:
        """Tell whether a coupon of these terms takes the place of a shipping coupon."""
        return self.kind is CouponKind.FREE_SHIPPING


def terms_of_offer(offer: CouponOffer) -> Terms:
    """Return the terms of a coupon that the rules give: on all goods, 0 stands for none."""
    return Terms(
        name=offer.name,
        name_en=offer.name_en,
        kind=CouponKind(offer.kind),
        amount_off_fen=offer.amount_off_fen if offer.kind == CouponKind.AMOUNT_OFF else 0,
        pay_bps=offer.pay_bps if offer.kind == CouponKind.PERCENT_OFF else WHOLE_BPS,
        max_off_fen=offer.max_off_fen or None,
        min_spend_fen=offer.min_spend_fen,
        min_pieces=offer.min_pieces,
    )


@dataclass(frozen=True, slots=True)
class Validity:
    """When coupons of a template can be used: so many days from the claim, or a fixed window."""

    days: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Return from and until when (exclusive) a coupon that is given now can be used.

        A day is a calendar day: given at noon for one day, it ends when that day does.
        """
        if self.days is not None:
            return now, valid_days_end(now, self.days)
        assert self.valid_from is not None, "a validity has days or a window"
        assert self.valid_until is not None, "a validity has days or a window"
        return self.valid_from, self.valid_until


def valid_days_end(given_at: datetime, days: int) -> datetime:
    """Return when a coupon that is given now for so many days, today included, can't be used."""
    return end_of_business_day(business_day(given_at) + timedelta(days=days - 1))


def shown_status(
    stored: CouponStatus, valid_from: datetime, valid_until: datetime, now: datetime
) -> CouponStatus:
    """Return where a coupon stands at this instant, whatever the expiry job did."""
    if stored is not CouponStatus.USABLE:
        return stored
    if now >= valid_until:
        return CouponStatus.EXPIRED
    return CouponStatus.USABLE if now >= valid_from else CouponStatus.NOT_YET_VALID


def returns(rule: ReturnRule, *, before_shipment: bool) -> bool:
    """Tell whether a used coupon comes back when its whole order has been refunded."""
    return rule is ReturnRule.WHOLE or (
        rule is ReturnRule.WHOLE_BEFORE_SHIPMENT and before_shipment
    )


def normalise_code(typed: str) -> str:
    """Return an exchange code without what people add or change when they type it.

    Case, full width, spaces and dashes of every kind don't count.
    """
    plain = unicodedata.normalize("NFKC", typed).upper()
    return "".join(
        symbol for symbol in plain if unicodedata.category(symbol) not in ("Pd", "Zs", "Cc", "Cf")
    )


class CouponNotApplicable(DomainError):
    """A coupon can't be used on this order any more: it ended, or another order has it."""

    code = ErrorCode.COUPON_NOT_APPLICABLE
    message = "This coupon can't be used any more."

    def __init__(self, coupon_id: UUID, *, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(path=path)
        self.coupon_id = coupon_id


class CampaignInvalid(ValueError):
    """Terms or a campaign that can't be; `problems` are one line each, all found at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def terms_problems(terms: Terms) -> list[str]:
    """Return what can't hold of terms that an operator writes; empty when they can."""
    is_share = terms.kind is CouponKind.PERCENT_OFF
    amounts = (terms.min_spend_fen, terms.min_pieces, terms.amount_off_fen)
    checks = (
        (bool(terms.name.strip()), "name: a coupon has one"),
        (
            (terms.kind is CouponKind.AMOUNT_OFF) == (terms.amount_off_fen > 0),
            "amount_off: for AMOUNT_OFF, and above 0",
        ),
        (
            is_share == (terms.pay_bps < WHOLE_BPS) and terms.pay_bps >= 1,
            "pay_percent: for PERCENT_OFF, from 1 to 99",
        ),
        (terms.pay_bps % 100 == 0, "pay_percent: a whole number"),
        (min(amounts) >= 0, "no amount is below 0"),
        (terms.max_off_fen is None or terms.max_off_fen >= 1, "max_off: above 0, or none"),
        (
            (terms.kind is CouponKind.GIFT) == (terms.gift_sku_id is not None),
            "gift_sku: for GIFT, which names one",
        ),
        (
            (terms.scope.kind is ScopeKind.ALL) == (not terms.scope.ids),
            "scope: some ids for CATEGORIES and PRODUCTS, none for ALL",
        ),
    )
    return [problem for holds, problem in checks if not holds]


def validity_problems(validity: Validity) -> list[str]:
    """Return what can't hold of when coupons are valid; empty when it can."""
    window = (validity.valid_from, validity.valid_until)
    if validity.days is not None:
        return [] if validity.days >= 1 and window == (None, None) else [_ONE_VALIDITY]
    if validity.valid_from is None or validity.valid_until is None:
        return [_ONE_VALIDITY]
    is_window = validity.valid_from < validity.valid_until
    return [] if is_window else ["valid_until: after valid_from"]


_ONE_VALIDITY = "valid: either days, at least 1, or from and until"
