"""The rows of the simulated world; times are simulated seconds since the epoch, money is fen."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class User:
    """A person with a WeChat account."""

    id: str
    nickname: str
    phone: str | None
    unionid: str
    created_at: float


@dataclass(slots=True)
class Identity:
    """A person as one app sees them; a snapshot identity is a virtual one of a preview page."""

    appid: str
    openid: str
    user_id: str
    session_key: str
    seen_at: float
    snapshot: bool = False


@dataclass(slots=True)
class Code:
    """A one-use code of five minutes: kind is login, phone or oauth."""

    code: str
    kind: str
    appid: str
    user_id: str
    expires_at: float
    used: bool = False
    scope: str = ""
    snapshot: bool = False


@dataclass(slots=True)
class AccessToken:
    """An app's access token; line is stable or legacy, which are separate."""

    value: str
    appid: str
    line: str
    issued_at: float
    expires_at: float
    replaced: bool = False  # A newer one exists; this one lives out its grace.


@dataclass(slots=True)
class WebToken:
    """A user's OAuth access and refresh token on web pages of the official account."""

    access_token: str
    refresh_token: str
    appid: str
    openid: str
    user_id: str
    scope: str
    snapshot: bool
    expires_at: float
    refresh_expires_at: float


@dataclass(slots=True)
class Order:
    """A WeChat Pay order; `prepays` maps each prepay_id to its expiry."""

    out_trade_no: str
    mchid: str
    appid: str
    trade_type: str
    description: str
    attach: str | None
    notify_url: str
    total: int
    digest: str
    created_at: float
    openid: str | None = None
    time_expire: float | None = None
    state: str = "NOTPAY"
    prepays: dict[str, float] = field(default_factory=dict)
    code_url: str | None = None
    transaction_id: str | None = None
    payer_openid: str | None = None
    payer_total: int | None = None
    paid_at: float | None = None
    refunded: int = 0  # Accepted refunds that have not failed.
    refund_count: int = 0
    last_refund_at: float | None = None


@dataclass(slots=True)
class Refund:
    """A refund of an order: PROCESSING, then SUCCESS, ABNORMAL or CLOSED."""

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    amount: int
    digest: str
    notify_url: str | None
    created_at: float
    due_at: float
    result: str  # What it becomes at `due_at`.
    status: str = "PROCESSING"
    done_at: float | None = None


@dataclass(slots=True)
class Attempt:
    """One delivery of a notification: its status code, or the error, and the faults put in."""

    at: float
    status: int | None
    milliseconds: int
    error: str | None = None
    fault: str | None = None


@dataclass(slots=True)
class Notification:
    """A message to the merchant; state is pending, delivered, failed or dropped."""

    id: str
    event_type: str
    original_type: str
    summary: str
    url: str
    resource: dict[str, Any]
    nonce: str
    created_at: float
    next_at: float | None
    state: str = "pending"
    tries: int = 0
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(slots=True)
class Sms:
    """A short message the mall's development sender would have sent."""

    phone: str
    code: str
    text: str
    at: float
