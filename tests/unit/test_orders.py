"""What a member can do with an order, and its deadlines."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.orders import (
    ACTIONS,
    MOVES,
    DeliveryMethod,
    OrderAction,
    OrderFacts,
    OrderKind,
    OrderStatus,
    actions_of,
    auto_receipt_at,
    is_refundable,
    refundable_until,
)
from domain.rules import OrderRules

PLACED = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PAY_BEFORE = PLACED + timedelta(minutes=30)
RULES = OrderRules()


def an_order(
    status: OrderStatus,
    *,
    kind: OrderKind = OrderKind.NORMAL,
    delivery: DeliveryMethod = DeliveryMethod.EXPRESS,
    shipped_at: datetime | None = None,
    received_at: datetime | None = None,
) -> OrderFacts:
    return OrderFacts(
        status=status,
        kind=kind,
        delivery=delivery,
        pay_before=PAY_BEFORE,
        shipped_at=shipped_at,
        received_at=received_at,
    )


def test_an_unpaid_order_can_be_paid_sent_elsewhere_and_cancelled() -> None:
    assert actions_of(an_order(OrderStatus.AWAITING_PAYMENT), RULES, now=PLACED) == [
        OrderAction.PAY,
        OrderAction.CHANGE_ADDRESS,
        OrderAction.CANCEL,
    ]


@pytest.mark.parametrize(
    ("seconds_left", "can_pay"), [(61, True), (60, False), (1, False), (0, False), (-1, False)]
)
def test_paying_is_refused_in_the_last_sixty_seconds(seconds_left: int, can_pay: bool) -> None:
    now = PAY_BEFORE - timedelta(seconds=seconds_left)
    actions = actions_of(an_order(OrderStatus.AWAITING_PAYMENT), RULES, now=now)
    assert (OrderAction.PAY in actions) is can_pay
    assert OrderAction.CANCEL in actions


def test_a_pickup_has_no_address_to_change() -> None:
    order = an_order(OrderStatus.AWAITING_PAYMENT, delivery=DeliveryMethod.PICKUP)
    assert actions_of(order, RULES, now=PLACED) == [OrderAction.PAY, OrderAction.CANCEL]


@pytest.mark.parametrize(
    ("kind", "actions"),
    [(OrderKind.NORMAL, [OrderAction.BUY_AGAIN]), (OrderKind.FLASH_SALE, [])],
)
def test_only_an_ordinary_order_can_be_bought_again(
    kind: OrderKind, actions: list[OrderAction]
) -> None:
    order = an_order(OrderStatus.CANCELLED, kind=kind)
    assert actions_of(order, RULES, now=PLACED) == actions


def test_an_order_whose_team_forms_can_be_shared_and_nothing_else() -> None:
    order = an_order(OrderStatus.AWAITING_TEAM, kind=OrderKind.GROUP_BUY)
    assert actions_of(order, RULES, now=PLACED) == [OrderAction.SHARE_TEAM]
    assert not is_refundable(order, RULES, now=PLACED)


def test_every_status_has_its_moves_and_actions() -> None:
    assert set(ACTIONS) == set(MOVES) == set(OrderStatus)


def test_receipt_is_confirmed_ten_days_after_shipment() -> None:
    shipped = an_order(OrderStatus.SHIPPED, shipped_at=PLACED)
    assert auto_receipt_at(shipped, RULES) == PLACED + timedelta(days=10)
    assert auto_receipt_at(an_order(OrderStatus.COMPLETED, shipped_at=PLACED), RULES) is None


def test_no_reason_return_ends_with_the_seventh_day_after_the_day_of_receipt() -> None:
    # 23:59 in Shanghai on the 22nd: the seven days are the 23rd to the 29th.
    received = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    order = an_order(OrderStatus.COMPLETED, received_at=received)
    until = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
    assert refundable_until(order, RULES) == until
    assert is_refundable(order, RULES, now=until - timedelta(seconds=1))
    assert not is_refundable(order, RULES, now=until)


def test_before_receipt_a_paid_order_is_refundable_without_an_end() -> None:
    assert refundable_until(an_order(OrderStatus.AWAITING_SHIPMENT), RULES) is None
    assert is_refundable(an_order(OrderStatus.AWAITING_SHIPMENT), RULES, now=PLACED)
    assert not is_refundable(an_order(OrderStatus.AWAITING_PAYMENT), RULES, now=PLACED)
    assert not is_refundable(an_order(OrderStatus.CANCELLED), RULES, now=PLACED)
