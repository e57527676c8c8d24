"""Ends what takes too long, and queries whose client has gone."""

from __future__ import annotations

import asyncio
from contextvars import Context
from math import inf
from types import TracebackType
from typing import Self

from executor.asgi import Receive

LOOKS_AFTER_SECONDS = 1.0
"""Most requests are answered by then and never look whether their client is still there."""

_PAUSE_SECONDS = 0.02
"""Between two looks at all blocks: were each of thousands a reason to look, each would cost all."""


class TimeLimitExceeded(Exception):
    """The block took longer than it may, and was cancelled."""


class ClientGone(Exception):
    """The client closed its connection, and nobody waits for an answer."""


class Watchdog:
    """A block with a time limit that may be set anew: `with Watchdog(5) as watchdog: ...`.

    Does for a block what `asyncio.timeout` does, by the same rules of cancelling, at a fraction of
    the price: all blocks of a loop share a timer. It isn't used twice.

    Raises:
        TimeLimitExceeded: the time was up.
        ClientGone: the client that it listens to has gone.
    """

    __slots__ = (
        "_alarm",
        "_cancelled_before",
        "_deadline",
        "_listener",
        "_looks_after",
        "_reason",
        "_receive",
        "_task",
        "wakes_at",
    )

    def __init__(self, seconds: float, *, looks_after_seconds: float = LOOKS_AFTER_SECONDS) -> None:
        self._alarm = alarm = _alarm_of(asyncio.get_running_loop())
        now = alarm.loop.time()
        self._looks_after = looks_after_seconds
        self._deadline = now + seconds
        self.wakes_at = now + min(seconds, looks_after_seconds)
        self._receive: Receive | None = None
        self._listener: asyncio.Task[None] | None = None
        # A class: an error that we held would have us in its frames.
        self._reason: type[Exception] | None = None

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "used inside a task"
        self._task = task
        self._cancelled_before = task.cancelling()
        self._alarm.watched.add(self)
        self._alarm.ring_by(self.wakes_at)
        return self

    def restart(self, seconds: float) -> None:
        """Give the rest of the block this long."""
        self._deadline = self._alarm.loop.time() + seconds
        # Who is woken early looks at the clock and sleeps on.
        self._wake_by(self._deadline)

    def listen(self, receive: Receive) -> None:
        """End the block early if the client goes; `receive` has given the whole request."""
        self._receive = receive
        self._wake_by(self._alarm.loop.time() + self._looks_after)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._alarm.watched.discard(self)
        if self._listener is not None:
            self._listener.cancel()
        if self._reason is not None:
            # As asyncio.Timeout does: who else cancels this task must have it cancelled.
            ours_alone = self._task.uncancel() <= self._cancelled_before
            if ours_alone and kind is asyncio.CancelledError:
                raise self._reason from error

    def wake(self, now: float) -> None:
        """Look whether the time is up, or begin to listen; `wakes_at` says when to look again."""
        if now >= self._deadline:
            self.wakes_at = inf
            self._end(TimeLimitExceeded)
            return
        self.wakes_at = self._deadline
        if self._receive is not None and self._listener is None:
            self._listener = self._alarm.loop.create_task(self._listen(self._receive))

    def _wake_by(self, when: float) -> None:
        if when < self.wakes_at:
            self.wakes_at = when
            self._alarm.ring_by(when)

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._end(ClientGone)

    def _end(self, reason: type[Exception]) -> None:
        if self._reason is None:
            self._reason = reason
            self._task.cancel()


class _Alarm:
    """The timer of all blocks of a loop: it rings when the first of them has to be woken.

    Most blocks end before that, and most begin while it is set early enough for them, too: they
    touch no timer at all.
    """

    __slots__ = ("_handle", "_rings_at", "loop", "watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.watched: set[Watchdog] = set()
        self._rings_at = inf
        self._handle: asyncio.TimerHandle | None = None

    def ring_by(self, when: float) -> None:
        """Ring at this time on the loop's clock, or earlier."""
        if when < self._rings_at:
            if self._handle is not None:
                self._handle.cancel()
            self._rings_at = when
            # It outlives the block that sets it, and must keep nothing of that one's context.
            self._handle = self.loop.call_at(when, self._ring, context=Context())

    def _ring(self) -> None:
        self._handle, self._rings_at = None, inf
        now = self.loop.time()
        for each in self.watched:
            if each.wakes_at <= now:
                each.wake(now)
        if self.watched:
            first = min(each.wakes_at for each in self.watched)
            self.ring_by(max(first, now + _PAUSE_SECONDS))


_latest: _Alarm | None = None


def _alarm_of(loop: asyncio.AbstractEventLoop) -> _Alarm:
    """Return the loop's alarm; a process has one loop, or one after the other."""
    global _latest  # noqa: PLW0603 (looking it up by the loop would cost more than it does)
    if _latest is None or _latest.loop is not loop:
        _latest = _Alarm(loop)
    return _latest
