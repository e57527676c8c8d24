"""Seats of a team: how long they are held, and which place is free."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.group_buys import free_position, held_until, takes_members
from domain.rules import OrderRules

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
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
