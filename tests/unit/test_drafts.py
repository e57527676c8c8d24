"""What is wrong with a draft itself."""

from uuid import UUID

import pytest

from domain.drafts import DraftLine, OrderDraft, draft_problems, merged
from domain.errors import ErrorCode
from domain.rules import OrderRules

RULES = OrderRules()
APPLE, PEAR = UUID(int=1), UUID(int=2)


def lines(*quantities: int, sku_id: UUID | None = None) -> tuple[DraftLine, ...]:
    return tuple(
        DraftLine(sku_id=sku_id or UUID(int=index + 1), quantity=quantity)
        for index, quantity in enumerate(quantities)
    )


@pytest.mark.parametrize(
    ("draft", "paths"),
    [
        (OrderDraft(lines=lines(1, 99)), []),
        (OrderDraft(from_cart=True), []),
        (OrderDraft(), [("lines",)]),
        (OrderDraft(lines=()), [("lines",)]),
        (OrderDraft(lines=lines(1), from_cart=True), [("fromCart",)]),
        (OrderDraft(lines=lines(1), group_buy_id=PEAR, group_buy_team_id=PEAR), []),
        (OrderDraft(lines=lines(1), group_buy_team_id=PEAR), [("groupBuyTeamId",)]),
        (OrderDraft(from_cart=True, group_buy_id=PEAR), [("fromCart",)]),
        (OrderDraft(lines=lines(1, 1), group_buy_id=PEAR), [("lines",)]),
        (OrderDraft(lines=lines(1, 1, sku_id=APPLE), group_buy_id=PEAR), [("lines",)]),
        (OrderDraft(lines=(), from_cart=True), [("fromCart",)]),
        (
            OrderDraft(lines=lines(0, 1, -1, 100, 2**31 - 1)),
            [
                ("lines", "0", "quantity"),
                ("lines", "2", "quantity"),
                ("lines", "3", "quantity"),
                ("lines", "4", "quantity"),
            ],
        ),
        (OrderDraft(lines=lines(*[1] * 100)), []),
        (OrderDraft(lines=lines(*[1] * 101)), [("lines",)]),
        (OrderDraft(lines=lines(60, 39, sku_id=APPLE)), []),
        (OrderDraft(lines=lines(60, 40, sku_id=APPLE)), [("lines", "1", "quantity")]),
        (OrderDraft(lines=lines(1), coupon_ids=(APPLE,) * 101), [("couponIds",)]),
    ],
)
def test_invalid_drafts_name_their_paths(draft: OrderDraft, paths: list[tuple[str, ...]]) -> None:
    problems = draft_problems(draft, RULES)
    assert [problem.path for problem in problems] == paths
    assert {problem.code for problem in problems} <= {ErrorCode.INVALID_INPUT}


def test_lines_of_one_sku_are_one_line_at_the_place_of_the_first() -> None:
    draft = (
        DraftLine(sku_id=PEAR, quantity=1),
        DraftLine(sku_id=APPLE, quantity=2),
        DraftLine(sku_id=PEAR, quantity=3),
    )
    assert [(line.sku_id, line.quantity, line.index) for line in merged(draft)] == [
        (PEAR, 4, 0),
        (APPLE, 2, 1),
    ]
