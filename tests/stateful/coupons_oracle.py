"""Coupons as somebody would keep them in a notebook: one entry each, and the rules by heart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass
class Entry:
    """A coupon: whose, of which campaign, and where it stands."""

    owner: UUID
    campaign: UUID | None
    for_shipping: bool
    returns: str
    start: datetime
    end: datetime
    state: str = "USABLE"
    order: UUID | None = None

    def shown(self, now: datetime) -> str:
        """Return where it stands in its member's eyes."""
        if self.state != "USABLE":
            return self.state
        if now >= self.end:
            return "EXPIRED"
        return "USABLE" if now >= self.start else "NOT_YET_VALID"

    def let_go(self, now: datetime) -> None:
        """Come back from an order."""
        self.state, self.order = ("USABLE" if now < self.end else "EXPIRED"), None


@dataclass
class Offer:
    """A campaign: when, how many, how many each."""

    opens: datetime
    closes: datetime
    quantity: int | None
    each: int
    given: int = 0

    def refusal(self, had: int, now: datetime) -> str | None:
        """Return why nothing can be had of it."""
        if now < self.opens:
            return "CAMPAIGN_NOT_STARTED"
        if now >= self.closes:
            return "CAMPAIGN_ENDED"
        if self.quantity is not None and self.given >= self.quantity:
            return "COUPON_SOLD_OUT"
        return "COUPON_LIMIT_REACHED" if had >= self.each else None


@dataclass
class Notebook:
    """All coupons and campaigns."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    offers: dict[UUID, Offer] = field(default_factory=dict)

    def had(self, owner: UUID, campaign: UUID) -> int:
        """Return how many of a campaign somebody has ever had."""
        return sum(
            entry.owner == owner and entry.campaign == campaign for entry in self.entries.values()
        )

    def held_by(self, order: UUID) -> list[Entry]:
        """Return what an order has."""
        return [entry for entry in self.entries.values() if entry.order == order]

    def may_reserve(self, ids: list[UUID], owner: UUID, now: datetime) -> bool:
        """Tell whether an order of somebody's could have these."""
        return all(
            self.entries[id_].owner == owner and self.entries[id_].shown(now) == "USABLE"
            for id_ in ids
        )

    def shown_to(self, owner: UUID, now: datetime) -> Counter[str]:
        """Return how many of somebody's coupons stand where."""
        return Counter(e.shown(now) for e in self.entries.values() if e.owner == owner)
