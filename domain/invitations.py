"""What an invitation brings, and to whom it brings nothing (rules, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import DomainError, ErrorCode


class NotRewarded(StrEnum):
    """Why the inviter got nothing for an invited member's first order."""

    DAILY_CAP = "DAILY_CAP"
    SAME_PERSON = "SAME_PERSON"
    SAME_PHONE = "SAME_PHONE"
    CAME_BACK = "CAME_BACK"
    INVITER_GONE = "INVITER_GONE"


_NEITHER = frozenset({NotRewarded.SAME_PERSON, NotRewarded.SAME_PHONE, NotRewarded.CAME_BACK})
"""Reasons that leave the invited member without a reward, too: they are no newcomer."""


class InviteeStatus(StrEnum):
    """How far an invited person is, as their inviter sees it."""

    JOINED = "JOINED"
    ORDERED = "ORDERED"
    REWARDED = "REWARDED"
    NOT_REWARDED = "NOT_REWARDED"


class InvitationNotPossible(DomainError):
    """One's own invitation, a second one, or one for somebody who is a member already."""

    code = ErrorCode.NOT_ALLOWED
    message = "Invitations are for newcomers, and each accepts one."

    def __init__(self) -> None:
        super().__init__(path=("inviteCode",))


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationFacts:
    """What decides on an invitation's reward when the first order is final.

    `is_phone_known`: the invited member's phone is their inviter's, or has counted for another
    invitation. `came_back`: they had an account that ended, and newcomers' gifts have to wait.
    `rewarded_today` counts the inviter's rewarded invitations of the day.
    """

    is_same_person: bool
    is_phone_known: bool
    came_back: bool
    is_inviter_there: bool
    rewarded_today: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Points for both sides, and why the inviter gets none."""

    inviter_points: int
    invitee_points: int
    refused: NotRewarded | None


def decide(facts: InvitationFacts, *, points: int, cap: int) -> Decision:
    """Reward both; over the day's cap, or with an inviter who is gone, the newcomer alone."""
    refused = _refusal(facts, cap)
    return Decision(
        inviter_points=0 if refused else points,
        invitee_points=0 if refused in _NEITHER else points,
        refused=refused,
    )


def _refusal(facts: InvitationFacts, cap: int) -> NotRewarded | None:
    checks = (
        (facts.is_same_person, NotRewarded.SAME_PERSON),
        (facts.is_phone_known, NotRewarded.SAME_PHONE),
        (facts.came_back, NotRewarded.CAME_BACK),
        (not facts.is_inviter_there, NotRewarded.INVITER_GONE),
        (facts.rewarded_today >= cap, NotRewarded.DAILY_CAP),
    )
    return next((reason for holds, reason in checks if holds), None)


def invitee_status(*, has_ordered: bool, is_settled: bool, points: int) -> InviteeStatus:
    """Return how far an invited person is; `points` are what the inviter got and kept."""
    if is_settled:
        return InviteeStatus.REWARDED if points else InviteeStatus.NOT_REWARDED
    return InviteeStatus.ORDERED if has_ordered else InviteeStatus.JOINED
