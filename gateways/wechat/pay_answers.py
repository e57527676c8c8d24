"""WeChat Pay's JSON, read into our types. Whatever is odd raises `ValueError`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from domain.payments import RefundNotice, RefundState, TradeState, Transaction

Fields = Mapping[str, Any]
_T = TypeVar("_T")


class Malformed(ValueError):
    """WeChat Pay's JSON is not as documented."""


def read_object(text: str | bytes) -> Fields:
    """Parse a JSON object."""
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise Malformed("an object is expected")
    return value


def read_transaction(fields: Fields) -> Transaction:
    """Read a payment, as query and notification both tell it."""
    amount = _optional(fields, "amount", dict) or {}
    success_time = _optional(fields, "success_time", str)
    return Transaction(
        mchid=text(fields, "mchid"),
        appid=text(fields, "appid"),
        out_trade_no=text(fields, "out_trade_no"),
        state=TradeState(text(fields, "trade_state")),
        transaction_id=_optional(fields, "transaction_id", str) or None,
        amount_fen=_optional(amount, "total", int),
        currency=_optional(amount, "currency", str),
        paid_at=_instant(success_time) if success_time else None,
    )


def read_refund_notice(fields: Fields) -> RefundNotice:
    """Read a refund's news; only a notification says `refund_status`."""
    return RefundNotice(
        out_refund_no=text(fields, "out_refund_no"),
        state=RefundState(text(fields, "refund_status")),
    )


def text(fields: Fields, name: str) -> str:
    """Return a text that must be there."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is missing")
    return value


def _instant(rfc3339: str) -> datetime:
    instant = datetime.fromisoformat(rfc3339)
    if instant.tzinfo is None:
        raise Malformed("a time without its offset")
    return instant.astimezone(UTC)


def _optional(fields: Fields, name: str, kind: type[_T]) -> _T | None:
    value = fields.get(name)
    if value is not None and type(value) is not kind:
        raise Malformed(f"{name} is malformed")
    return value
