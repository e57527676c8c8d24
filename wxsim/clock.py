"""Simulated time: it runs with the wall clock, can be moved forward, or stands still for tests."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
# An advance plays every timer in order; past this many wall seconds it jumps to its goal instead.
ADVANCE_BUDGET_SECONDS = 20.0


class Clock:
    """Seconds since the epoch in simulated time; expiry and retry timers use it."""

    def __init__(self, *, frozen: bool = False, offset: float = 0.0) -> None:
        # A whole second, so that sums of durations stay exact.
        self._frozen_at = float(int(time.time())) if frozen else None
        self.offset = offset

    def now(self) -> float:
        """Simulated time, which the control API may move forward."""
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self.offset

    @property
    def is_frozen(self) -> bool:
        """Whether time passes only through `advance`."""
        return self._frozen_at is not None

    @staticmethod
    def wall() -> float:
        """Real time: signatures carry it, since the other side checks them by its own clock."""
        return time.time()


def rfc3339(at: float) -> str:
    """A moment as WeChat Pay writes it: seconds, in China's time zone."""
    return datetime.fromtimestamp(int(at), tz=CHINA).isoformat()


def parse_rfc3339(text: str) -> float | None:
    """The moment a RFC 3339 text with an offset means, None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC).timestamp()


class Timers:
    """Callbacks due at simulated times, run in order of time by one task of the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def at(self, due: float, callback: Callable[[], None]) -> None:
        """Run the callback once at `due`; a time that has passed means: at the next turn."""
        heapq.heappush(self._heap, (due, next(self._order), callback))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._changed.set()

    def clear(self) -> None:
        """Forget every timer."""
        self._heap.clear()

    async def stop(self) -> None:
        """End the task; timers that are left do not run."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def advance(self, seconds: float, settled: Callable[[], Awaitable[None]]) -> None:
        """Move time forward, playing each timer at its own moment and waiting for its work.

        `settled` waits until the work that timers started has ended. The wait as a whole is
        bounded by `ADVANCE_BUDGET_SECONDS` of real time.
        """
        await settled()  # What was asked for before now happens before now.
        goal = self._clock.now() + seconds
        give_up_at = time.monotonic() + ADVANCE_BUDGET_SECONDS
        while self._heap and self._heap[0][0] <= goal and time.monotonic() < give_up_at:
            self._clock.offset += max(0.0, self._heap[0][0] - self._clock.now())
            self._fire_due()
            await settled()
        self._clock.offset += max(0.0, goal - self._clock.now())
        self._fire_due()
        await settled()
        self._changed.set()

    def _fire_due(self) -> None:
        while self._heap and self._heap[0][0] <= self._clock.now():
            _, _, callback = heapq.heappop(self._heap)
            callback()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            self._fire_due()
            wait = self._heap[0][0] - self._clock.now() if self._heap else None
            if self._clock.is_frozen:
                wait = None
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue
