"""A circuit breaker: after a failure, leave the other side alone for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Closed until something fails, then open for `open_seconds`; one caller tries it next."""

    def __init__(
        self, open_seconds: float = 1.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_seconds = open_seconds
        self._clock = clock
        self._open_until: float | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether calls are being turned away."""
        return self._open_until is not None and self._clock() < self._open_until

    def allows(self) -> bool:
        """Tell whether to try; once the pause is over, one caller is let through per pause."""
        if self._open_until is None:
            return True
        now = self._clock()
        if now < self._open_until:
            return False
        self._open_until = now + self._open_seconds
        return True

    def succeeded(self) -> None:
        """Close again."""
        self._open_until = None

    def failed(self) -> None:
        """Open for a moment."""
        self._open_until = self._clock() + self._open_seconds
