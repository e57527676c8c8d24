"""One socket that speaks graphql-transport-ws, from its acceptance to its end.

A task reads what the client sends, each operation runs in a task of its own, and the task that
serves the socket looks at the clock. When it returns, nothing of the socket runs any more.

Nothing is queued for the client: whoever has something to say waits until the server below takes
it. So a slow reader slows its own subscriptions down, and holds one message of each in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Generic

from graphql import GraphQLError, OperationType

from executor import websocket_messages as messages
from executor.asgi import Message, Receive, Scope, Send
from executor.engine import UnknownOperation
from executor.operation import Operation
from executor.outcome import Outcome
from executor.request import BadRequest, Request, bad_request, from_members
from executor.telling import tell_all
from executor.trusted import DocumentSource
from executor.watchdog import TimeLimitExceeded, Watchdog
from executor.websocket_messages import Close, CloseCode, Goodbye
from executor.websocket_options import ContextT, Hooks, PeerT, SocketLimits, Tally

_INTERNAL = GraphQLError("Something went wrong on our side.", extensions={"code": "INTERNAL"})

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Running:
    """An operation that a client has asked for, until its task has ended."""

    id: str
    is_wanted: bool = True
    """False once the client wants no more of it."""
    is_mutation: bool = False
    """A mutation that has begun isn't interrupted, whatever the client does."""
    task: asyncio.Task[None] = field(init=False)


class _Over(Exception):
    """The socket takes no more messages."""


