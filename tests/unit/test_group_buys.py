"""Seats of a team: how long they are held, which place is free, and who may take it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.group_buys import (
    GroupBuyState,
    GroupBuyTerms,
    TeamFacts,
    TeamStatus,
    TeamViewer,
    free_position,
    held_until,
    judge,
    takes_members,
)
from domain.rules import OrderRules

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RULES = OrderRules()


def test_a_seat_is_held_for_fifteen_minutes_or_until_the_teams_end() -> None:
    assert held_until(NOW + timedelta(hours=24), RULES, now=NOW) == NOW + timedelta(minutes=15)
    assert held_until(NOW + timedelta(minutes=9), RULES, now=NOW) == NOW + timedelta(minutes=9)


def test_nobody_joins_who_could_not_pay_in_time() -> None:
    assert takes_members(NOW + timedelta(seconds=61), RULES, now=NOW)
    assert not takes_members(NOW + timedelta(seconds=60), RULES, now=NOW)


@given(
    st.integers(2, 100).flatmap(
        lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))
    )
)
def test_the_first_free_place_is_taken(team: tuple[int, set[int]]) -> None:
    size, taken = team
    place = free_position(taken, size)
    if len(taken) == size:
        assert place is None
    else:
        assert place is not None
        assert place not in taken
        assert set(range(place)) <= taken


def campaign(**changes: Any) -> GroupBuyTerms:
    """Return a campaign that runs, of at most three pieces each."""
    terms = GroupBuyTerms(
        state=GroupBuyState.PUBLISHED,
        starts_at=NOW - HOUR,
        ends_at=NOW + HOUR,
        per_member_limit=3,
        new_members_only=False,
    )
    return replace(terms, **changes)


def team(**changes: Any) -> TeamFacts:
    """Return a team of three with one free seat."""
    facts = TeamFacts(status=TeamStatus.FORMING, expires_at=NOW + HOUR, size=3, taken=2)
    return replace(facts, **changes)


def code(
    terms: GroupBuyTerms, facts: TeamFacts | None, viewer: TeamViewer | None, *, pieces: int = 1
) -> tuple[str, str] | None:
    refusal = judge(terms, facts, viewer, RULES, now=NOW, pieces=pieces)
    return None if refusal is None else (refusal.code, ".".join(refusal.path))


@pytest.mark.parametrize(
    ("terms", "viewer", "told"),
    [
        ({}, {}, None),
        ({"starts_at": NOW + HOUR / 2}, {}, ("CAMPAIGN_NOT_STARTED", "groupBuyId")),
        ({"ends_at": NOW}, {}, ("CAMPAIGN_ENDED", "groupBuyId")),
        ({"state": GroupBuyState.CANCELLED}, {}, ("CAMPAIGN_ENDED", "groupBuyId")),
        ({"state": GroupBuyState.CLOSED}, {}, ("CAMPAIGN_ENDED", "groupBuyId")),
        ({}, {"has_open_team": True}, ("TEAM_ALREADY_JOINED", "groupBuyId")),
        ({"new_members_only": True}, {"is_newcomer": False}, None),
        ({}, {"pieces": 3}, ("PURCHASE_LIMIT_REACHED", "lines.0.quantity")),
    ],
)
def test_who_opens_a_team(
    terms: dict[str, Any], viewer: dict[str, Any], told: tuple[str, str] | None
) -> None:
    assert code(campaign(**terms), None, TeamViewer(**viewer)) == told


@pytest.mark.parametrize(
    ("terms", "facts", "viewer", "told"),
    [
        ({}, {}, {}, None),
        ({"ends_at": NOW}, {}, {}, None),
        ({}, {"taken": 3}, {}, ("TEAM_FULL", "groupBuyTeamId")),
        ({}, {"status": TeamStatus.SUCCEEDED}, {}, ("TEAM_FULL", "groupBuyTeamId")),
        ({}, {"status": TeamStatus.FAILED}, {}, ("TEAM_CLOSED", "groupBuyTeamId")),
        ({}, {"expires_at": NOW + MINUTE}, {}, ("TEAM_CLOSED", "groupBuyTeamId")),
        ({"state": GroupBuyState.CANCELLED}, {}, {}, ("CAMPAIGN_ENDED", "groupBuyId")),
        ({}, {"taken": 3}, {"has_seat": True}, ("TEAM_ALREADY_JOINED", "groupBuyTeamId")),
        ({}, {}, {"has_open_team": True}, None),
        ({}, {}, {"is_newcomer": False}, None),
        (
            {"new_members_only": True},
            {},
            {"is_newcomer": False},
            ("NEW_MEMBERS_ONLY", "groupBuyTeamId"),
        ),
        ({"new_members_only": True}, {}, {"is_newcomer": False, "opened_this": True}, None),
        ({}, {}, {"pieces": 3}, ("PURCHASE_LIMIT_REACHED", "lines.0.quantity")),
    ],
)
def test_who_joins_a_team(
    terms: dict[str, Any],
    facts: dict[str, Any],
    viewer: dict[str, Any],
    told: tuple[str, str] | None,
) -> None:
    assert code(campaign(**terms), team(**facts), TeamViewer(**viewer)) == told


def test_pieces_count_with_those_that_the_member_has() -> None:
    assert code(campaign(), None, TeamViewer(pieces=1), pieces=2) is None
    assert code(campaign(), None, TeamViewer(pieces=1), pieces=3) is not None


def test_of_a_stranger_only_what_holds_for_all_is_told() -> None:
    assert code(campaign(new_members_only=True), team(), None) is None
    assert code(campaign(), None, None, pieces=99) is None
    assert code(campaign(), team(taken=3), None) == ("TEAM_FULL", "groupBuyTeamId")
