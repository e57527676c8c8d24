"""The world that torture schemas read: values, troubles and waits, decided by seed and place.

A `World` is the context of one run. Two worlds of one seed answer alike, in whatever order they
are asked, so a difference between two runs is a difference between those who ran them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from types import CoroutineType
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse_type,
    type_from_ast,
)
from strawberry.dataloader import DataLoader

from tests.executor.torture import values
from tests.executor.torture.dice import Dice

Place = tuple[object, ...]
MakeSource = Callable[["World", str, Place], Any]


@dataclass(frozen=True, slots=True)
class Mood:
    """How much goes wrong: shares of all places.

    `oddity` is for what is allowed but seldom seen: a tuple for a list, a float for an Int,
    something to await where a value is expected.
    """

    trouble: float = 0.0
    oddity: float = 0.0
    nulls: float = 0.15
    waits: int = 3


class Refusal(Exception):
    """An error of the schema's own."""


class Locked(Exception):
    """An error that the Strawberry schema turns into a value."""


class World:
    """The context of one run."""

    def __init__(
        self, schema: GraphQLSchema, seed: int, mood: Mood, make_source: MakeSource
    ) -> None:
        self.schema = schema
        self.dice = Dice(seed)
        self.mood = mood
        self.calls: list[tuple[str, str]] = []
        # With a cache, what compiled code loaded is there at once for graphql-core. Then, of two
        # errors that make one place null, another one may come first.
        self._caches = seed % 2 == 0 and mood.trouble == 0
        self.loader: DataLoader[Any, Any] = DataLoader(load_fn=self._load, cache=self._caches)
        self._make_source = make_source
        # One object raised many times over.
        self._shared = GraphQLError("Shared by all who raise it.", extensions={"code": "SHARED"})

    def record(self, name: str, **arguments: Any) -> None:
        """Note a side effect."""
        self.calls.append((name, repr(sorted(arguments.items()))))

    async def pause(self, *place: object) -> None:
        """Let others run, as many times as this place's chance says."""
        for _ in range(self.dice.number(self.mood.waits + 1, *place, "pause")):
            await asyncio.sleep(0)

    def answer(self, type_: GraphQLOutputType, *place: object) -> Any:
        """Return what a resolver of this type returns here, or raise what it raises."""
        if self._goes_wrong(place):
            return self._trouble(type_, place, may_raise=True)
        return self.value(type_, *place)

    def value(self, type_: GraphQLOutputType, *place: object) -> Any:
        """Return a value of an output type; an exception may be one."""
        if self._goes_wrong(place):
            return self._trouble(type_, place, may_raise=False)
        if is_non_null_type(type_):
            return self._present(type_.of_type, place)
        if self.dice.chance(self.mood.nulls, *place, "null"):
            return Undefined if self._is_odd(place, "undefined") else None
        return self._present(type_, place)

    def batch(self, kind: str, places: Sequence[Place]) -> list[Any]:
        """Return one value for each place, with the errors among them; or fail for all of them."""
        if self._goes_wrong(("batch", kind)):
            if self.dice.chance(0.5, "batch", kind):
                raise Refusal(f"No {kind} for anybody.")
            places = places[1:]  # An answer that is too short.
        type_: Any = type_from_ast(self.schema, parse_type(kind))
        return [self._loaded(type_, place) for place in places]

    def is_kept(self, value: Any, *place: object) -> bool:
        """Tell whether an object keeps the value of an attribute, as its first reader got it.

        What can be used once is kept where time makes no difference: its second reader, if there
        is one, gets it sooner.
        """
        is_used_up = hasattr(value, "__await__") or isinstance(value, Iterator | AsyncIterator)
        if is_used_up and (self.mood.trouble or self._caches):
            return False
        return self.dice.chance(0.4, *place, "kept")

    def source(self, type_name: str, *place: object) -> Any:
        """Return an object of a type, as this schema makes them."""
        return self._make_source(self, type_name, place)

    async def _load(self, keys: list[Any]) -> Sequence[Any]:
        """Answer many places at once, for the loader."""
        await self.pause("load", len(keys))
        return [self._loaded(type_, place) for type_, place in keys]

    def _loaded(self, type_: GraphQLOutputType, place: Place) -> Any:
        try:
            return self.answer(type_, *place)
        except Exception as error:  # noqa: BLE001 (the loader raises it for this key alone)
            return error

    def _goes_wrong(self, place: Place) -> bool:
        return self.dice.chance(self.mood.trouble, *place, "trouble")

    def _is_odd(self, place: Place, how: str) -> bool:
        return self.dice.chance(self.mood.oddity, *place, how)

    def _present(self, type_: Any, place: Place) -> Any:
        value = self._bare(type_, place)
        if self._is_odd(place, "awaitable") and not _holds_coroutines(value):
            return self._later(value, place)
        return value

    def _bare(self, type_: Any, place: Place) -> Any:
        if is_list_type(type_):
            return self._many(type_, place)
        if is_leaf_type(type_):
            odd = values.odd(type_) if self._is_odd(place, "leaf") else ()
            return self.dice.pick(odd or values.good(type_), *place, "leaf")
        return self.source(self._object_type(type_, place).name, *place)

    def _object_type(self, type_: Any, place: Place) -> GraphQLObjectType:
        if is_object_type(type_):
            return type_
        return self.dice.pick(self.schema.get_possible_types(type_), *place, "type")

    def _many(self, type_: Any, place: Place) -> Any:
        length = self.dice.pick((0, 1, 2, 2, 3), *place, "length")
        items = [self.value(type_.of_type, *place, index) for index in range(length)]
        is_nested = isinstance(place[-1], int) or is_list_type(_nullable(type_.of_type))
        if not is_nested and self._is_odd(place, "all awaitable"):
            return [_wait(self, item, (*place, index)) for index, item in enumerate(items)]
        if not self._is_odd(place, "shape"):
            return items
        fails = self._goes_wrong((*place, "iteration"))
        shapes: tuple[Callable[[], Any], ...] = (
            lambda: tuple(items),
            lambda: deque(items),
            lambda: dict(enumerate(items)).values(),
            lambda: _one_by_one(items, fails=fails),
            lambda: iter(items),
            lambda: _Bag(items),
            lambda: _one_by_one_later(items, fails=fails),
            lambda: _as_keys(items),
        )
        return self.dice.pick(shapes, *place, "shape")()

    def _later(self, value: Any, place: Place) -> Any:
        if isinstance(place[-1], int) or self.dice.chance(0.5, *place, "promise"):
            # One coroutine among other items: graphql-core itself loses sight of such.
            return _Promise(self, value, place)
        return _wait(self, value, place)

    def _trouble(self, type_: GraphQLOutputType, place: Place, *, may_raise: bool) -> Any:
        kinds = ["null", "error", "wrong", "wrong", "awaited error"]
        if may_raise:
            kinds += ["raise", "raise", "raise"]
        kind = self.dice.pick(kinds, *place, "kind of trouble")
        if kind == "null":
            return None
        if kind == "wrong":
            return self._wrong(type_, place)
        error = self._error(place)
        if kind == "raise":
            raise error
        return self._later(error, place) if kind == "awaited error" else error

    def _wrong(self, type_: Any, place: Place) -> Any:
        named = type_.of_type if is_non_null_type(type_) else type_
        if is_list_type(named):
            return self.dice.pick((5, "text", {}, values.Opaque(), {"a": 1}, b"x"), *place, "wrong")
        if is_leaf_type(named):
            return self.dice.pick(values.wrong(named), *place, "wrong")
        others = [each.name for each in self.schema.type_map.values() if is_object_type(each)]
        others = [name for name in others if not name.startswith("__")]
        candidate = self.dice.pick((*others, 5, "text", values.Opaque), *place, "wrong")
        return self.source(candidate, *place) if candidate in others else candidate

    def _error(self, place: Place) -> Exception:
        made: tuple[Callable[[], Exception], ...] = (
            lambda: Refusal(f"Refused at {place[-1]}."),
            lambda: ValueError(f"No good at {place[-1]}."),
            lambda: KeyError("missing"),
            lambda: TimeoutError("too slow"),
            lambda: StopIteration("stopped"),
            lambda: StopAsyncIteration("stopped"),
            lambda: Locked("locked"),
            lambda: GraphQLError("Told plainly.", extensions={"code": "TOLD", "at": repr(place)}),
            lambda: GraphQLError("Elsewhere.", path=["else", 0, "where"]),
            lambda: GraphQLError("Caused.", original_error=Refusal("cause")),
            lambda: self._shared,
        )
        return self.dice.pick(made, *place, "error")()


