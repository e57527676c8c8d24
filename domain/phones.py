"""Mobile numbers of mainland China, and the rules of SMS codes (rules, section 11)."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

from domain.errors import DomainError, ErrorCode, InvalidInput

CODE_DIGITS = 6
CODE_LIFETIME = timedelta(minutes=5)
CODE_ATTEMPTS = 5
"""Wrong guesses that a code survives; with the daily limit, 50 guesses at a million a day."""
CODE_REPEATS_FOR = timedelta(seconds=10)
"""How long a used code answers again with the session it opened: a second tap, a lost answer."""
RESEND_AFTER = timedelta(seconds=60)
CODES_PER_DAY = 10
"""Codes for one phone in any 24 hours: each costs money and annoys whoever owns the phone."""

_SEPARATORS = re.compile(r"[\s\-()]+")
_MAINLAND_MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})", re.ASCII)
_MAX_WRITTEN_LENGTH = 32


class PhoneTaken(DomainError):
    """The phone is another person's, who can't be merged with this one."""

    code = ErrorCode.PHONE_TAKEN
    message = "This phone number is used by another account."


class SmsCodeInvalid(DomainError):
    """The SMS code is wrong, used, expired, replaced by a newer one, or guessed at too often."""

    code = ErrorCode.SMS_CODE_INVALID
    message = "The code is wrong or no longer valid."

    def __init__(self) -> None:
        super().__init__(path=("smsCode",))


class CaptchaRequired(DomainError):
    """A code is sent only to someone who has passed the captcha."""

    code = ErrorCode.CAPTCHA_REQUIRED
    message = "Please complete the verification first."

    def __init__(self) -> None:
        super().__init__(path=("captchaToken",))


class SmsUnavailable(DomainError):
    """The SMS could not be handed over to the carrier; nothing was kept."""

    code = ErrorCode.BUSY
    message = "The message could not be sent. Please try again in a moment."


def parse_phone(text: str, *path: str | int) -> str:
    """Return a mainland mobile number as its 11 digits, however it was written.

    Raises:
        InvalidInput: for anything else; codes and calls to other countries are not offered.
    """
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text[: _MAX_WRITTEN_LENGTH + 1]))
    found = _MAINLAND_MOBILE.fullmatch(plain)
    if found is None or len(text) > _MAX_WRITTEN_LENGTH:
        raise InvalidInput(path=path, problem="A mobile number of mainland China is expected.")
    return found.group(1)


def masked(phone: str) -> str:
    """Return the number with its middle hidden: 138****5678."""
    return f"{phone[:3]}****{phone[-4:]}"
