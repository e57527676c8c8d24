"""One case on both sides: compiled, and by graphql-core, which proves the expectation itself."""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import orjson
import pytest
import strawberry
from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Source,
    build_schema,
    get_location,
    parse,
    validate,
)

from executor.engine import Engine
from executor.outcome import Outcome

both = pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "graphql-core"])
"""Runs a test twice; the test takes `compiles`."""

Schema: TypeAlias = GraphQLSchema | strawberry.Schema


@dataclass(frozen=True, slots=True)
class Told:
    """An error that is expected; `at` are the texts of the document that it points to."""

    message: str
    path: tuple[str | int, ...]
    at: tuple[str, ...]
    extensions: Mapping[str, Any]


def error(
    message: str,
    *path: str | int,
    at: str | tuple[str, ...] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> Told:
    """Return an expected error. It points to the last name of its path, unless `at` says more.

    `at="name#2"` is the second occurrence of a word; without a number there may only be one.
    """
    if at is None:
        at = tuple([name for name in path if isinstance(name, str)][-1:])
    return Told(message, path, (at,) if isinstance(at, str) else at, extensions or {})


@dataclass(frozen=True, slots=True)
class Case:
    """A query and all that it answers. `root` makes the root value anew for each run.

    `is_compiled` is False for what only graphql-core can answer: documents that aren't compiled,
    iterators that could be walked but once, types that are told late. All else without an error
    must be answered by compiled code.
    """

    name: str
    query: str
    data: Any
    errors: tuple[Told, ...] = ()
    variables: Mapping[str, Any] | None = None
    root: Callable[[], Any] = field(default=lambda: None)
    context: Any = None
    operation: str | None = None
    was_run: bool = True
    is_valid: bool = True
    is_compiled: bool = True


refused = partial(Case, data=None, was_run=False)
"""A case that is refused before any resolver runs."""


def table(*cases: Case) -> pytest.MarkDecorator:
    """Run a test once for each case; the test takes `case`."""
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


async def check(schema: Schema, case: Case, *, compiles: bool) -> None:
    """Run a case twice and compare data, its bytes, and every error with its place."""
    engine = Engine(schema, compiles=compiles)
    document = parse(case.query)
    assert (validate(engine.schema, document) == []) is case.is_valid
    operation = engine.operation(document, case.operation)
    for _ in range(2):
        variables = copy.deepcopy(case.variables)
        outcome = await operation.run(variables, context=case.context, root=case.root())
        assert_told(outcome, case)
        assert variables == case.variables, "The caller's variables were changed."
    if compiles and case.is_compiled and case.was_run:
        figures = operation.figures
        assert figures.compiled + figures.fallbacks == 2, "It could not be compiled."
        assert case.errors or not figures.fallbacks, "graphql-core had to answer."


def assert_told(outcome: Outcome, case: Case) -> None:
    """Compare an outcome with what the case expects, to the byte."""
    found = sorted(map(_described, outcome.errors or []), key=repr)
    expected = sorted((_expected(told, case.query) for told in case.errors), key=repr)
    assert found == expected, f"{found}\nbut expected\n{expected}"
    # As bytes, because the order of keys, and whether 1 is 1, 1.0 or true, don't count in ==.
    answer, wanted = orjson.dumps(outcome.data), orjson.dumps(case.data)
    assert answer == wanted, f"{answer!r}\nbut expected\n{wanted!r}"
    assert outcome.was_run is case.was_run


async def run(schema: Schema, query: str, *, compiles: bool, **options: Any) -> Outcome:
    """Run a valid query once, for tests that look at more than the answer.

    Takes `variables`, `context`, `root` and `operation`.
    """
    engine = Engine(schema, compiles=compiles)
    document = parse(query)
    assert validate(engine.schema, document) == []
    return await engine.operation(document, options.pop("operation", None)).run(
        options.pop("variables", None), **options
    )


def made(sdl: str, parts: Mapping[str, Any] | None = None) -> GraphQLSchema:
    """Build a schema from SDL and functions.

    `"Type.field"` names a resolver, `"Type.field.subscribe"` a source of events; an object type's
    name names its `is_type_of`, an abstract type's its `resolve_type`, and a scalar's the
    attributes that it gets.
    """
    schema = build_schema(sdl)
    for name, part in (parts or {}).items():
        owner, *rest = name.split(".")
        named: Any = schema.type_map[owner]
        if rest:
            setattr(named.fields[rest[0]], "subscribe" if len(rest) > 1 else "resolve", part)
        elif isinstance(named, GraphQLObjectType):
            named.is_type_of = part
        elif isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            named.resolve_type = part
        else:
            assert isinstance(named, GraphQLScalarType)
            for attribute, function in part.items():
                setattr(named, attribute, function)
    return schema


def _described(found: GraphQLError) -> tuple[Any, ...]:
    places = [(place.line, place.column) for place in found.locations or []]
    return found.message, tuple(found.path or ()), places, dict(found.extensions or {})


def _expected(told: Told, query: str) -> tuple[Any, ...]:
    places = [_place(text, query) for text in told.at]
    return told.message, told.path, places, dict(told.extensions)


def _place(text: str, query: str) -> tuple[int, int]:
    word, _, number = text.partition("#")
    before = r"(?<![\w$])" if word[0].isalnum() else ""
    after = r"(?!\w)" if word[-1].isalnum() else ""
    found = [match.start() for match in re.finditer(before + re.escape(word) + after, query)]
    assert number or len(found) == 1, f"{word!r} stands {len(found)} times in the query."
    place = get_location(Source(query), found[int(number or 1) - 1])
    return place.line, place.column
