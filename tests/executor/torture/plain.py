"""The torture schema in plain graphql-core: dicts and objects, read by its default resolver."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_object_type,
)
from graphql.pyutils import is_awaitable

from tests.executor.torture.sources import key_of
from tests.executor.torture.world import Place, World

SDL = """
enum Colour { RED GREEN BLUE }
enum Size { SMALL LARGE }
scalar Even
scalar Spot
scalar Loose

input Wish {
  text: String!
  count: Int = 3
  colours: [Colour!] = [RED, BLUE]
  within: Wish
  grid: [[Int]]
  size: Size! = LARGE
  spot: Spot
  outName: String
}
input Choice @oneOf { text: String, number: Int, wish: Wish }

interface Node { id: ID!, kin: [Node!], label: String }
interface Named implements Node {
  id: ID!
  kin: [Node!]
  label: String
  name(short: Boolean): String!
}

type Leaves implements Node & Named {
  id: ID!
  kin: [Node!]
  label: String
  name(short: Boolean): String!
  text: String!
  textOrNone: String
  whole: Int!
  wholeOrNone: Int
  share: Float!
  flag: Boolean
  colour: Colour!
  colourOrNone: Colour
  size: Size
  even: Even!
  spot: Spot
  loose: Loose
  later: String!
  promised: Int
  echo(number: Int = 3, wish: Wish, choice: Choice, colours: [Colour], loose: Loose): String!
  echoNeeded(number: Int!, wishes: [Wish!]!, choice: Choice!): String
}
type Box implements Node {
  id: ID!
  kin: [Node!]
  label: String
  leaves: Leaves!
  leavesOrNone: Leaves
  many: [Leaves!]!
  manyOrNone: [Leaves]
  manyLater: [Leaves!]
  texts: [String!]!
  grid: [[Int]!]
  cube: [[[Colour!]]]
  node: Node
  nodes: [Node!]!
  named: Named
  found: Found
  finds: [Found]
  pet: Pet
  pets: [Pet!]
  lone: Lone
  lones: [Lone!]!
  box(size: Size = SMALL): Box
  boxes: [Box!]
  described: String
  soFar: Int
}
type Lone { name: String!, nodes: [Node], self: Lone! }
union Found = Leaves | Box | Lone
type Cat { name: String!, lives: Int }
type Dog { name: String, barks: Boolean! }
union Pet = Cat | Dog

type Query {
  leaves: Leaves
  leavesLater: Leaves!
  box: Box
  boxes(first: Int = 2): [Box!]
  node: Node
  nodes: [Node]
  named: Named
  found: [Found!]
  pet: Pet
  pets: [Pet]
  lone: Lone!
  grid: [[Int!]!]
  whole: Int
  described: String
  echo(number: Int = 3, wish: Wish, choice: Choice): String
}
type Mutation {
  put(wish: Wish): Box
  putNeeded(wish: Wish!): Box!
  putMany(count: Int = 2): [Leaves]
  change(choice: Choice): Found
  count(by: Int! = 1): Int!
  later(colour: Colour): Pet
  plain: Lone
}
schema { query: Query, mutation: Mutation }
"""

ENUM_VALUES: dict[str, dict[str, Any]] = {
    "Colour": {"RED": "r", "GREEN": 2, "BLUE": (0, 0, 1)},
    "Size": {"SMALL": "SMALL", "LARGE": 10.5},
}
ROOT: Place = ("root",)


class Bag:
    """An object with attributes and methods."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.__dict__.update(given)

    def __repr__(self) -> str:
        return f"<Bag {self.__dict__['_key']}>"


def schema() -> GraphQLSchema:
    """Return the schema."""
    built = build_schema(SDL)
    for name, by_name in ENUM_VALUES.items():
        enum = built.type_map[name]
        assert isinstance(enum, GraphQLEnumType)
        _give_values(enum, by_name)
    _scalars(built)
    _types(built)
    _resolvers(built)
    return built


def _give_values(enum: GraphQLEnumType, by_name: Mapping[str, Any]) -> None:
    for name, value in by_name.items():
        enum.values[name].value = value
    enum.__dict__.pop("_value_lookup", None)


def _scalars(built: GraphQLSchema) -> None:
    def even(value: Any) -> Any:
        if not isinstance(value, int):
            raise TypeError(f"No number: {value!r}")
        return int(value) if value % 2 == 0 else None

    def spot(value: Any) -> str:
        left, top = value
        return f"{left + 0}:{top + 0}"

    for name, coerce in (("Even", even), ("Spot", spot)):
        scalar = built.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.coerce_output_value = coerce


