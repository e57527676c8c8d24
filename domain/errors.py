"""Refusals that a caller can be told of.

A `DomainError` carries a `code` to branch by, facts for the message, and the path of the input that
is at fault. The class's `message` is the English text and the key of its translation; a fact whose
name ends in `_fen` is shown in yuan.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """Every code of `UserError.code`; one table for all mutations."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    NOT_ALLOWED = "NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    RATE_LIMITED = "RATE_LIMITED"
    WECHAT_CODE_INVALID = "WECHAT_CODE_INVALID"
    WECHAT_UNAVAILABLE = "WECHAT_UNAVAILABLE"
    PHONE_TAKEN = "PHONE_TAKEN"
    SMS_CODE_INVALID = "SMS_CODE_INVALID"
    REFRESH_TOKEN_INVALID = "REFRESH_TOKEN_INVALID"  # noqa: S105 (a word, no secret)
    ALREADY_CHECKED_IN = "ALREADY_CHECKED_IN"
    INSUFFICIENT_POINTS = "INSUFFICIENT_POINTS"
    POINTS_NOT_USABLE = "POINTS_NOT_USABLE"
    COUPON_NOT_CLAIMABLE = "COUPON_NOT_CLAIMABLE"
    COUPON_SOLD_OUT = "COUPON_SOLD_OUT"
    COUPON_LIMIT_REACHED = "COUPON_LIMIT_REACHED"
    COUPON_NOT_APPLICABLE = "COUPON_NOT_APPLICABLE"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    SKU_NOT_FOR_SALE = "SKU_NOT_FOR_SALE"
    PURCHASE_LIMIT_REACHED = "PURCHASE_LIMIT_REACHED"
    TIER_TOO_LOW = "TIER_TOO_LOW"
    CAMPAIGN_NOT_STARTED = "CAMPAIGN_NOT_STARTED"
    CAMPAIGN_ENDED = "CAMPAIGN_ENDED"
    CAMPAIGN_SOLD_OUT = "CAMPAIGN_SOLD_OUT"
    TEAM_FULL = "TEAM_FULL"
    TEAM_CLOSED = "TEAM_CLOSED"
    TEAM_ALREADY_JOINED = "TEAM_ALREADY_JOINED"
    NEW_MEMBERS_ONLY = "NEW_MEMBERS_ONLY"
    ADDRESS_REQUIRED = "ADDRESS_REQUIRED"
    ADDRESS_NOT_SERVED = "ADDRESS_NOT_SERVED"
    PRICE_CHANGED = "PRICE_CHANGED"
    ORDER_NOT_PAYABLE = "ORDER_NOT_PAYABLE"
    ORDER_NOT_CANCELLABLE = "ORDER_NOT_CANCELLABLE"
    ORDER_ALREADY_PAID = "ORDER_ALREADY_PAID"
    REFUND_NOT_ALLOWED = "REFUND_NOT_ALLOWED"
    REFUND_EXCEEDS_PAID = "REFUND_EXCEEDS_PAID"
    CONSENT_REQUIRED = "CONSENT_REQUIRED"
    PHONE_REQUIRED = "PHONE_REQUIRED"
    WECHAT_REQUIRED = "WECHAT_REQUIRED"
    CAPTCHA_REQUIRED = "CAPTCHA_REQUIRED"
    ACCOUNT_BLOCKED = "ACCOUNT_BLOCKED"
    CONTENT_REJECTED = "CONTENT_REJECTED"
    BUSY = "BUSY"
    COUPON_CODE_INVALID = "COUPON_CODE_INVALID"
    REWARD_SOLD_OUT = "REWARD_SOLD_OUT"
    STORE_NOT_AVAILABLE = "STORE_NOT_AVAILABLE"
    MAKE_UP_NOT_ALLOWED = "MAKE_UP_NOT_ALLOWED"
    MAKE_UP_LIMIT_REACHED = "MAKE_UP_LIMIT_REACHED"
    STORE_REQUIRED = "STORE_REQUIRED"
    WECHAT_SNAPSHOT_USER = "WECHAT_SNAPSHOT_USER"
    UNDER_AGE = "UNDER_AGE"


class DomainError(Exception):
    """A refusal with a code, facts for its message, and the input path at fault."""

    code: ClassVar[ErrorCode]
    message: ClassVar[str]

    def __init__(
        self,
        *,
        path: tuple[str | int, ...] = (),
        retry_after_seconds: int | None = None,
        **facts: object,
    ) -> None:
        super().__init__(self.code.value)
        self.path = tuple(str(step) for step in path)
        self.retry_after_seconds = retry_after_seconds
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code}: {render(self.message, self.facts)}"


def render(template: str, facts: dict[str, object]) -> str:
    """Fill a message with its facts; fen are shown in yuan."""
    shown = {name: _shown(name, value) for name, value in facts.items()}
    return template.format(**shown)


def _shown(name: str, value: object) -> object:
    if name.endswith("_fen") and isinstance(value, int):
        sign = "-" if value < 0 else ""
        return f"{sign}¥{abs(value) // 100}.{abs(value) % 100:02d}"
    return value


class InvalidInput(DomainError):
    """A field holds something that can't be taken."""

    code = ErrorCode.INVALID_INPUT
    message = "{problem}"


class NotFound(DomainError):
    """There is no such thing, or it is not the caller's; both look the same."""

    code = ErrorCode.NOT_FOUND
    message = "There is no such {thing}."


class NotAllowed(DomainError):
    """The thing exists and the caller may see it, but not do this."""

    code = ErrorCode.NOT_ALLOWED
    message = "This is not possible now."


class Conflict(DomainError):
    """Something changed at the same time."""

    code = ErrorCode.CONFLICT
    message = "This has just been changed elsewhere. Please try again."


class IdempotencyKeyReused(DomainError):
    """The key was used before, with another input."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED
    message = "This idempotency key was used for another request."

    def __init__(self) -> None:
        super().__init__(path=("idempotencyKey",))


class RateLimited(DomainError):
    """Too many attempts; `retry_after_seconds` says when to come back."""

    code = ErrorCode.RATE_LIMITED
    message = "Too many attempts. Please try again later."


class Busy(DomainError):
    """The system can't take this right now; nothing was done."""

    code = ErrorCode.BUSY
    message = "We are very busy. Please try again in a moment."


class AccountBlocked(DomainError):
    """The account is closed or blocked by the brand."""

    code = ErrorCode.ACCOUNT_BLOCKED
    message = "This account can't be used. Please contact customer service."


class ConsentRequired(DomainError):
    """The current membership and privacy agreements are not accepted."""

    code = ErrorCode.CONSENT_REQUIRED
    message = "Please accept the membership and privacy agreements first."


class InsufficientPoints(DomainError):
    """The member has fewer points than it takes."""

    code = ErrorCode.INSUFFICIENT_POINTS
    message = "There are not enough points."


class WechatUnavailable(DomainError):
    """WeChat doesn't answer, or not in a way we can trust; what it did is unknown."""

    code = ErrorCode.WECHAT_UNAVAILABLE
    message = "WeChat is not answering. Please try again in a moment."


class WechatCodeInvalid(DomainError):
    """WeChat doesn't know the code, or it was used or has expired."""

    code = ErrorCode.WECHAT_CODE_INVALID
    message = "This WeChat code is no longer valid. Please try again."
