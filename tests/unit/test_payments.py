"""What a transaction means to our book, and how patient we are."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.orders import MOVES, OrderStatus, PaymentCaseKind, PaymentStatus
from domain.payments import (
    PaymentFacts,
    TradeState,
    Transaction,
    Verdict,
    judge,
    next_query,
    retry_pause,
)

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


def told(**changes: object) -> Transaction:
    facts: dict[str, object] = {
        "mchid": "190",
        "appid": "wx1",
        "out_trade_no": "N1",
        "state": TradeState.SUCCESS,
        "transaction_id": "42",
        "amount_fen": 100,
        "currency": "CNY",
        "paid_at": NOW,
    }
    return Transaction(**(facts | changes))  # type: ignore[arg-type]


def ours(
    order: OrderStatus = OrderStatus.AWAITING_PAYMENT,
    payment: PaymentStatus = PaymentStatus.PREPAID,
    payable_fen: int = 100,
) -> PaymentFacts:
    return PaymentFacts(
        mchid="190",
        appid="wx1",
        out_trade_no="N1",
        amount_fen=100,
        payable_fen=payable_fen,
        payment_status=payment,
        order_status=order,
    )


def test_the_right_money_pays_an_order_that_awaits_it() -> None:
    assert judge(told(), ours()) is Verdict.PAY


@pytest.mark.parametrize("payment", [PaymentStatus.STARTED, PaymentStatus.CLOSED])
def test_it_pays_before_our_answer_came_and_after_we_thought_it_closed(
    payment: PaymentStatus,
) -> None:
    assert judge(told(), ours(payment=payment)) is Verdict.PAY


@pytest.mark.parametrize("status", list(OrderStatus))
def test_a_known_payment_changes_nothing(status: OrderStatus) -> None:
    assert judge(told(), ours(status, PaymentStatus.SUCCEEDED)) is Verdict.KNOWN


@pytest.mark.parametrize(
    "changes", [{"mchid": "191"}, {"appid": "wx2"}, {"out_trade_no": "N2"}], ids=str
)
def test_what_is_not_ours_is_foreign(changes: dict[str, object]) -> None:
    assert judge(told(**changes), ours()) is Verdict.FOREIGN


@pytest.mark.parametrize(
    "changes", [{"amount_fen": 99}, {"amount_fen": 101}, {"amount_fen": None}, {"currency": "USD"}]
)
def test_other_money_is_a_case(changes: dict[str, object]) -> None:
    assert judge(told(**changes), ours()) is PaymentCaseKind.AMOUNT_MISMATCH


@pytest.mark.parametrize("payable_fen", [99, 101])
def test_money_for_what_the_order_cost_before_is_a_case(payable_fen: int) -> None:
    facts = ours(payment=PaymentStatus.CLOSED, payable_fen=payable_fen)
    assert judge(told(), facts) is PaymentCaseKind.AMOUNT_MISMATCH


def test_money_for_a_cancelled_order_is_a_case() -> None:
    assert judge(told(), ours(OrderStatus.CANCELLED)) is PaymentCaseKind.PAID_AFTER_CANCEL


@pytest.mark.parametrize(
    "status", sorted(set(OrderStatus) - {OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED})
)
def test_more_money_for_a_paid_order_is_a_case(status: OrderStatus) -> None:
    assert judge(told(), ours(status)) is PaymentCaseKind.PAID_TWICE


def test_a_cancelled_or_refunded_order_never_moves_again() -> None:
    assert MOVES[OrderStatus.CANCELLED] == MOVES[OrderStatus.REFUNDED] == frozenset()


def test_every_status_has_its_moves_and_nothing_returns_to_awaiting_payment() -> None:
    assert set(MOVES) == set(OrderStatus)
    assert all(OrderStatus.AWAITING_PAYMENT not in targets for targets in MOVES.values())


@given(st.integers(0, 10_000))
def test_pauses_grow_and_are_bounded(tries: int) -> None:
    assert timedelta(seconds=20) <= next_query(tries) <= next_query(tries + 1)
    assert next_query(tries) <= timedelta(minutes=5)
    assert timedelta(seconds=5) <= retry_pause(tries) <= retry_pause(tries + 1)
    assert retry_pause(tries) <= timedelta(minutes=10)
