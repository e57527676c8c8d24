"""Group buys: where a campaign, a team and a seat stand, and who may join (rules, section 8)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.campaigns import (
    CampaignCancelled,
    CampaignEnded,
    CampaignLimitReached,
    CampaignNotStarted,
    CampaignStatus,
    campaign_status,
)
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


def team_ends_at(team_hours: int, *, now: datetime) -> datetime:
    """Return the deadline of a team that is opened now."""
    return now + timedelta(hours=team_hours)


def free_position(taken: Collection[int], size: int) -> int | None:
    """Return the first place of a team, from 0, that nobody has; None when it is full."""
    return next((place for place in range(size) if place not in taken), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBuyTerms:
    """What there is to know of a campaign, whoever looks."""

    state: GroupBuyState
    starts_at: datetime
    ends_at: datetime
    per_member_limit: int
    new_members_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFacts:
    """A team at an instant: `taken` counts seats that are paid, or still held."""

    status: TeamStatus
    expires_at: datetime
    size: int
    taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamViewer:
    """Who would like to open or join a team, and their part in this campaign already.

    `pieces` are those they have of it, unpaid ones included. `is_newcomer`: they have no paid order
    and no other seat for newcomers.
    """

    has_seat: bool = False
    opened_this: bool = False
    has_open_team: bool = False
    is_newcomer: bool = True
    pieces: int = 0


def judge(
    campaign: GroupBuyTerms,
    team: TeamFacts | None,
    viewer: TeamViewer | None,
    rules: OrderRules,
    *,
    now: datetime,
    pieces: int = 1,
) -> DomainError | None:
    """Return why this team can't be joined now, or none be opened (`team` is None); None if it can.

    Of a viewer who isn't known, only what holds for everybody is told. Paths run from the draft.
    """
    if team is None:
        refusal = _refuses_opening(campaign, viewer, now)
    else:
        refusal = _refuses_joining(campaign, team, viewer, rules, now)
    if refusal is not None or viewer is None:
        return refusal
    if viewer.pieces + pieces > campaign.per_member_limit:
        return CampaignLimitReached(path=_PIECES, limit=campaign.per_member_limit)
    return None


_CAMPAIGN = ("groupBuyId",)
_TEAM = ("groupBuyTeamId",)
_PIECES = ("lines", "0", "quantity")


def _refuses_opening(
    campaign: GroupBuyTerms, viewer: TeamViewer | None, now: datetime
) -> DomainError | None:
    status = campaign_status(campaign.starts_at, campaign.ends_at, now)
    if campaign.state is GroupBuyState.CANCELLED:
        return CampaignCancelled(path=_CAMPAIGN)
    if campaign.state is GroupBuyState.CLOSED or status is CampaignStatus.ENDED:
        return CampaignEnded(path=_CAMPAIGN)
    if status is CampaignStatus.UPCOMING:
        return CampaignNotStarted(path=_CAMPAIGN)
    if viewer is not None and viewer.has_open_team:
        return TeamAlreadyOpened(path=_CAMPAIGN)
    return None


def _refuses_joining(
    campaign: GroupBuyTerms,
    team: TeamFacts,
    viewer: TeamViewer | None,
    rules: OrderRules,
    now: datetime,
) -> DomainError | None:
    if viewer is not None and viewer.has_seat:
        return TeamAlreadyJoined(path=_TEAM)
    if team.status is TeamStatus.SUCCEEDED:
        return TeamFull(path=_TEAM)
    if team.status is TeamStatus.FAILED or not takes_members(team.expires_at, rules, now=now):
        return TeamClosed(path=_TEAM)
    if campaign.state is not GroupBuyState.PUBLISHED:
        return CampaignCancelled(path=_CAMPAIGN)
    if team.taken >= team.size:
        return TeamFull(path=_TEAM)
    if viewer is None or viewer.opened_this or viewer.is_newcomer:
        return None
    return NewMembersOnly(path=_TEAM) if campaign.new_members_only else None
