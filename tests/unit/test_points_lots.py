"""Which lots give points, get them back, or lose them: pure, against oracles that count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.points import Lot, LotPart, OwnLot, Use, UsePart, capped, claw, give_back_plan, take

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
A, B, C = (UUID(int=number) for number in (1, 2, 3))
few = st.integers(0, 60)


def lots(*remaining: int) -> list[Lot]:
    return [Lot(UUID(int=number), count) for number, count in enumerate(remaining, 1)]


def use(number: int, points: int, days: int, *, written_off: bool = False) -> Use:
    return Use(
        UUID(int=100 + number),
        UUID(int=number),
        points,
        NOW + timedelta(days=days),
        is_written_off=written_off,
    )


def test_lots_give_in_their_order() -> None:
    assert take(lots(10, 0, 5, 8), 12) == [LotPart(A, 10), LotPart(C, 2)]
    assert take(lots(10), 10) == [LotPart(A, 10)]
    assert take(lots(10), 0) == []


def test_lots_that_hold_too_little_give_nothing() -> None:
    assert take(lots(10, 5), 16) is None
    assert take([], 1) is None


@given(st.lists(few), st.integers(0, 400))
def test_what_is_taken_is_what_was_asked_from_the_first_lots(held: list[int], points: int) -> None:
    parts = take(lots(*held), points)
    if points > sum(held):
        assert parts is None
        return
    assert parts is not None
    left = {lot.id: lot.remaining for lot in lots(*held)}
    for part in parts:
        assert 0 < part.points <= left[part.lot_id]
        left[part.lot_id] -= part.points
    assert sum(part.points for part in parts) == points
    # A lot gives only once those before it are empty.
    touched = [i for i, lot in enumerate(lots(*held)) if left[lot.id] != lot.remaining]
    assert all(left[UUID(int=i + 1)] == 0 for i in range(max(touched, default=0)))


def test_a_part_goes_back_to_the_lots_that_expire_last() -> None:
    uses = [use(1, 100, 10), use(2, 50, 60)]
    plan = give_back_plan(uses, 60, now=NOW)
    assert plan.lots == (LotPart(B, 50), LotPart(A, 10))
    assert plan.uses == (UsePart(UUID(int=102), 50), UsePart(UUID(int=101), 10))
    assert (plan.points, plan.late) == (60, 0)


def test_what_a_lot_gave_that_has_ended_comes_late() -> None:
    ended = [use(1, 30, -1), use(2, 20, 0), use(3, 10, 5, written_off=True)]
    plan = give_back_plan([*ended, use(4, 5, 1)], 65, now=NOW)
    assert plan.lots == (LotPart(UUID(int=4), 5),)
    assert (plan.points, plan.late) == (65, 60)


def test_no_more_is_planned_than_was_spent() -> None:
    assert give_back_plan([use(1, 30, 1)], 31, now=NOW).points == 30
    assert give_back_plan([], 31, now=NOW).points == 0


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(-3, 30)), min_size=1, max_size=6),
    st.lists(st.integers(1, 40), max_size=6),
)
def test_any_sequence_of_returns_ends_where_one_return_would(
    spent: list[tuple[int, int]], steps: list[int]
) -> None:
    def returned(amounts: list[int]) -> tuple[dict[UUID, int], int]:
        uses = {
            each.id: each
            for each in (use(n, points, days) for n, (points, days) in enumerate(spent))
        }
        back: dict[UUID, int] = {}
        late = 0
        for amount in amounts:
            plan = give_back_plan(list(uses.values()), amount, now=NOW)
            late += plan.late
            for part in plan.lots:
                back[part.lot_id] = back.get(part.lot_id, 0) + part.points
            for taken in plan.uses:
                before = uses[taken.use_id]
                uses[taken.use_id] = Use(
                    before.id,
                    before.lot_id,
                    before.points - taken.points,
                    before.expires_at,
                    is_written_off=False,
                )
        return back, late

    total = sum(points for points, _ in spent)
    edges = sorted({min(edge, total) for edge in accumulate(steps, initial=0)} | {total})
    assert returned([high - low for low, high in pairwise(edges)]) == returned([total])


def test_the_own_lot_is_clawed_first_then_others_then_it_is_owed() -> None:
    plan = claw(OwnLot(C, 30, 0), lots(20, 5), 60)
    assert plan.parts == (LotPart(C, 30), LotPart(A, 20), LotPart(B, 5))
    assert (plan.taken, plan.forgiven, plan.debt) == (55, 0, 5)


def test_own_points_that_expired_are_let_go_once() -> None:
    once = claw(OwnLot(C, 0, 60), lots(100), 100)
    assert (once.taken, once.forgiven, once.debt) == (40, 60, 0)
    first = claw(OwnLot(C, 0, 60), lots(100), 50)
    second = claw(OwnLot(C, 0, 60 - first.forgiven), lots(100 - first.taken), 50)
    assert (first.forgiven, second.forgiven) == (50, 10)
    assert (first.taken + second.taken, second.debt) == (40, 0)


def test_without_a_lot_of_its_own_the_first_lots_give() -> None:
    plan = claw(None, lots(5, 10), 8)
    assert plan.parts == (LotPart(A, 5), LotPart(B, 3))
    assert claw(None, [], 8).debt == 8


@given(few, few, st.lists(few, max_size=5), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_clawing_in_parts_takes_what_clawing_at_once_does(
    remaining: int, expired: int, others: list[int], parts: list[int]
) -> None:
    if remaining and expired:
        remaining = 0  # A lot expires as a whole.

    def after(amounts: list[int]) -> tuple[int, dict[UUID, int], int, int]:
        own, left, forgiven, debt = remaining, lots(*others), 0, 0
        for amount in amounts:
            plan = claw(OwnLot(UUID(int=99), own, expired - forgiven), left, amount)
            assert plan.taken + plan.forgiven + plan.debt == amount
            taken = {part.lot_id: part.points for part in plan.parts}
            own -= taken.pop(UUID(int=99), 0)
            left = [Lot(lot.id, lot.remaining - taken.get(lot.id, 0)) for lot in left]
            forgiven, debt = forgiven + plan.forgiven, debt + plan.debt
        return own, {lot.id: lot.remaining for lot in left}, forgiven, debt

    assert after(parts) == after([sum(parts)])


@given(few, few, few)
def test_a_cap_lets_through_what_is_left_of_it(points: int, given_before: int, cap: int) -> None:
    through = capped(points, given_before, cap)
    assert 0 <= through <= points
    assert through == points or given_before + through == max(cap, given_before)
