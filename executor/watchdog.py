"""Ends what takes too long, and queries whose client has gone."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from executor.asgi import Receive

LOOKS_AFTER_SECONDS = 1.0
"""Most requests are answered by then and never look whether their client is still there."""


class TimeLimitExceeded(Exception):
    """The block took longer than it may, and was cancelled."""


class ClientGone(Exception):
    """The client closed its connection, and nobody waits for an answer."""


class Watchdog:
    """A block with a time limit that may be set anew: `with Watchdog(5) as watchdog: ...`.

    Does for a block what `asyncio.timeout` does, by the same rules of cancelling, at half the
    price: one timer for each request, whatever limits follow one another. It isn't used twice.

    Raises:
        TimeLimitExceeded: the time was up.
        ClientGone: the client that it listens to has gone.
    """

    __slots__ = (
        "_cancelled_before",
        "_deadline",
        "_handle",
        "_listener",
        "_looks_after",
        "_loop",
        "_reason",
        "_receive",
        "_task",
        "_wakes_at",
    )

    def __init__(self, seconds: float, *, looks_after_seconds: float = LOOKS_AFTER_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._looks_after = looks_after_seconds
        self._deadline = self._loop.time() + seconds
        self._receive: Receive | None = None
        self._listener: asyncio.Task[None] | None = None
        self._reason: Exception | None = None

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "used inside a task"
        self._task = task
        self._cancelled_before = task.cancelling()
        self._sleep_until(min(self._deadline, self._loop.time() + self._looks_after))
        return self

    def restart(self, seconds: float) -> None:
        """Give the rest of the block this long."""
        self._deadline = self._loop.time() + seconds
        # A timer that rings early looks at the clock and sleeps on: cheaper than a new timer.
        self._wake_by(self._deadline)

    def listen(self, receive: Receive) -> None:
        """End the block early if the client goes; `receive` has given the whole request."""
        self._receive = receive
        self._wake_by(self._loop.time() + self._looks_after)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._handle.cancel()
        if self._listener is not None:
            self._listener.cancel()
        if self._reason is not None:
            # As asyncio.Timeout does: who else cancels this task must have it cancelled.
            ours_alone = self._task.uncancel() <= self._cancelled_before
            if ours_alone and kind is asyncio.CancelledError:
                raise self._reason from error

    def _wake_by(self, when: float) -> None:
        if when < self._wakes_at:
            self._handle.cancel()
            self._sleep_until(when)

    def _sleep_until(self, when: float) -> None:
        self._wakes_at = when
        self._handle = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        if self._loop.time() >= self._deadline:
            self._end(TimeLimitExceeded())
            return
        if self._receive is not None and self._listener is None:
            self._listener = self._loop.create_task(self._listen(self._receive))
        self._sleep_until(self._deadline)

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._end(ClientGone())

    def _end(self, reason: Exception) -> None:
        if self._reason is None:
            self._reason = reason
            self._task.cancel()
