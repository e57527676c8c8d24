"""Resolvers called directly get what Strawberry would have given them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLString,
    OperationDefinitionNode,
    default_field_resolver,
    parse,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.permission import BasePermission
from strawberry.types.info import Info

from executor.calling import declared_field, python_arguments, resolver_of


@strawberry.enum
class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@strawberry.input
class Wish:
    name: str
    sizes: list[Size] = strawberry.field(default_factory=list)
    note: str | None = strawberry.UNSET


@strawberry.input
class Tree:
    """Holds itself, in every way that one can."""

    name: str = strawberry.field(name="called")
    branch: Tree | None = None
    branches: list[Tree | None] | None = None
    lazy: Annotated[Tree, strawberry.lazy(__name__)] | None = None
    wish: Wish | None


@strawberry.input
class Doubt:
    word: strawberry.Maybe[str | None]
    tree: Tree | None = None


class Anyone(BasePermission):
    """Lets everybody pass."""

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return True


Called = dict[str, Any]
CALLS: list[Called] = []


def keep(**arguments: Any) -> str:
    CALLS.append(arguments)
    return "called"


@strawberry.type
class Query:
    @strawberry.field
    def leaves(
        self,
        word: str = "none",
        size: Size = Size.SMALL,
        long_name: Annotated[int | None, strawberry.argument(name="short")] = None,
    ) -> str:
        return keep(self=self, word=word, size=size, long_name=long_name)

    @strawberry.field
    def lists(self, words: list[str] = [], sizes: list[Size] | None = None) -> str:  # noqa: B006
        return keep(words=words, sizes=sizes)

    @strawberry.field
    def wish(self, wish: Wish, more: list[Wish] | None = None) -> str:
        return keep(wish=wish, more=more)

    @strawberry.field
    def tree(self, tree: Tree, doubts: list[Doubt] | None = None) -> str:
        return keep(tree=tree, doubts=doubts)

    @strawberry.field
    def unset(self, word: str | None = strawberry.UNSET) -> str:
        return keep(word=word)

    @strawberry.field
    def maybe(self, word: strawberry.Maybe[str | None] = None) -> str:
        return keep(word=word)

    @strawberry.field
    def node(self, id: strawberry.relay.GlobalID) -> str:
        return keep(id=id)

    @strawberry.field
    def informed(self, info: Info, parent: strawberry.Parent[Any], word: str = "x") -> str:
        return keep(info=info, parent=parent, word=word)

    @strawberry.field
    @staticmethod
    def alone(word: str = "x") -> str:
        return keep(word=word)

    @strawberry.field(permission_classes=[Anyone])
    def guarded(self) -> str:
        return keep(self=self)

    attribute: str = "x"


SCHEMA = strawberry.Schema(Query)
FIELDS: dict[str, GraphQLField] = SCHEMA._schema.query_type.fields  # type: ignore[union-attr]
INFO: Any = object()


def called(resolve: Any, asked: str, **variables: Any) -> Called:
    """Call a field's resolver as graphql-core does; return what the function got."""
    [operation] = parse("{ " + asked + " }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    [node] = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    given = VariableValues({}, variables)
    arguments = get_argument_values(FIELDS[node.name.value], node, given)
    CALLS.clear()
    assert resolve("source", INFO, **arguments) == "called"
    [got] = CALLS
    return got


ASKED = [
    "leaves",
    'leaves(word: "a", size: LARGE, short: 3)',
    "leaves(short: null)",
    "lists",
    'lists(words: "one", sizes: [SMALL, LARGE])',
    "lists(sizes: null)",
    'wish(wish: {name: "n"})',
    'wish(wish: {name: "n", sizes: [LARGE], note: null}, more: [{name: "m"}])',
    'tree(tree: {called: "t"})',
    'tree(tree: {called: "t", branch: null, branches: null, lazy: null, wish: null})',
    'tree(tree: {called: "t", branch: {called: "b", branches: [null, {called: "c"}]}})',
    'tree(tree: {called: "t", lazy: {called: "l", wish: {name: "n", sizes: [LARGE]}}})',
    'tree(tree: {called: "t"}, doubts: [{word: null}, {word: "w", tree: {called: "d"}}, {}])',
    "unset",
    "unset(word: null)",
    'unset(word: "a")',
    "maybe",
    "maybe(word: null)",
    'maybe(word: "a")',
    'node(id: "Qm9vazox")',
    "alone",
    'alone(word: "y")',
]


@pytest.mark.parametrize("asked", ASKED)
def test_a_resolver_gets_what_strawberry_gives_it(asked: str) -> None:
    name = asked.partition("(")[0]
    ours, theirs = resolver_of(FIELDS[name], SCHEMA), FIELDS[name].resolve
    assert ours is not theirs
    assert called(ours, asked) == called(theirs, asked)


def test_a_list_is_each_calls_own() -> None:
    resolve = resolver_of(FIELDS["lists"], SCHEMA)
    called(resolve, "lists")["words"].append("changed")
    assert called(resolve, "lists") == {"words": [], "sizes": None}


def test_info_and_parent_are_strawberrys() -> None:
    got = called(resolver_of(FIELDS["informed"], SCHEMA), 'informed(word: "y")')
    assert (got["parent"], got["word"]) == ("source", "y")
    assert isinstance(got["info"], Info)
    assert got["info"]._raw_info is INFO
    assert got["info"]._field is declared_field(FIELDS["informed"])


@pytest.mark.parametrize("name", ["guarded", "attribute"])
def test_where_more_takes_part_strawberrys_own_is_called(name: str) -> None:
    assert resolver_of(FIELDS[name], SCHEMA) is FIELDS[name].resolve


def test_fields_of_other_libraries_keep_their_resolvers() -> None:
    def resolve(source: Any, info: Any) -> str:
        return "x"

    assert resolver_of(GraphQLField(GraphQLString, resolve=resolve), SCHEMA) is resolve
    assert resolver_of(GraphQLField(GraphQLString), None) is default_field_resolver
    assert resolver_of(FIELDS["leaves"], None) is FIELDS["leaves"].resolve
    assert declared_field(GraphQLField(GraphQLString)) is None


def test_arguments_have_the_names_that_python_knows() -> None:
    declared = declared_field(FIELDS["leaves"])
    assert declared is not None
    convert = python_arguments(declared, SCHEMA)
    assert convert({"short": 1, "word": "a"}) == {"word": "a", "long_name": 1}
    assert convert({}) == {}
