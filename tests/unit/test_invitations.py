"""Who is rewarded for an invitation, and why not."""

from __future__ import annotations

from typing import Any

import pytest

from domain.invitations import (
    Decision,
    InvitationFacts,
    InviteeStatus,
    NotRewarded,
    decide,
    invitee_status,
)

HONEST: dict[str, Any] = {
    "is_same_person": False,
    "is_phone_known": False,
    "came_back": False,
    "is_inviter_there": True,
    "rewarded_today": 9,
}


def decided(**other: Any) -> Decision:
    return decide(InvitationFacts(**HONEST | other), points=100, cap=10)


def test_both_sides_are_rewarded_up_to_the_day_s_cap() -> None:
    assert decided() == Decision(100, 100, None)


@pytest.mark.parametrize(
    ("other", "invitee_points", "reason"),
    [
        ({"rewarded_today": 10}, 100, NotRewarded.DAILY_CAP),
        ({"rewarded_today": 12}, 100, NotRewarded.DAILY_CAP),
        ({"is_inviter_there": False}, 100, NotRewarded.INVITER_GONE),
        ({"is_same_person": True}, 0, NotRewarded.SAME_PERSON),
        ({"is_phone_known": True}, 0, NotRewarded.SAME_PHONE),
        ({"came_back": True}, 0, NotRewarded.CAME_BACK),
        ({"came_back": True, "rewarded_today": 10}, 0, NotRewarded.CAME_BACK),
    ],
)
def test_the_inviter_gets_nothing(
    other: dict[str, Any], invitee_points: int, reason: NotRewarded
) -> None:
    assert decided(**other) == Decision(0, invitee_points, reason)


@pytest.mark.parametrize(
    ("has_ordered", "is_settled", "points", "status"),
    [
        (False, False, 0, InviteeStatus.JOINED),
        (True, False, 0, InviteeStatus.ORDERED),
        (True, True, 100, InviteeStatus.REWARDED),
        (True, True, 0, InviteeStatus.NOT_REWARDED),
        (False, True, 100, InviteeStatus.REWARDED),
    ],
)
def test_how_far_an_invited_person_is(
    has_ordered: bool, is_settled: bool, points: int, status: InviteeStatus
) -> None:
    shown = invitee_status(has_ordered=has_ordered, is_settled=is_settled, points=points)
    assert shown is status