def _holds_coroutines(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], CoroutineType)


class _Bag:
    """Something that can be iterated, and nothing else."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __repr__(self) -> str:
        return "_Bag()"


class _Promise:
    """What can be awaited once; not having awaited it is no fault."""

    def __init__(self, world: World, value: Any, place: Place) -> None:
        self._world = world
        self._value = value
        self._place = place
        self._is_kept = False

    def __await__(self) -> Generator[Any, None, Any]:
        if self._is_kept:
            raise RuntimeError("A promise was awaited twice.")
        self._is_kept = True
        return (yield from _wait(self._world, self._value, self._place).__await__())

    def __repr__(self) -> str:
        return "_Promise()"


async def _wait(world: World, value: Any, place: Place) -> Any:
    """Return a value after a while; raise it, if it is an error."""
    await world.pause(*place)
    if isinstance(value, Exception):
        raise value
    return value


def _nullable(type_: Any) -> Any:
    return type_.of_type if is_non_null_type(type_) else type_


def _one_by_one(items: Sequence[Any], *, fails: bool) -> Iterator[Any]:
    yield from items
    if fails:
        raise Refusal("The list broke off.")


async def _one_by_one_later(items: Sequence[Any], *, fails: bool) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item
    if fails:
        raise Refusal("The list broke off.")


def _as_keys(items: Sequence[Any]) -> Any:
    """Return a dict's keys, where all items can be; else the list."""
    try:
        return dict.fromkeys(items).keys()
    except TypeError:
        return items
