"""The types of the Strawberry torture schema: every construct that one can hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.permission import PermissionExtension
from strawberry.scalars import JSON, Base64

from executor.fields import BatchInfo, batched, derived
from tests.executor.torture import gates, inputs, resolvers
from tests.executor.torture.inputs import Cents, Colour, Even, Level, Loose, Size, Spot
from tests.executor.torture.resolvers import Info, at_once, later
from tests.executor.torture.sources import Decided, Row, key_of
from tests.executor.torture.world import World

field = strawberry.field
T = TypeVar("T")


@strawberry.interface
class Thing(Decided):
    """The interface of most types."""

    id: strawberry.ID
    label: str | None
    kin: list[Thing] = field(resolver=later)
    closest: Thing | None = field(resolver=at_once)


@strawberry.interface
class Priced(Thing):
    """An interface that has an interface."""

    cents: Cents
    discount: float | None = field(resolver=at_once)


@strawberry.interface
class Tagged(Decided):
    """An interface that finds out the type by itself, after a while."""

    tag: str

    @classmethod
    async def resolve_type(
        cls, source: Any, info: GraphQLResolveInfo[Any], _abstract: Any
    ) -> str | None:
        await info.context.pause(*key_of(source))
        name: str | None = getattr(source, "_type", None)
        return name


@strawberry.type
class Leaves(Priced):
    """Every leaf, required and not, read and resolved."""

    text: str
    text_or_none: str | None
    whole: int
    whole_or_none: int | None
    share: float
    share_or_none: float | None
    flag: bool
    flag_or_none: bool | None
    day: dt.date
    moment: dt.datetime
    moment_or_none: dt.datetime | None
    hour: dt.time | None
    amount: Decimal
    unique: UUID
    loose_json: JSON
    data: Base64 | None
    even: Even
    even_or_none: Even | None
    spot: Spot | None
    anything: Loose | None
    colour: Colour
    colour_or_none: Colour | None
    size: Size
    level: Level | None
    nothing: None
    other_name: int = field(name="renamedInGraphQL")
    old: str | None = field(deprecation_reason="Ask for text.")
    text_at_once: str = field(resolver=at_once)
    whole_at_once: int | None = field(resolver=at_once)
    text_later: str = field(resolver=later)
    share_later: float | None = field(resolver=later)
    colour_later: Colour = field(resolver=later)
    text_promised: str | None = field(resolver=resolvers.promised)
    whole_in_a_task: int | None = field(resolver=resolvers.in_a_task)
    text_loaded: str | None = field(resolver=resolvers.loaded)
    whole_loading: int = field(resolver=resolvers.loading)
    alone: int = field(resolver=resolvers.alone)
    alone_later: int = field(resolver=resolvers.alone_later)
    parent: str = field(resolver=resolvers.of_the_parent)

    @field
    def shouted(self) -> str:
        """Read an attribute of its own."""
        text: str = resolvers.used(self.text)
        return text.upper()

    @field
    async def counted(self, info: Info) -> int:
        await info.context.pause(*key_of(self))
        whole: int = resolvers.used(self.whole)
        return whole + 1


@strawberry.type
class Box(Thing, Tagged):
    """Objects and lists, at every nesting of null."""

    leaves: Leaves
    leaves_or_none: Leaves | None
    box: Box | None
    box_at_once: Box = field(resolver=at_once)
    box_later: Box | None = field(resolver=later)
    texts: list[str]
    texts_or_none: list[str] | None
    nullable_texts: list[str | None]
    wholes: list[int | None] | None = field(resolver=later)
    colours: list[Colour]
    grid: list[list[int]]
    nullable_grid: list[list[int | None] | None] | None
    cube: list[list[list[str]]] | None = field(resolver=at_once)
    many: list[Leaves]
    many_or_none: list[Leaves | None] | None
    many_at_once: list[Leaves | None] = field(resolver=at_once)
    many_later: list[Leaves] | None = field(resolver=later)
    boxes: list[Box] = field(resolver=later)
    shelves: list[list[Leaves | None] | None] | None
    shelves_later: list[list[Box]] | None = field(resolver=later)
    thing: Thing
    things: list[Thing | None]
    things_loaded: list[Thing] | None = field(resolver=resolvers.loaded)
    priced: Priced | None = field(resolver=resolvers.loading)
    tagged: Tagged | None
    tagged_many: list[Tagged] = field(resolver=later)
    find: Find | None
    finds: list[Find]
    finds_later: list[Find | None] | None = field(resolver=later)
    puzzle: Puzzle | None
    vault: Vault = field(resolver=at_once)


def _derive(kind: str, name: str) -> Callable[[Any, World], Any]:
    """Return a function that fails for some, and is wrong for others."""

    def function(parent: Any, world: World) -> Any:
        [value] = world.batch(kind, [(*key_of(parent), name)])
        if isinstance(value, Exception):
            raise value
        return value

    return function


async def _fetch(parents: Sequence[Any], info: BatchInfo) -> None:
    """Take time, and fail at times; what is fetched is in the world already."""
    world: World = info.context
    await world.pause("fetch")


def _look_ahead(parents: Sequence[Any], _info: BatchInfo, first: int = 0) -> None:
    """Fail for some, which nobody must notice."""
    if len(parents) + first == 3:
        raise LookupError("too misty to look ahead")


@strawberry.type
class Puzzle(Thing, Tagged):
    """Arguments, and all that `info` tells."""

    made: str | None = derived(_derive("String", "made"))
    made_many: list[Leaves] = derived(_derive("[Leaves!]!", "made_many"))
    needy: int | None = derived(_derive("Int", "needy"), needs=_fetch)
    needy_many: list[Box | None] = derived(_derive("[Box]!", "needy_many"), needs=_fetch)

    described: str = field(resolver=resolvers.described)
    described_later: str | None = field(resolver=resolvers.described_later)
    echo_leaves: str = field(resolver=inputs.echo_leaves)
    echo_inputs: str | None = field(resolver=inputs.echo_inputs)
    echo_needed: str | None = field(resolver=inputs.echo_needed)

    @field
    def pieces(self, info: Info, first: int = 2, colour: Colour | None = None) -> list[Box]:
        found = list(resolvers.used(resolvers.told(info, self, first=first, colour=colour)))
        for each in found[first:]:
            resolvers.used(each)
        return found[:first]

    @field
    async def piece(self, info: Info, choice: inputs.Choice | None = None) -> Box | None:
        found: Box | None = await resolvers.told_later(info, self, choice=choice)
        return found

    @batched(ahead=_look_ahead, description="One call for all of a level, which fails for some.")
    @staticmethod
    async def neighbours(
        puzzles: Sequence[Any], info: BatchInfo, first: int = 2
    ) -> list[list[Leaves]]:
        return await _batch(puzzles, info, "[Leaves!]!", first=first)

    @batched(ahead=_look_ahead, description="One call for all of a level, a leaf.")
    @staticmethod
    async def weight(puzzles: Sequence[Any], info: BatchInfo) -> list[int | None]:
        return await _batch(puzzles, info, "Int")


async def _batch(parents: Sequence[Any], info: BatchInfo, kind: str, **arguments: Any) -> list[Any]:
    world: World = info.context
    await world.pause(info.field_name)
    given = (info.field_name, repr(arguments))
    return world.batch(kind, [(*key_of(each), *given) for each in parents])


@strawberry.type
class Vault(Decided):
    """Permissions and extensions, on attributes and resolvers of both manners."""

    open: str
    guarded: str | None = field(permission_classes=[gates.Guarded])
    guarded_needed: int = field(permission_classes=[gates.Guarded], resolver=at_once)
    guarded_later: str | None = field(permission_classes=[gates.GuardedLater], resolver=later)
    guarded_both: Leaves | None = field(
        permission_classes=[gates.Guarded, gates.GuardedLater], resolver=at_once
    )
    guarded_oddly: str | None = field(permission_classes=[gates.GuardedOddly], resolver=at_once)
    silent: str | None = field(
        extensions=[PermissionExtension([gates.Guarded()], fail_silently=True)]
    )
    silent_many: list[Leaves] = field(
        extensions=[PermissionExtension([gates.GuardedLater()], fail_silently=True)], resolver=later
    )
    doubled: str = field(extensions=[gates.Doubled()], resolver=at_once)
    doubled_later: str | None = field(extensions=[gates.Doubled()], resolver=later)
    remembered: str = field(extensions=[gates.Remembered()])
    slow: int | None = field(extensions=[gates.Slow()])
    slow_many: list[Box] | None = field(extensions=[gates.Slow()], resolver=at_once)

    @field(extensions=[gates.Doubled(), gates.Remembered()], permission_classes=[gates.Guarded])
    def several(self, info: Info, times: int = 1) -> str:
        return f"{key_of(self)} {times} {info.path.as_list()}"

    @field(extensions=[gates.Counted()])
    def counted(self, count: int = 2) -> int:
        return count


@strawberry.type
class Orm(Decided):
    """A type whose objects are rows, told by `is_type_of`."""

    name: str
    boxes: list[Box] = field(resolver=later)

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        return isinstance(source, Row | cls) and getattr(source, "_type", None) == "Orm"


Find = Annotated[Leaves | Box | Puzzle | Orm, strawberry.union("Find")]
Opened = Annotated[Box | gates.Closed, strawberry.union("Opened")]


@strawberry.type
class Edge(Decided, Generic[T]):
    """One of a connection's nodes."""

    cursor: str
    node: T | None


@strawberry.type
class Connection(Decided, Generic[T]):
    """A page of nodes, generic over them."""

    edges: list[Edge[T]]
    nodes: list[T] = field(resolver=later)
    total: int | None
    has_next: bool = field(resolver=at_once)
