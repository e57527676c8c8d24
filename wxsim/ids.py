"""Identifiers in the forms WeChat gives them, reproducible from a seed."""

import base64
import hashlib
import hmac
from datetime import datetime

from wxsim.clock import CHINA


class Ids:
    """A counter behind a keyed hash: the same seed gives the same ids in the same order."""

    def __init__(self, seed: str, serial: int = 0, number: int = 0) -> None:
        self._key = hashlib.sha256(seed.encode()).digest()
        self.serial = serial
        self.number = number

    def secret(self, name: str, *, length: int = 32) -> str:
        """A hex text that depends on the seed and the name only (app secrets, the APIv3 key)."""
        return hmac.new(self._key, f"secret/{name}".encode(), "sha256").hexdigest()[:length]

    def stable(self, *parts: str) -> str:
        """27 URL-safe characters that depend on the seed and the parts only (openid, unionid)."""
        digest = hmac.new(self._key, "/".join(parts).encode(), "sha256").digest()
        return base64.urlsafe_b64encode(digest).decode()[:27]

    def next_hex(self, kind: str, length: int = 32) -> str:
        """A new hex text of up to 64 characters."""
        return self._next(kind).hex()[:length]

    def next_text(self, kind: str, length: int) -> str:
        """A new URL-safe text of up to 43 characters."""
        return base64.urlsafe_b64encode(self._next(kind)).decode()[:length]

    def next_digits(self, kind: str, length: int) -> str:
        """A new text of decimal digits."""
        return str(int.from_bytes(self._next(kind)) % 10**length).zfill(length)

    def next_number(self) -> int:
        """The next plain number of this world, for ids that people read."""
        self.number += 1
        return self.number

    def next_prepay_id(self, now: float) -> str:
        """36 characters: wx, the time in China, hex, four zeros."""
        stamp = datetime.fromtimestamp(now, tz=CHINA).strftime("%d%H%M%S%f")[:14]
        return f"wx{stamp}{self.next_hex('prepay', 16)}0000"

    def next_transaction_id(self, now: float) -> str:
        """28 digits that begin with 42, as for payments from WeChat's balance."""
        day = datetime.fromtimestamp(now, tz=CHINA).strftime("%Y%m%d")
        return f"4200002{self.next_digits('transaction', 3)}{day}{self.next_digits('t', 10)}"

    def next_refund_id(self, now: float) -> str:
        """29 digits that begin with 50."""
        day = datetime.fromtimestamp(now, tz=CHINA).strftime("%Y%m%d")
        return f"50300{self.next_digits('refund', 6)}{day}{self.next_digits('r', 10)}"

    def next_uuid(self, kind: str) -> str:
        """36 characters in the form of a UUID, as notifications are numbered."""
        text = self.next_hex(kind)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _next(self, kind: str) -> bytes:
        self.serial += 1
        return hmac.digest(self._key, f"{kind}/{self.serial}".encode(), "sha256")
