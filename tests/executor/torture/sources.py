"""Objects of the Strawberry torture schema: attributes decided when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLOutputType, GraphQLSchema, is_abstract_type, is_object_type
from strawberry.types.field import StrawberryField

from tests.executor.torture.arguments import STRAWBERRY
from tests.executor.torture.world import Place, World


class Decided:
    """What every object of the torture schema is: its attributes come from the world.

    Some are decided anew at every reading, as properties are; some are kept once they were read,
    as attributes are, with all that can be awaited or iterated only once.
    """

    _world: World
    _type: str
    _key: Place

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _attribute(self, name)

    def __repr__(self) -> str:
        return f"<{self._type} {self._key}>"


class Row(Decided):
    """An object that Strawberry knows nothing of, as an ORM's are."""


def key_of(source: Any) -> Place:
    """Return what names an object in its world; everything else is one of a kind."""
    if isinstance(source, Mapping):
        key: Place = source.get("_key", ("mapping",))
        return key
    return getattr(source, "_key", (type(source).__name__,))


def make_source(world: World, type_name: str, place: Place) -> Any:
    """Return an object of a Strawberry type: an instance, one of a subclass, or a row."""
    type_: Any = world.schema.type_map[type_name]
    origin = type_.extensions[STRAWBERRY].origin
    forms = ["instance", "instance", "subclass"]
    if type_name in rows_allowed(world.schema):
        forms.append("row")
    elif world.dice.chance(world.mood.oddity, *place, "cast"):
        forms = ["cast"]
    form = world.dice.pick(forms, *place, "form")
    made = _form(form, origin)
    made.__dict__.update(_world=world, _type=type_name, _key=place)
    return made


def _form(form: str, origin: type) -> Any:
    if form == "row":
        return Row()
    if form == "cast":
        return strawberry.cast(origin, Row())
    return object.__new__(_subclass(origin) if form == "subclass" else origin)


@cache
def _subclass(origin: type) -> type:
    return type(f"Special{origin.__name__}", (origin,), {})


@cache
def rows_allowed(schema: GraphQLSchema) -> frozenset[str]:
    """Return the types whose objects may be of any class."""
    abstract = [type_ for type_ in schema.type_map.values() if is_abstract_type(type_)]
    members = {each.name for type_ in abstract for each in schema.get_possible_types(type_)}
    objects = [type_ for type_ in schema.type_map.values() if is_object_type(type_)]
    own_check = {
        each.name for each in objects if getattr(each.extensions.get(STRAWBERRY), "is_type_of", 0)
    }
    return frozenset(
        each.name for each in objects if each.name not in members or each.name in own_check
    )


@cache
def _attribute_types(schema: GraphQLSchema) -> dict[tuple[str, str], GraphQLOutputType]:
    found: dict[tuple[str, str], GraphQLOutputType] = {}
    for type_ in schema.type_map.values():
        if not is_object_type(type_) or type_.name.startswith("__"):
            continue
        for field in type_.fields.values():
            declared: StrawberryField = field.extensions[STRAWBERRY]
            found[type_.name, str(declared.python_name)] = field.type
    return found


def _attribute(source: Decided, name: str) -> Any:
    world, key = source._world, source._key
    type_ = _attribute_types(world.schema).get((source._type, name))
    if type_ is None or world.dice.chance(world.mood.trouble / 2, *key, name, "missing"):
        raise AttributeError(f"{source._type} has no {name}.")
    value = world.answer(type_, *key, name)
    if world.is_kept(value, *key, name):
        source.__dict__[name] = value
    return value