class Connection(Generic[PeerT, ContextT]):
    """One open socket. `serve` is its life, `end` ends it."""

    _peer: PeerT

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        documents: DocumentSource,
        hooks: Hooks[PeerT, ContextT],
        limits: SocketLimits,
        tally: Tally,
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._documents, self._hooks = documents, hooks
        self._limits, self._tally = limits, tally
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._ending: asyncio.Future[Goodbye | None] = loop.create_future()
        self._acknowledged: asyncio.Future[None] = loop.create_future()
        self._sending = asyncio.Lock()
        self._is_over = False
        self._was_initialised = False
        self._awaits_pong = False
        self._ids: dict[str, _Running] = {}
        self._running: set[_Running] = set()
        self._subscriptions = 0
        now = self._clock()
        self._opened_at = self._pinged_at = self._checked_at = self._busy_at = now
        self._allowance, self._allowed_at = float(limits.message_burst), now

    def end(self, goodbye: Goodbye | None) -> None:
        """Have the socket closed; with None, without a word. Nothing else is said from now on."""
        self._is_over = True
        if not self._ending.done():
            self._ending.set_result(goodbye)

    async def serve(self) -> None:
        """Accept the socket, and talk until one side ends it."""
        await self._send({"type": "websocket.accept", "subprotocol": messages.SUBPROTOCOL})
        reader = asyncio.create_task(self._read())
        try:
            goodbye = await self._watch(reader)
            if goodbye is not None:
                await self._say_goodbye(goodbye)
        except asyncio.CancelledError:
            self._cancel_all()
            raise
        finally:
            await self._stop(reader)

    # The clock.

    async def _watch(self, reader: asyncio.Task[None]) -> Goodbye | None:
        """Do what falls due until the end, and return how to close the socket."""
        try:
            while not (reader.done() or self._ending.done()):
                awaited: set[asyncio.Future[Any]] = {reader, self._ending}
                if not self._acknowledged.done():
                    awaited.add(self._acknowledged)  # Other things fall due from then on.
                pause = max(0.0, self._due_at() - self._clock())
                done, _ = await asyncio.wait(
                    awaited, timeout=pause, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    await self._do_what_is_due()
            if self._ending.done():
                return self._ending.result()
            await reader  # The client has gone, or it raises what went wrong.
        except Close as close:
            return close.goodbye
        except (_Over, OSError):
            return None
        except Exception:
            log.exception("A socket has failed.")
            return Goodbye(CloseCode.INTERNAL_SERVER_ERROR, "Internal server error")
        return None

    def _due_at(self) -> float:
        limits = self._limits
        if not self._acknowledged.done():
            return self._opened_at + limits.init_seconds
        due_at = min(
            self._pinged_at + limits.keep_alive_seconds, self._checked_at + limits.check_seconds
        )
        return due_at if self._running else min(due_at, self._busy_at + limits.idle_seconds)

    async def _do_what_is_due(self) -> None:
        now, limits = self._clock(), self._limits
        if not self._acknowledged.done():
            if now >= self._opened_at + limits.init_seconds:
                raise Close(CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout")
            return
        if not self._running and now >= self._busy_at + limits.idle_seconds:
            raise Close(CloseCode.NORMAL, "Idle")
        if now >= self._checked_at + limits.check_seconds:
            await self._check_peer()
        if now >= self._pinged_at + limits.keep_alive_seconds:
            if self._awaits_pong:
                raise Close(CloseCode.GOING_AWAY, "No pong")
            self._awaits_pong = True
            self._pinged_at = now
            await self._say(messages.PING)

    async def _check_peer(self) -> None:
        self._checked_at = self._clock()
        if not await self._hooks.still_valid(self._peer):
            raise Close(CloseCode.FORBIDDEN, "Forbidden")

    # What the client says.

    async def _read(self) -> None:
        try:
            while (event := await self._receive())["type"] != "websocket.disconnect":
                self._count_message()
                self._awaits_pong = False
                await self._take(messages.read(self._text(event)))
        except Close as close:
            self.end(close.goodbye)

    def _count_message(self) -> None:
        now, limits = self._clock(), self._limits
        regained = (now - self._allowed_at) * limits.messages_per_second
        self._allowance = min(limits.message_burst, self._allowance + regained) - 1
        self._allowed_at = now
        if self._allowance < 0:
            raise Close(CloseCode.POLICY_VIOLATION, "Too many messages")

    def _text(self, event: Message) -> str:
        text: str | None = event.get("text")
        if text is None:
            raise Close(CloseCode.BAD_REQUEST, "A message is text.")
        maximum = self._limits.message_bytes
        if len(text) > maximum or (not text.isascii() and len(text.encode()) > maximum):
            raise Close(CloseCode.MESSAGE_TOO_BIG, f"A message has at most {maximum} bytes.")
        return text

    async def _take(self, message: messages.Message) -> None:
        match message:
            case messages.Subscribe():
                await self._subscribe(message)
            case messages.Complete():
                self._complete(message.id)
            case messages.ConnectionInit():
                await self._initialise(message.payload)
            case messages.Ping():
                await self._say(messages.pong(message.payload))

    async def _initialise(self, payload: dict[str, Any]) -> None:
        if self._was_initialised:
            raise Close(CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
        self._was_initialised = True
        try:
            self._peer = await self._hooks.peer_of(self._scope, payload)
        except GraphQLError as refusal:
            raise Close(CloseCode.FORBIDDEN, refusal.message) from refusal
        await self._say(messages.CONNECTION_ACK)
        self._pinged_at = self._checked_at = self._busy_at = self._clock()
        self._acknowledged.set_result(None)

    async def _subscribe(self, message: messages.Subscribe) -> None:
        if not self._acknowledged.done():
            raise Close(CloseCode.UNAUTHORIZED, "Unauthorized")
        if message.id in self._ids:
            reason = f"Subscriber for {message.id} already exists"
            raise Close(CloseCode.SUBSCRIBER_ALREADY_EXISTS, reason)
        try:
            request = from_members(message.payload)
        except BadRequest as bad:
            raise Close(CloseCode.BAD_REQUEST, str(bad)) from bad
        if len(self._running) >= self._limits.operations:
            told = self._hooks.tell(_too_many("operations", self._limits.operations), None)
            await self._say(messages.error(message.id, [told]))
            return
        running = _Running(message.id)
        running.task = asyncio.create_task(self._operate(running, request))
        # A task that is cancelled before it begins runs none of its own clean-up: it is done here.
        running.task.add_done_callback(lambda _: self._forget(running))
        self._running.add(running)
        self._ids[message.id] = running
        self._tally.operations += 1

    def _complete(self, id_: str) -> None:
        running = self._ids.pop(id_, None)
        if running is not None:  # Our own `complete` may have crossed the client's.
            running.is_wanted = False
            if not running.is_mutation:
                running.task.cancel()

    def _forget(self, running: _Running) -> None:
        self._running.discard(running)
        self._free(running)
        del running.task  # A cancelled task holds what it was doing, which holds the task.
        self._tally.operations -= 1
        self._busy_at = self._clock()

    def _free(self, running: _Running) -> None:
        if self._ids.get(running.id) is running:
            del self._ids[running.id]

    # An operation, in its own task.

    async def _operate(self, running: _Running, request: Request) -> None:
        context: ContextT | None = None
        try:
            await self._check_peer()
            context = await self._hooks.context_of(self._peer)
            await self._answer(running, request, context)
        except Close as close:
            self.end(close.goodbye)
        except (_Over, OSError):
            self.end(None)
        except GraphQLError as refusal:
            await self._give_up(running, refusal, context)
        except Exception:
            log.exception("An operation on a socket has failed.")
            await self._give_up(running, _INTERNAL, context)

    async def _give_up(
        self, running: _Running, error: GraphQLError, context: ContextT | None
    ) -> None:
        """Tell why an operation ends before its time. The others on the socket go on."""
        try:
            told = tell_all([error], self._hooks.tell, context)
            await self._finish(running, messages.error(running.id, told))
        except (_Over, OSError):
            self.end(None)

    async def _answer(self, running: _Running, request: Request, context: ContextT) -> None:
        document = self._documents.find(request)
        if document.errors:
            await self._refuse(running, document.errors, context)
            return
        try:
            operation = document.operation(request.operation_name)
        except UnknownOperation as error:
            await self._refuse(running, [bad_request(str(error))], context)
            return
        if operation.kind is OperationType.SUBSCRIPTION:
            await self._follow(running, operation, request, context)
        else:
            running.is_mutation = operation.kind is OperationType.MUTATION
            await self._run(running, operation, request, context)

    async def _run(
        self, running: _Running, operation: Operation, request: Request, context: ContextT
    ) -> None:
        started = self._clock()
        try:
            async with self._bounded(operation):
                outcome = await operation.run(request.variables, context=context)
        except TimeLimitExceeded:
            await self._refuse(running, [_too_long(self._limits.run_seconds)], context)
            return
        if self._hooks.on_run is not None:
            self._hooks.on_run(operation, outcome, self._clock() - started)
        await self._give(running, outcome, context)

    @contextlib.asynccontextmanager
    async def _bounded(self, operation: Operation) -> AsyncIterator[None]:
        """Give the block its time, and what the project has around it."""
        around = self._hooks.around or _nothing_around
        with Watchdog(self._limits.run_seconds):
            async with around(operation):
                yield

    # A subscription: between its events its task waits for the next one, as long as it takes.

    async def _follow(
        self, running: _Running, operation: Operation, request: Request, context: ContextT
    ) -> None:
        if self._subscriptions >= self._limits.subscriptions:
            refusal = _too_many("subscriptions", self._limits.subscriptions)
            await self._refuse(running, [refusal], context)
            return
        self._subscriptions += 1
        self._tally.subscriptions += 1
        try:
            block = self._hooks.while_subscribed
            with contextlib.nullcontext() if block is None else block(context):
                await self._open(running, operation, request, context)
        except TimeLimitExceeded:
            await self._refuse(running, [_too_long(self._limits.run_seconds)], context)
        finally:
            self._subscriptions -= 1
            self._tally.subscriptions -= 1

    async def _open(
        self, running: _Running, operation: Operation, request: Request, context: ContextT
    ) -> None:
        with Watchdog(self._limits.run_seconds):
            stream = await operation.subscribe(
                request.variables, context=context, around=lambda: self._bounded(operation)
            )
        if isinstance(stream, Outcome):
            await self._give(running, stream, context)
        else:
            await self._relay(running, stream, context)

    async def _relay(
        self, running: _Running, stream: AsyncIterator[Outcome], context: ContextT
    ) -> None:
        """Pass a subscription's events on; its generator is closed, however this ends."""
        try:
            async for outcome in stream:
                await self._check_peer()
                await self._send_outcome(running, outcome, context)
            await self._finish(running, messages.complete(running.id))
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

    async def _give(self, running: _Running, outcome: Outcome, context: ContextT) -> None:
        """Send the one answer of an operation."""
        if not outcome.was_run:
            await self._refuse(running, outcome.errors or [], context)
            return
        await self._send_outcome(running, outcome, context)
        await self._finish(running, messages.complete(running.id))

    async def _send_outcome(self, running: _Running, outcome: Outcome, context: ContextT) -> None:
        answer: dict[str, Any] = {}
        if outcome.errors:
            answer["errors"] = tell_all(outcome.errors, self._hooks.tell, context)
        answer["data"] = outcome.data
        await self._say_of(running, messages.next_(running.id, answer))

    async def _refuse(
        self, running: _Running, errors: Iterable[GraphQLError], context: ContextT
    ) -> None:
        told = tell_all(errors, self._hooks.tell, context)
        await self._finish(running, messages.error(running.id, told))

    async def _finish(self, running: _Running, text: str) -> None:
        # The id is free before the client hears of the end, for it may use it again at once.
        self._free(running)
        await self._say_of(running, text)

    # What we say.

    async def _say_of(self, running: _Running, text: str) -> None:
        if running.is_wanted:
            await self._say(text)

    async def _say(self, text: str) -> None:
        """Send a message, one at a time; a reader that is too slow for it loses the socket."""
        try:
            with Watchdog(self._limits.send_seconds):
                async with self._sending:
                    if self._is_over:
                        raise _Over
                    await self._send({"type": "websocket.send", "text": text})
        except TimeLimitExceeded:
            self.end(None)
            raise _Over from None

    async def _say_goodbye(self, goodbye: Goodbye) -> None:
        self._is_over = True
        code, reason = goodbye
        farewell = {"type": "websocket.close", "code": int(code), "reason": reason}
        with contextlib.suppress(OSError, TimeLimitExceeded), Watchdog(self._limits.send_seconds):
            async with self._sending:
                await self._send(farewell)

    async def _stop(self, reader: asyncio.Task[None]) -> None:
        """End all tasks; mutations that have begun may end by themselves."""
        self._is_over = True
        reader.cancel()
        for running in self._running:
            if not running.is_mutation:
                running.task.cancel()
        try:
            tasks = {reader, *(running.task for running in self._running)}
            await _end_all(tasks, self._limits.grace_seconds)
        except asyncio.CancelledError:
            self._cancel_all()
            raise

    def _cancel_all(self) -> None:
        for running in self._running:
            running.task.cancel()


async def _end_all(tasks: set[asyncio.Task[None]], grace_seconds: float) -> None:
    """Wait until the tasks have ended; cancel those that take longer than they may."""
    done, late = await asyncio.wait(tasks, timeout=grace_seconds)
    for task in late:
        task.cancel()
    if late:
        ended, late = await asyncio.wait(late, timeout=grace_seconds)
        done |= ended
    for task in late:
        log.error("A task of a socket doesn't end: %r", task)
    for task in done:
        if not task.cancelled():
            task.exception()  # It was told already, or came when the socket had ended.


def _nothing_around(_operation: Operation) -> AbstractAsyncContextManager[None]:
    return contextlib.nullcontext()


def _too_many(what: str, maximum: int) -> GraphQLError:
    return GraphQLError(
        f"At most {maximum} {what} run on a socket at a time.",
        extensions={"code": "RATE_LIMITED", "limit": what, "maximum": maximum},
    )


def _too_long(seconds: float) -> GraphQLError:
    message = f"This took more than {seconds:g} seconds, and was given up."
    return GraphQLError(message, extensions={"code": "TIMEOUT"})
