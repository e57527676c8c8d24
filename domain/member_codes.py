"""The code that a member shows at a till: the member number, and proof that it was shown just now.

18 digits, as barcodes of payment codes have: the number and 6 digits of a keyed hash of number and
minute. It is taken in its own minute and in the next, so that nobody is refused while the minute
turns, and a photograph of it is worth nothing soon.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)
LIFETIME = 2 * MINUTE
"""From the beginning of its minute."""

_PROOF_DIGITS = 6
_CODE = re.compile(r"([0-9]{12})([0-9]{6})", re.ASCII)

Digest = Callable[[str], bytes]
"""A keyed hash of a text."""


def code_of(member_no: str, now: datetime, digest: Digest) -> tuple[str, datetime]:
    """Return the code of this minute, and the first instant at which it is refused."""
    minute = _minute_of(now)
    return member_no + _proof(member_no, minute, digest), minute + LIFETIME


def read_code(text: str, now: datetime, digest: Digest) -> str | None:
    """Return the member number of a code shown just now; None when it isn't one, or is too old."""
    found = _CODE.fullmatch(text.replace(" ", ""))
    if found is None:
        return None
    member_no, proof = found.groups()
    minute = _minute_of(now)
    is_fresh = any(proof == _proof(member_no, each, digest) for each in (minute, minute - MINUTE))
    return member_no if is_fresh else None


def _minute_of(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def _proof(member_no: str, minute: datetime, digest: Digest) -> str:
    number = int.from_bytes(digest(f"{member_no} {minute.isoformat()}")[:8], "big")
    return f"{number % 10**_PROOF_DIGITS:0{_PROOF_DIGITS}d}"
