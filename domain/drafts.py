"""An order as a member drafts it, and what is wrong with the draft itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from domain.carts import MAX_LINE_QUANTITY
from domain.errors import ErrorCode
from domain.orders import DeliveryMethod
from domain.pricing import Problem
from domain.rules import OrderRules

MAX_COUPONS = 100
NO_ID = UUID(int=0)
"""Stands for an id that can't be one: nothing has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """A SKU and how many pieces of it."""

    sku_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """What a member would like to order: `lines`, or the selected lines of the cart.

    With `group_buy_id`, one line at the price of a team: one to open, or `group_buy_team_id`.
    """

    lines: tuple[DraftLine, ...] | None = None
    from_cart: bool = False
    delivery: DeliveryMethod = DeliveryMethod.EXPRESS
    address_id: UUID | None = None
    store_id: UUID | None = None
    coupon_ids: tuple[UUID, ...] = ()
    best_coupons: bool = False
    points_to_spend: int = 0
    use_max_points: bool = False
    group_buy_id: UUID | None = None
    group_buy_team_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedLine:
    """All pieces of one SKU in a draft; `index` is its first line there."""

    sku_id: UUID
    quantity: int
    index: int


def draft_problems(draft: OrderDraft, rules: OrderRules) -> list[Problem]:
    """Say what is wrong with the draft whatever the shop has; empty when it can be looked up."""
    if draft.from_cart:
        problems = [] if draft.lines is None else [_invalid(BOTH_SOURCES, "fromCart")]
    else:
        problems = list(_line_problems(draft.lines or (), rules))
    if len(draft.coupon_ids) > MAX_COUPONS:
        problems.append(_invalid(TOO_MANY_COUPONS, "couponIds", max=MAX_COUPONS))
    problems += _team_problems(draft)
    return problems


def _team_problems(draft: OrderDraft) -> Iterator[Problem]:
    if draft.group_buy_id is None:
        if draft.group_buy_team_id is not None:
            yield _invalid(TEAM_WITHOUT_CAMPAIGN, "groupBuyTeamId")
    elif draft.from_cart:
        yield _invalid(TEAM_FROM_CART, "fromCart")
    elif len(draft.lines or ()) > 1:
        yield _invalid(ONE_LINE_FOR_A_TEAM, "lines")


BOTH_SOURCES = "Give either lines or fromCart."
NO_LINES = "Choose at least one item."
NOTHING_SELECTED = "Nothing is selected in the cart."
TOO_MANY_LINES = "An order holds at most {max} different items."
WRONG_QUANTITY = "From 1 to {max} pieces are expected."
TEAM_WITHOUT_CAMPAIGN = "Give groupBuyId as well."
TEAM_FROM_CART = "A group buy is ordered by itself, not from the cart."
ONE_LINE_FOR_A_TEAM = "A group buy is an order of one item."
TOO_MANY_COUPONS = "At most {max} coupons can be named."


def _line_problems(lines: tuple[DraftLine, ...], rules: OrderRules) -> Iterator[Problem]:
    if not lines:
        yield _invalid(NO_LINES, "lines")
    if len(lines) > rules.max_lines:
        yield _invalid(TOO_MANY_LINES, "lines", max=rules.max_lines)
        return
    most = min(rules.max_quantity, MAX_LINE_QUANTITY)
    pieces: dict[UUID, int] = {}
    for index, line in enumerate(lines):
        pieces[line.sku_id] = pieces.get(line.sku_id, 0) + line.quantity
        if not 1 <= line.quantity <= most or pieces[line.sku_id] > most:
            yield _invalid(WRONG_QUANTITY, "lines", str(index), "quantity", max=most)


def merged(lines: tuple[DraftLine, ...]) -> list[MergedLine]:
    """Return the draft's lines with one for each SKU, in the order of their first."""
    found: dict[UUID, MergedLine] = {}
    for index, line in enumerate(lines):
        first = found.get(line.sku_id)
        found[line.sku_id] = MergedLine(
            sku_id=line.sku_id,
            quantity=line.quantity + (first.quantity if first else 0),
            index=first.index if first else index,
        )
    return list(found.values())


def selection_problems(selected: int, rules: OrderRules) -> list[Problem]:
    """Say what is wrong with the number of selected lines of a cart."""
    if selected == 0:
        return [_invalid(NOTHING_SELECTED, "fromCart")]
    if selected > rules.max_lines:
        return [_invalid(TOO_MANY_LINES, "fromCart", max=rules.max_lines)]
    return []


def _invalid(message: str, *path: str, **facts: int) -> Problem:
    return Problem(code=ErrorCode.INVALID_INPUT, message=message, path=path, facts=facts)
