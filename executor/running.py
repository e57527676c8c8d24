"""What compiled code calls while it runs: resolvers, batches, checks of values.

Everything here has two outcomes: what graphql-core would have got as well, or an exception. Any
exception leaves the whole operation to graphql-core (see operation.py): nothing here words errors.
"""

from __future__ import annotations

import asyncio
from asyncio import isfuture
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, KeysView, Mapping, Sequence, ValuesView
from inspect import CORO_CREATED, getcoroutinestate, isawaitable
from types import CoroutineType, GeneratorType
from typing import Any, NamedTuple

from graphql import (
    GraphQLAbstractType,
    GraphQLLeafType,
    Undefined,
    default_type_resolver,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from executor.fields import Ahead, BatchInfo, Needs, PlannedNodes, below
from executor.interpreter import Memory, Resolved
from executor.tracebacks import drop_tracebacks

Pending = tuple[Any, dict[str, Any], Path | None]
"""An object whose answer waits for some fields: the object, its answer so far, where it stands."""

MAX_SEEN_CLASSES = 64
"""How many classes of objects one place remembers to be sound."""
TURNS_TO_SEND = 3
"""Turns of the loop until what was just begun has sent what it asks of a DataLoader."""


class Fallback(Exception):
    """Compiled code has met what only graphql-core can answer; `value` is what it met."""

    def __init__(self, value: Any = None) -> None:
        super().__init__()
        self.value = value


class Run:
    """One run of an operation.

    `replays` says whether root fields are remembered: those of mutations are, for their effects;
    a query is run anew, so that everything takes the time it takes with graphql-core, and errors
    come in the same order. `leftovers` were begun and are of no use any more, `dropped` was got.
    `failure` is what ended it, if anything did.
    """

    __slots__ = (
        "context",
        "dropped",
        "failure",
        "leftovers",
        "memory",
        "replays",
        "root",
        "variables",
    )

    def __init__(
        self, context: Any, root: Any, variables: VariableValues, *, replays: bool = False
    ) -> None:
        self.context = context
        self.root = root
        self.variables = variables
        self.replays = replays
        self.memory = Memory()
        self.leftovers: list[asyncio.Future[Any]] = []
        self.dropped: list[Any] = []
        self.failure: Exception | None = None

    async def gather(self, futures: Sequence[asyncio.Future[Any]]) -> list[Any]:
        """Wait for several at once; when one fails, the others are left to run on.

        They aren't cancelled before graphql-core has answered: with them would be what they wait
        for, and somebody else may get the same of a DataLoader.
        """
        try:
            return await asyncio.gather(*futures)
        except BaseException:
            self.leftovers += futures
            raise

    def may_go_on(self) -> None:
        """Begin nothing more beside graphql-core, which begins it all again.

        Raises:
            Fallback: another part of the run has failed.
        """
        if self.leftovers:
            raise Fallback

    async def send(self) -> None:
        """Let what was begun ask for what it waits for.

        What a DataLoader was asked goes in a batch of its own: together with what graphql-core is
        about to ask, it would take another time, and errors would come in another order.
        """
        for _ in range(TURNS_TO_SEND):
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Cancel what still runs, and wait until it has ended."""
        if self.leftovers:
            # What has not begun can't be ended, for what it holds would complain; and who cancels
            # before a DataLoader has sent its keys stops it for all others.
            await self.send()
        running = [each for each in self.leftovers if not each.done()]
        for each in running:
            each.cancel()
        if running:
            await asyncio.wait(running)

    def close(self, errors: Iterable[BaseException] = ()) -> None:
        """Cancel what still runs, and close what nobody has begun to await in the meantime.

        graphql-core has gone on with the objects that compiled code left: what one of them holds
        it may have awaited. `errors` are those that it found, which may be the same.
        """
        for each in self.leftovers:
            each.cancel()
        discard([self.leftovers, self.dropped, self.failure])
        # Frames hold the run, and the run held what they failed with.
        if self.failure is not None:
            drop_tracebacks([self.failure], but_of=errors)
        self.failure, self.memory, self.leftovers, self.dropped = None, Memory(), [], []


InfoMaker = Callable[[Run, Path], Any]
"""Makes the `info` of a field at a path."""


class ResolverCall:
    """Calls a field's own resolver as graphql-core would: same parent, info and arguments."""

    __slots__ = ("_arguments", "_info", "_resolve", "_type_name", "name")

    def __init__(
        self,
        name: str,
        type_name: str,
        resolve: Callable[..., Any],
        info: InfoMaker,
        arguments: Callable[[Run], Mapping[str, Any]],
    ) -> None:
        self.name = name
        self._type_name = type_name
        self._resolve = resolve
        self._info = info
        self._arguments = arguments

    def __call__(self, run: Run, source: Any, parent: Path | None) -> Any:
        """Return the field's value, or what has to be awaited for it."""
        info = self._info(run, Path(parent, self.name, self._type_name))
        return self._resolve(source, info, **self._arguments(run))


async def root_value(run: Run, call: ResolverCall, is_awaitable: Callable[[Any], bool]) -> Any:
    """Resolve a root field, and remember what came of it."""
    given = None
    was_awaited = False
    try:
        given = value = call(run, run.root, None)
        was_awaited = is_awaitable(given)
        if was_awaited:
            value = await given
    except Exception as error:
        _remember(run, call.name, given, Resolved(None, error, was_awaited))
        raise
    _remember(run, call.name, given, Resolved(value, None, was_awaited))
    return value


def _remember(run: Run, name: str, given: Any, resolved: Resolved) -> None:
    """Remember what came of a root field, or at least of what was awaited for it."""
    if run.replays:
        run.memory.fields[name] = resolved
    elif resolved.was_awaited:
        run.memory.awaited.append(([given], [resolved]))


async def together(run: Run, fields: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for several root fields of a query at once."""
    return await run.gather([asyncio.ensure_future(each) for each in fields])


async def resolved(
    run: Run,
    pending: Sequence[Pending],
    calls: Sequence[ResolverCall],
    is_awaitable: Callable[[Any], bool],
) -> list[list[Any]]:
    """Resolve fields for all objects of a level, waiting once for all that has to be waited for.

    Returns a list of values for each call, in the order of the objects.
    """
    run.may_go_on()
    columns: list[list[Any]] = [[] for _ in calls]
    waiting: list[tuple[list[Any], int]] = []
    run.dropped.append(columns)  # Until they have found their place in the answer.
    for call, column in zip(calls, columns, strict=True):
        for source, _, path in pending:
            value = call(run, source, path)
            if is_awaitable(value):
                waiting.append((column, len(column)))
            column.append(value)
    if waiting:
        values = await _awaited(run, [column[row] for column, row in waiting])
        for (column, row), value in zip(waiting, values, strict=True):
            column[row] = value
    return columns


async def _awaited(run: Run, values: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for all values, and remember what they gave."""
    awaited = run.memory.awaited
    if len(values) == 1:
        try:
            result = await values[0]
        except Exception as error:
            awaited.append((values, [Resolved(error=error)]))
            raise
        awaited.append((values, [Resolved(result)]))
        return [result]
    if len({id(value) for value in values}) < len(values) and not all(map(isfuture, values)):
        raise Fallback  # Only futures may be awaited twice, and asyncio.gather awaits each once.
    futures = [asyncio.ensure_future(each) for each in values]
    awaited.append((values, futures))
    return await run.gather(futures)


class _Told(NamedTuple):
    """What a batch function is called with."""

    sources: list[Any]
    info: BatchInfo
    arguments: Mapping[str, Any]


class BatchCall:
    """Calls a batch function for all objects of a level, and before it what it wants ahead."""

    __slots__ = ("_ahead", "_arguments", "_batch", "_name", "_nodes")

    def __init__(
        self,
        name: str,
        batch: Callable[..., Awaitable[Sequence[Any]]],
        arguments: Callable[[Run], Mapping[str, Any]],
        nodes: PlannedNodes,
        ahead: Ahead | None = None,
    ) -> None:
        self._name = name
        self._batch = batch
        self._arguments = arguments
        self._nodes = nodes
        self._ahead = ahead

    def ahead(self, run: Run, pending: Sequence[Pending]) -> _Told:
        """Say what the call will be, and return it for the call itself."""
        assert self._ahead is not None
        told = self._told(run, pending)
        told.info.prepared = self._ahead(told.sources, told.info, **told.arguments)
        return told

    async def __call__(
        self, run: Run, pending: Sequence[Pending], told: _Told | None = None
    ) -> Sequence[Any]:
        """Return one value for each object."""
        run.may_go_on()
        sources, info, arguments = told or self._told(run, pending)
        values = await self._batch(sources, info, **arguments)
        run.dropped.append(values)  # Until they have found their place in the answer.
        if len(values) != len(sources):
            raise Fallback
        return values

    def _told(self, run: Run, pending: Sequence[Pending]) -> _Told:
        info = BatchInfo(
            run.context, self._name, run.root, run.variables.coerced, self._nodes.selected
        )
        return _Told([source for source, _, _ in pending], info, self._arguments(run))


class NeedCall:
    """Calls what fields of a level need, for all objects of the level."""

    __slots__ = ("_field_name", "_needs", "_selected")

    def __init__(self, needs: Needs, nodes: Mapping[str, Sequence[PlannedNodes]]) -> None:
        self._needs = needs
        self._field_name = next(iter(nodes))
        asked = [below(name, each.selected) for name, several in nodes.items() for each in several]
        self._selected = frozenset[str]().union(*asked)

    async def __call__(self, run: Run, pending: Sequence[Pending]) -> None:
        """Have it fetched."""
        run.may_go_on()
        info = BatchInfo(
            run.context, self._field_name, run.root, run.variables.coerced, self._selected
        )
        await self._needs([source for source, _, _ in pending], info)


def discard(value: Any) -> None:
    """Close coroutines that nobody has begun to await, and hear futures' errors.

    Python complains of either when nobody does.
    """
    if isinstance(value, CoroutineType):
        if getcoroutinestate(value) == CORO_CREATED:
            value.close()
    elif isfuture(value):
        value.add_done_callback(_hear)
    elif isinstance(value, (list, tuple, deque, set, frozenset, KeysView, ValuesView)):
        for each in value:
            discard(each)
    elif isinstance(value, Fallback):
        discard(value.value)


def _hear(future: asyncio.Future[Any]) -> None:
    """Take note of what became of a future, lest anybody complain that nobody did."""
    if not future.cancelled():
        discard(future.exception() or future.result())


def items(value: Any) -> Sequence[Any]:
    """Return what a list field lists; anything but a list or a tuple is graphql-core's."""
    if isinstance(value, (list, tuple)) and not (value and type(value[0]) is CoroutineType):
        return value
    raise Fallback(value)


def items_or_none(value: Any) -> Sequence[Any] | None:
    """Return what a nullable list field lists, or None."""
    return None if value is None else items(value)


def grid(value: Any) -> Sequence[Any]:
    """Return what a list of lists lists; none of them may hold coroutines, however deep."""
    listed = items(value)
    if any(map(_holds_coroutines, listed)):
        raise Fallback(value)
    return listed


def grid_or_none(value: Any) -> Sequence[Any] | None:
    """Return what a nullable list of lists lists, or None."""
    return None if value is None else grid(value)


def _holds_coroutines(value: Any) -> bool:
    """Tell it by the first item; lists within lists are all looked into."""
    if not isinstance(value, (list, tuple)):
        return False
    first = next((each for each in value if each is not None), None)
    if isinstance(first, (list, tuple)):
        return any(map(_holds_coroutines, value))
    return type(first) is CoroutineType


class Sound:
    """Checks that a value is an object, whose fields may be read; classes are checked once.

    `classes` are those that were found sound: compiled code looks there first.
    """

    __slots__ = ("_is_awaitable", "_is_nullable", "classes")

    def __init__(self, *, is_nullable: bool, is_awaitable: Callable[[Any], bool]) -> None:
        self.classes: set[type] = set()
        self._is_nullable = is_nullable
        self._is_awaitable = is_awaitable

    def __call__(self, value: Any) -> bool:
        """Tell whether it is an object (True) or an allowed null (False)."""
        if value is None or value is Undefined:
            if self._is_nullable:
                return False
            raise Fallback
        if isinstance(value, Exception) or self._is_awaitable(value):
            raise Fallback(value)
        if type(value) is not GeneratorType and len(self.classes) < MAX_SEEN_CLASSES:
            self.classes.add(type(value))
        return True


_NEVER_AWAITABLE = frozenset({str, int, float, bool, bytes, list, tuple, dict, set, frozenset})


class LeafCompletion:
    """Completes a leaf's value by its type's own `coerce_output_value`."""

    __slots__ = ("_coerce", "_is_awaitable", "_is_nullable", "_sound")

    def __init__(
        self,
        type_: GraphQLLeafType,
        *,
        is_nullable: bool,
        is_awaitable: Callable[[Any], bool],
    ) -> None:
        self._coerce = type_.coerce_output_value
        self._is_nullable = is_nullable
        self._is_awaitable = is_awaitable
        self._sound = set(_NEVER_AWAITABLE)

    def __call__(self, value: Any) -> Any:
        """Return the coerced value, or an allowed None."""
        if value is None or value is Undefined:
            if self._is_nullable:
                return None
            raise Fallback
        if type(value) not in self._sound:
            if isinstance(value, Exception) or self._is_awaitable(value):
                raise Fallback(value)
            if type(value) is not GeneratorType and len(self._sound) < MAX_SEEN_CLASSES:
                self._sound.add(type(value))
        coerced = self._coerce(value)
        if coerced is None or coerced is Undefined:
            raise Fallback
        return coerced


class TypeCheck:
    """Asks an object type's `is_type_of`, as graphql-core does before it reads an object."""

    __slots__ = ("_info", "_is_type_of")

    def __init__(self, is_type_of: Callable[[Any, Any], Any], info: InfoMaker | None) -> None:
        self._is_type_of = is_type_of
        self._info = info

    def __call__(self, run: Run, value: Any, path: Path | None) -> bool:
        """Return True for a value of the type."""
        info = None if self._info is None or path is None else self._info(run, path)
        answer = self._is_type_of(value, info)
        if answer is True:
            return True
        if isawaitable(answer):
            run.leftovers.append(asyncio.ensure_future(answer))
        raise Fallback


class TypeName:
    """Finds out which object type a value of an interface or a union has."""

    __slots__ = ("_info", "_resolve_type", "_type")

    def __init__(self, type_: GraphQLAbstractType, info: InfoMaker) -> None:
        self._type = type_
        self._resolve_type = type_.resolve_type or default_type_resolver
        self._info = info

    def __call__(self, run: Run, value: Any, path: Path) -> str:
        """Return the type's name."""
        name: Any = self._resolve_type(value, self._info(run, path), self._type)
        if type(name) is str:
            return name
        if isawaitable(name):
            run.leftovers.append(asyncio.ensure_future(name))
        raise Fallback
