"""What compiled code calls while it runs: resolvers, batches, checks of values.

Everything here has two outcomes: what graphql-core would have got as well, or an exception. Any
exception leaves the whole operation to graphql-core (see operation.py): nothing here words errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum, EnumType
from inspect import isawaitable
from types import CoroutineType, GeneratorType
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLLeafType,
    Undefined,
    default_type_resolver,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from executor.fields import BatchInfo, PlannedNodes
from executor.interpreter import Memory, Resolved

Pending = tuple[Any, dict[str, Any], Path | None]
"""An object whose answer waits for some fields: the object, its answer so far, where it stands."""

MAX_SEEN_CLASSES = 64
"""How many classes of objects one place remembers to be sound."""


class Fallback(Exception):
    """Compiled code has met what only graphql-core can answer; `value` is what it met."""

    def __init__(self, value: Any = None) -> None:
        super().__init__()
        self.value = value


class Run:
    """One run of an operation."""

    __slots__ = ("context", "leftovers", "memory", "root", "variables")

    def __init__(self, context: Any, root: Any, variables: VariableValues) -> None:
        self.context = context
        self.root = root
        self.variables = variables
        self.memory = Memory()
        self.leftovers: list[Awaitable[Any]] = []

    async def settle(self, met: Any) -> None:
        """End what was begun and is of no use any more; `met` is what compiled code stopped at.

        What a root field gave is kept: graphql-core goes on with it.
        """
        if not any(_holds(each.value, met) for each in self.memory.fields.values()):
            discard(met)
        if self.leftovers:
            await asyncio.gather(*self.leftovers, return_exceptions=True)


def _holds(value: Any, part: Any) -> bool:
    """Tell whether a value is this very part, or a list with it."""
    if value is part:
        return True
    return isinstance(value, (list, tuple)) and any(_holds(each, part) for each in value)


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
    fields = run.memory.fields
    try:
        value = call(run, run.root, None)
        if is_awaitable(value):
            value = await value
    except Exception as error:
        fields[call.name] = Resolved(error=error)
        raise
    fields[call.name] = Resolved(value)
    return value


async def together(fields: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for several root fields of a query at once, for all of them even if one fails."""
    return _values(await asyncio.gather(*fields, return_exceptions=True))


async def resolved(
    run: Run,
    pending: Sequence[Pending],
    calls: Sequence[ResolverCall],
    is_awaitable: Callable[[Any], bool],
) -> list[list[Any]]:
    """Resolve fields for all objects of a level, waiting once for all that has to be waited for.

    Returns a list of values for each call, in the order of the objects.
    """
    columns: list[list[Any]] = [[] for _ in calls]
    waiting: list[tuple[list[Any], int]] = []
    try:
        for call, column in zip(calls, columns, strict=True):
            for source, _, path in pending:
                value = call(run, source, path)
                if is_awaitable(value):
                    waiting.append((column, len(column)))
                column.append(value)
    except BaseException:
        discard(columns)
        raise
    if waiting:
        values = await _awaited(run, [column[row] for column, row in waiting])
        for (column, row), value in zip(waiting, values, strict=True):
            column[row] = value
    return columns


async def _awaited(run: Run, values: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for all values, and remember what they gave."""
    if len(values) == 1:
        try:
            results = [await values[0]]
        except Exception as raised:  # noqa: BLE001 (raised again below)
            results = [raised]
    else:
        results = await asyncio.gather(*values, return_exceptions=True)
    for value, result in zip(values, results, strict=True):
        error = result if isinstance(result, BaseException) else None
        run.memory.awaited[id(value)] = (value, Resolved(result, error))
    return _values(results)


def _values(results: list[Any]) -> list[Any]:
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


class BatchCall:
    """Calls a batch function for all objects of a level."""

    __slots__ = ("_arguments", "_batch", "_name", "_nodes")

    def __init__(
        self,
        name: str,
        batch: Callable[..., Awaitable[Sequence[Any]]],
        arguments: Callable[[Run], Mapping[str, Any]],
        nodes: PlannedNodes,
    ) -> None:
        self._name = name
        self._batch = batch
        self._arguments = arguments
        self._nodes = nodes

    async def __call__(self, run: Run, pending: Sequence[Pending]) -> Sequence[Any]:
        """Return one value for each object."""
        info = BatchInfo(
            run.context, self._name, run.root, run.variables.coerced, self._nodes.selected
        )
        sources = [source for source, _, _ in pending]
        values = await self._batch(sources, info, **self._arguments(run))
        if len(values) != len(sources):
            raise Fallback
        return values


def discard(value: Any) -> None:
    """Close the coroutines that nobody will await, so that Python doesn't complain of them."""
    if isinstance(value, CoroutineType):
        value.close()
    elif isinstance(value, (list, tuple)):
        for each in value:
            discard(each)


def items(value: Any) -> Sequence[Any]:
    """Return what a list field lists; anything but a list or a tuple is graphql-core's."""
    if isinstance(value, (list, tuple)) and not (value and type(value[0]) is CoroutineType):
        return value
    raise Fallback(value)


def items_or_none(value: Any) -> Sequence[Any] | None:
    """Return what a nullable list field lists, or None."""
    return None if value is None else items(value)


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

    __slots__ = ("_coerce", "_is_awaitable", "_is_nullable")

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

    def __call__(self, value: Any) -> Any:
        """Return the coerced value, or an allowed None."""
        if value is None or value is Undefined:
            if self._is_nullable:
                return None
            raise Fallback
        if type(value) not in _NEVER_AWAITABLE and (
            isinstance(value, Exception) or self._is_awaitable(value)
        ):
            raise Fallback(value)
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
            run.leftovers.append(answer)
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
            run.leftovers.append(name)
        raise Fallback


class EnumCompletion:
    """Completes members of an enumeration by a table, and all else as its type does."""

    __slots__ = ("_complete", "_names")

    def __init__(self, type_: GraphQLEnumType, complete: LeafCompletion) -> None:
        self._complete = complete
        self._names = {}
        wrapped = getattr(type_, "wrapped_cls", None)  # Strawberry's: a Python enumeration.
        if isinstance(wrapped, EnumType):
            member: Any
            for member in wrapped:
                self._names[wrapped, member.name] = type_.coerce_output_value(member)

    def __call__(self, value: Any) -> Any:
        """Return the name of the value, or an allowed None."""
        if isinstance(value, Enum):
            name = self._names.get((type(value), value._name_))
            if name is not None:
                return name
        return self._complete(value)
