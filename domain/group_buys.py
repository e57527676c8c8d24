"""Group buys: where a campaign, a team and a seat stand, and who may join (rules, section 8)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import DomainError, ErrorCode
from domain.rules import OrderRules


class GroupBuyState(StrEnum):
    """What operators have done with a campaign; its window says whether it runs."""

    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"
    """No team is opened or joined any more; those that form go on to their deadline."""
    CLOSED = "CLOSED"
    """Its last team has ended, and what was set aside and left has gone back to the SKUs."""


class TeamStatus(StrEnum):
    """Where a team stands; what has ended stays as it is."""

    FORMING = "FORMING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class SeatStatus(StrEnum):
    """A seat is held by an order that awaits payment, then paid."""

    HELD = "HELD"
    PAID = "PAID"


class TeamFull(DomainError):
    """Every seat is paid, or held by somebody who is about to pay."""

    code = ErrorCode.TEAM_FULL
    message = "This team is full."


class TeamClosed(DomainError):
    """The team has ended, or is about to."""

    code = ErrorCode.TEAM_CLOSED
    message = "This team takes no more members."


class TeamAlreadyJoined(DomainError):
    """The member has a seat in this team."""

    code = ErrorCode.TEAM_ALREADY_JOINED
    message = "You are in this team already."


class TeamAlreadyOpened(TeamAlreadyJoined):
    """The member has a team of this campaign that is still forming."""

    message = "You have a team of this already. Invite others to join it."


class NewMembersOnly(DomainError):
    """Only who has never paid for an order may join, and in one team alone."""

    code = ErrorCode.NEW_MEMBERS_ONLY
    message = "Only new members can join this team."


def takes_members(expires_at: datetime, rules: OrderRules, *, now: datetime) -> bool:
    """Tell whether a team's deadline leaves time to pay: payments end a minute before theirs."""
    return now < expires_at - timedelta(seconds=rules.last_seconds_without_payment)


def held_until(expires_at: datetime, rules: OrderRules, *, now: datetime) -> datetime:
    """Return until when a seat is held, and its order can be paid: never beyond the team's end."""
    return min(now + timedelta(minutes=rules.campaign_pay_within_minutes), expires_at)


def free_position(taken: Collection[int], size: int) -> int | None:
    """Return the first place of a team, from 0, that nobody has; None when it is full."""
    return next((place for place in range(size) if place not in taken), None)
