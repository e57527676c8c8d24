"""Step 5, points spent, and what the paid goods earn (rules, sections 1, 2 and 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd

from domain.errors import ErrorCode
from domain.money import floor_bps, floor_per_yuan, split, split_runs
from domain.pricing import texts
from domain.pricing.inputs import Buyer, DiscountKind, QuoteRequest
from domain.pricing.results import Facts, Problem, UnitShares
from domain.pricing.worksheet import Cause
from domain.rules import PointsRules, Rules

_PATH = ("pointsToSpend",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The points that an order takes and what they take off; with a problem, none."""

    points: int
    off_fen: int
    max_points: int
    max_off_fen: int
    problem: Problem | None = None

    @property
    def cause(self) -> Cause:
        """Return the points as the cause of a discount."""
        return Cause(kind=DiscountKind.POINTS, title=texts.POINTS, facts={})


def spend_points(request: QuoteRequest, goods_fen: int) -> Spending:
    """Decide the points spent on the goods payable after step 4; too many are never clamped."""
    rules = request.rules.points
    balance = request.buyer.points_balance if request.buyer.may_use_what_they_have else 0
    max_points = _max_points(rules, goods_fen=goods_fen, balance=balance)
    points = max_points if request.use_max_points else request.points_to_spend
    problem = None if points == max_points else _problem(request, points, goods_fen=goods_fen)
    spent = 0 if problem else points
    return Spending(
        points=spent,
        off_fen=_worth_fen(rules, spent),
        max_points=max_points,
        max_off_fen=_worth_fen(rules, max_points),
        problem=problem,
    )


def _points_step(rules: PointsRules) -> int:
    """Return the fewest points that are worth whole fen: 1 at 100 points a yuan, 3 at 300."""
    return rules.points_per_yuan_off // gcd(rules.points_per_yuan_off, 100)


def _worth_fen(rules: PointsRules, points: int) -> int:
    return points * 100 // rules.points_per_yuan_off


def _points_for(rules: PointsRules, amount_fen: int) -> int:
    """Return the most points whose worth is within an amount, in whole steps."""
    step = _points_step(rules)
    return amount_fen * rules.points_per_yuan_off // 100 // step * step


def _max_points(rules: PointsRules, *, goods_fen: int, balance: int) -> int:
    step = _points_step(rules)
    most = min(_cap_points(rules, goods_fen), balance // step * step)
    return most if most >= rules.min_points_to_spend else 0


def _cap_points(rules: PointsRules, goods_fen: int) -> int:
    return _points_for(rules, floor_bps(goods_fen, rules.max_share_bps))


def _problem(request: QuoteRequest, points: int, *, goods_fen: int) -> Problem | None:
    """Say why these points can't be spent; the member's own limit comes before the order's."""
    rules, buyer = request.rules.points, request.buyer
    if points == 0:
        return None
    if points < 0:
        return _refuse(ErrorCode.INVALID_INPUT, texts.POINTS_BELOW_ZERO, {})
    if not buyer.may_use_what_they_have:
        return _refuse(ErrorCode.CONSENT_REQUIRED, texts.POINTS_NEED_CONSENT, {})
    if points > buyer.points_balance:
        facts: Facts = {"balance": buyer.points_balance}
        return _refuse(ErrorCode.INSUFFICIENT_POINTS, texts.POINTS_BEYOND_BALANCE, facts)
    cap = _cap_points(rules, goods_fen)
    if points > cap:
        return _refuse(ErrorCode.POINTS_NOT_USABLE, texts.POINTS_BEYOND_CAP, {"max_points": cap})
    if points < rules.min_points_to_spend:
        facts = {"min_points": rules.min_points_to_spend}
        return _refuse(ErrorCode.POINTS_NOT_USABLE, texts.POINTS_BELOW_MIN, facts)
    step = _points_step(rules)
    if points % step:
        return _refuse(ErrorCode.POINTS_NOT_USABLE, texts.POINTS_NOT_WHOLE_FEN, {"step": step})
    return None


def _refuse(code: ErrorCode, message: str, facts: Facts) -> Problem:
    return Problem(code=code, message=message, path=_PATH, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What an order's goods earn, and its lines' units with their shares of it."""

    points: int
    growth: int
    lines: tuple[tuple[UnitShares, ...], ...]


def with_earnings(lines: Sequence[Sequence[UnitShares]], buyer: Buyer, rules: Rules) -> Earned:
    """Give paid units the points and growth that they earn at this moment.

    Both are floored once per order on what is paid for the goods, then split by what each line and
    unit costs. The multipliers are the tier's and the buyer's extra ones; growth has none. A
    visitor earns nothing.
    """
    paid_fen = sum(unit.pieces * unit.payable_fen for units in lines for unit in units)
    points = growth = 0
    if buyer.is_member:
        multipliers = (buyer.tier.points_multiplier_bps, *buyer.extra_multipliers_bps)
        points = floor_per_yuan(paid_fen, rules.points.points_per_yuan, multipliers)
        growth = floor_per_yuan(paid_fen, rules.growth.growth_per_yuan)
    given = _spread(lines, points, _with_points)
    given = _spread(given, growth, _with_growth)
    return Earned(points=points, growth=growth, lines=tuple(tuple(units) for units in given))


def _with_points(unit: UnitShares, pieces: int, share: int) -> UnitShares:
    return UnitShares(
        pieces,
        unit.discounts_fen,
        unit.points_spent,
        unit.payable_fen,
        share,
        unit.growth_to_earn,
    )


def _with_growth(unit: UnitShares, pieces: int, share: int) -> UnitShares:
    return UnitShares(
        pieces,
        unit.discounts_fen,
        unit.points_spent,
        unit.payable_fen,
        unit.points_to_earn,
        share,
    )


def _spread(
    lines: Sequence[Sequence[UnitShares]],
    amount: int,
    give: Callable[[UnitShares, int, int], UnitShares],
) -> list[list[UnitShares]]:
    """Split an amount over lines, then units, by what they cost; `give` writes a unit's share."""
    costs = [[(unit.pieces, unit.payable_fen) for unit in units] for units in lines]
    shares = split(amount, [sum(pieces * fen for pieces, fen in runs) for runs in costs])
    return [
        [
            give(unit, pieces, share)
            for unit, parts in zip(units, split_runs(line_share, runs), strict=True)
            for pieces, share in parts
        ]
        for units, runs, line_share in zip(lines, costs, shares, strict=True)
    ]
