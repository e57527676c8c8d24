"""WeChat Pay as the payment services see it."""

from __future__ import annotations

from typing import Protocol

from domain.payments import (
    PrepayRequest,
    RefundNotice,
    RefundRequest,
    RefundState,
    SignedPayment,
    Transaction,
)


class PaymentGateway(Protocol):
    """Every call raises `WechatUnavailable` when its outcome is unknown.

    Then query by the same number, never renumber. A definite no is `WechatPayRefused`; questions
    have none.
    """

    @property
    def mchid(self) -> str:
        """Our merchant number."""

    def appid_of(self, method: str) -> str:
        """Return the appid that a payment method belongs to."""

    async def prepay_jsapi(self, request: PrepayRequest) -> str:
        """Make or find the order of that number; return a fresh prepay_id, good for two hours."""

    async def prepay_h5(self, request: PrepayRequest) -> str:
        """Make or find the order of that number; return the URL to send the browser to."""

    def sign(self, prepay_id: str, appid: str) -> SignedPayment:
        """Sign what the client hands to WeChat."""

    async def query(self, out_trade_no: str) -> Transaction | None:
        """Return what WeChat knows of the number; None when it has never heard of it."""

    async def close(self, out_trade_no: str) -> None:
        """Make the number unpayable; a number that WeChat doesn't know is closed already."""

    async def refund(self, request: RefundRequest) -> RefundState:
        """Ask for money to go back; the same number is the same refund."""

    async def query_refund(self, out_refund_no: str) -> RefundState | None:
        """Return where a refund stands; None when WeChat has never heard of it."""

    def read(self, body: bytes) -> Transaction | RefundNotice | None:
        """Decrypt a notification that was verified when it came; None for news of other kinds."""