def _types(built: GraphQLSchema) -> None:
    """Let each abstract type find its objects' types in another manner."""

    async def by_key_later(
        source: Any, info: GraphQLResolveInfo[Any], of: GraphQLAbstractType
    ) -> Any:
        await info.context.pause(*key_of(source))
        return _type_of(source)

    def is_a(name: str) -> Any:
        return lambda source, _info: _type_of(source) == name

    def is_a_later(name: str) -> Any:
        async def decide(source: Any, info: GraphQLResolveInfo[Any]) -> bool:
            await info.context.pause(*key_of(source), name)
            return _type_of(source) == name

        return decide

    named, found = built.type_map["Named"], built.type_map["Found"]
    assert isinstance(named, GraphQLInterfaceType)
    assert isinstance(found, GraphQLUnionType)
    named.resolve_type = by_key_later
    found.resolve_type = lambda source, _info, _of: _type_of(source)
    for name, decide in (("Cat", is_a), ("Dog", is_a_later)):
        pet = built.type_map[name]
        assert isinstance(pet, GraphQLObjectType)
        pet.is_type_of = decide(name)


def _type_of(source: Any) -> str | None:
    """Return the type that an object says to be of."""
    return source.get("_type") if isinstance(source, Mapping) else getattr(source, "_type", None)


def _resolvers(built: GraphQLSchema) -> None:
    """Give some fields resolvers; all the others are read from their objects."""

    async def later(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        place = (*key_of(source), info.field_name, repr(sorted(arguments.items())))
        await info.context.pause(*place)
        value = info.context.answer(info.return_type, *place)
        return await value if is_awaitable(value) else value

    def promised(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        return later(source, info, **arguments)

    async def echo(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> str:
        return repr(arguments)

    async def so_far(source: Any, info: GraphQLResolveInfo[Any]) -> int:
        await info.context.pause("so far")
        return len(info.context.calls)

    def described(source: Any, info: GraphQLResolveInfo[Any]) -> str:
        return repr((key_of(source), info.path.as_list(), str(info.parent_type), *_told(info)))

    async def changed(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        info.context.record(info.field_name, **arguments)
        return await later(source, info, **arguments)

    def changed_at_once(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        info.context.record(info.field_name, **arguments)
        place = (info.field_name, repr(sorted(arguments.items())))
        return info.context.answer(info.return_type, *place)

    by_field: dict[str, Any] = {
        "Leaves.later": later,
        "Leaves.promised": promised,
        "Leaves.echo": echo,
        "Leaves.echoNeeded": echo,
        "Box.manyLater": later,
        "Box.boxes": promised,
        "Box.described": described,
        "Box.soFar": so_far,
        "Query.leavesLater": later,
        "Query.boxes": later,
        "Query.nodes": promised,
        "Query.pets": later,
        "Query.described": described,
        "Query.echo": echo,
        "Mutation.put": changed,
        "Mutation.putNeeded": changed,
        "Mutation.putMany": changed_at_once,
        "Mutation.change": changed,
        "Mutation.count": changed_at_once,
        "Mutation.later": changed,
    }
    for path, resolve in by_field.items():
        type_name, field_name = path.split(".")
        type_ = built.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        type_.fields[field_name].resolve = resolve


def _told(info: GraphQLResolveInfo[Any]) -> tuple[Any, ...]:
    """Return what `info` says of variables: what was given, what came of it."""
    sources, coerced = info.variable_values
    return {name: source.value for name, source in sources.items()}, coerced


def make_source(world: World, type_name: str, place: Place) -> Any:
    """Return an object of a type: a dict, another mapping, or an object with attributes."""
    type_ = world.schema.type_map[type_name]
    assert is_object_type(type_)
    given: dict[str, Any] = {"__typename": type_name, "_type": type_name, "_key": place}
    for name, field in type_.fields.items():
        if not world.dice.chance(world.mood.trouble / 2, *place, name, "missing"):
            given[name] = _member(world, field, (*place, name))
    forms = (dict, dict, OrderedDict, UserDict, MappingProxyType, Bag)
    form = world.dice.pick(forms, *place, "form")
    if form is Bag:
        # A class attribute of this mangled name is how objects tell their `__typename`.
        given["_Bag__typename"] = type_name
    return form(given)


def _member(world: World, field: Any, place: Place) -> Any:
    """Return a value, or a function that graphql-core's default resolver calls for it."""
    if not field.args and _may_lie_about(world, field.type, place):
        return world.value(field.type, *place)

    def answer(info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        given = (repr(sorted(arguments.items())),) if arguments else ()
        return world.answer(field.type, *place, *given)

    async def answer_later(info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        await world.pause(*place)
        value = answer(info, **arguments)
        return await value if is_awaitable(value) else value

    return answer_later if world.dice.chance(0.3, *place, "later") else answer


def _may_lie_about(world: World, type_: Any, place: Place) -> bool:
    """Tell whether a value may be made before anybody asks for it.

    Not what has to be awaited, or what holds too many others in turn.
    """
    is_quiet = world.mood.trouble == 0 and world.mood.oddity == 0
    small = is_leaf_type(get_named_type(type_)) or (
        get_named_type(type_).name in {"Leaves", "Lone", "Pet"} and len(place) < 5
    )
    return is_quiet and small and world.dice.chance(0.7, *place, "kept")
