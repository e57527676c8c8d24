"""A block with a time limit: what ends it, and whose cancelling is whose."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Awaitable
from contextvars import ContextVar

import pytest

from executor.asgi import Message, Receive
from executor.watchdog import ClientGone, TimeLimitExceeded, Watchdog
from tests.executor.calls import GONE, pieces

LONG = 600.0


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def some_turns() -> None:
    """Let the loop go round some times, for whatever is due."""
    for _ in range(5):
        await asyncio.sleep(0)


async def guarded(
    seconds: float,
    work: Awaitable[object],
    *,
    then: float | None = None,
    receive: Receive | None = None,
) -> None:
    """Do the work within a limit, or within another that is set after it began."""
    with Watchdog(seconds, looks_after_seconds=0) as watchdog:
        if then is not None:
            watchdog.restart(then)
        if receive is not None:
            watchdog.listen(receive)
        await work


async def test_a_block_that_ends_in_time_is_left_alone() -> None:
    await guarded(LONG, asyncio.sleep(0), then=LONG, receive=pieces(then=GONE))
    await some_turns()  # Neither a timer nor a listener is left that would cancel this task.


async def test_a_block_that_takes_too_long_is_cancelled() -> None:
    seen = []

    async def work() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with pytest.raises(TimeLimitExceeded):
        await guarded(0, work())
    assert seen == ["cancelled"]
    await some_turns()  # This task goes on, for the cancelling was the watchdog's own.


async def test_the_limit_may_be_set_anew() -> None:
    with pytest.raises(TimeLimitExceeded):
        await guarded(LONG, forever(), then=0)
    # The first timer rings in these turns, sees the clock and sleeps on.
    await guarded(0, some_turns(), then=LONG)


async def test_a_block_ends_when_the_client_goes() -> None:
    events: list[Message] = [{"type": "http.request"}, GONE]

    async def receive() -> Message:
        return events.pop(0)

    with pytest.raises(ClientGone):
        await guarded(LONG, forever(), receive=receive)
    assert events == []


async def test_time_goes_on_while_it_listens() -> None:
    with pytest.raises(TimeLimitExceeded):
        await guarded(0.02, forever(), receive=pieces())


async def test_nobody_listens_before_the_whole_request_was_read() -> None:
    receive = pieces(b"body")

    async def work() -> Message:
        await some_turns()
        return await receive()

    await guarded(LONG, work())
    with pytest.raises(TimeLimitExceeded):
        await guarded(0, receive())  # It gives nothing more: the work got what there was.


async def test_a_block_that_swallows_its_cancelling_goes_on() -> None:
    async def work() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await forever()
        await some_turns()

    await guarded(0, work())
    await some_turns()


async def test_an_error_of_the_block_is_told_as_it_is() -> None:
    async def work() -> None:
        try:
            await forever()
        finally:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await guarded(0, work())


async def test_who_else_cancels_the_task_has_it_cancelled() -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await forever()

    task = asyncio.create_task(guarded(LONG, work()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_both_at_once_is_a_cancelled_task() -> None:
    async def work() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            this = asyncio.current_task()
            assert this is not None
            this.cancel()
            raise

    task = asyncio.create_task(guarded(0, work()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_limits_stand_inside_one_another() -> None:
    with pytest.raises(TimeLimitExceeded):
        await guarded(0, guarded(LONG, forever()))

    async def work() -> None:
        with pytest.raises(TimeLimitExceeded):
            await guarded(0, forever())
        await some_turns()

    await guarded(LONG, work())


async def test_blocks_side_by_side_end_each_in_its_time() -> None:
    ended: list[int] = []

    async def limited(number: int, seconds: float) -> None:
        with pytest.raises(TimeLimitExceeded):
            await guarded(seconds, forever())
        ended.append(number)

    async def unharmed() -> None:
        with Watchdog(LONG):
            await asyncio.gather(*(limited(n, 0.03 * (3 - n)) for n in range(3)))

    await unharmed()
    assert ended == [2, 1, 0]


async def test_blocks_share_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.watchdog._latest", None)
    loop = asyncio.get_running_loop()
    times: list[float] = []
    call_at = loop.call_at

    def noted(when: float, *args: object, **options: object) -> asyncio.TimerHandle:
        times.append(when)
        return call_at(when, *args, **options)  # type: ignore[arg-type]  # Handed on as it is.

    monkeypatch.setattr(loop, "call_at", noted)
    for _ in range(10):
        with Watchdog(LONG, looks_after_seconds=LONG) as watchdog:
            watchdog.restart(LONG)
            watchdog.listen(pieces())
    assert len(times) == 1
    with Watchdog(LONG / 2, looks_after_seconds=LONG):
        assert len(times) == 2, "who must be woken earlier sets it anew"


async def test_the_timer_keeps_nothing_of_the_block_that_set_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("executor.watchdog._latest", None)

    class Large:
        pass

    variable: ContextVar[Large] = ContextVar("variable")

    async def work() -> weakref.ref[Large]:
        large = Large()
        variable.set(large)
        with Watchdog(LONG):
            return weakref.ref(large)

    kept = await asyncio.create_task(work())
    await some_turns()
    assert kept() is None
