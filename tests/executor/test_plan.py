"""What an operation asks, laid out: places, fields, and how each is completed."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import FragmentDefinitionNode, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import VariableValues

from executor.plan import (
    MAX_PLANNED_FIELDS,
    Leaf,
    ListOf,
    NotCompilable,
    OneOf,
    Plan,
    Planner,
    selections_in,
)
from executor.reading import How
from tests.executor.library import SCHEMA


def plan(query: str, schema: Any = SCHEMA, **conditions: bool) -> Plan:
    """Plan the only operation of a valid document."""
    document = parse(query)
    own = isinstance(schema, strawberry.Schema)
    core = schema._schema if own else schema
    assert validate(core, document) == []
    [operation] = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    planner = Planner(core, schema if own else None, operation, fragments)
    return planner.plan(VariableValues({}, dict(conditions)))


def shape(completion: Any) -> str:
    """Write a completion as a type is written, objects by the types that they may have."""
    null = "" if completion.is_nullable else "!"
    if isinstance(completion, ListOf):
        return f"[{shape(completion.of)}]{null}"
    if isinstance(completion, Leaf):
        return f"{completion.type.name}{null}"
    assert isinstance(completion, OneOf)
    types = "|".join(selection.type.name for selection in completion.selections)
    return f"<{types}>{null}"


def lines(planned: Plan) -> list[str]:
    """Write a plan: a line for each field at its place."""
    return [
        f"{selection.number} {selection.type.name} {selection.place or '-'}: "
        f"{field.number} {field.name} {field.reading.how.name} {shape(field.completion)}"
        for selection in planned.selections
        for field in selection.fields
    ]


def test_each_selection_set_has_its_place_and_number() -> None:
    assert lines(plan("{ books { title isbn genre authors { name } stars } }")) == [
        "0 Query -: 1 books RESOLVER [<Book>!]!",
        "1 Book books: 2 title ATTRIBUTE String!",
        "1 Book books: 3 isbn ITEM String",
        "1 Book books: 4 genre ATTRIBUTE Genre!",
        "1 Book books: 5 authors BATCH [<Author>!]!",
        "1 Book books: 7 stars RESOLVER Float",
        "2 Author books.authors: 6 name ATTRIBUTE String!",
    ]


def test_aliases_name_places_and_fields_of_one_name_are_merged() -> None:
    query = """{
      all: books { t: title ...F }
      all: books { t: title authors { initial } }
      __typename
    }
    fragment F on Book { ... { authors { name } } }"""
    assert lines(plan(query)) == [
        "0 Query -: 1 all RESOLVER [<Book>!]!",
        "0 Query -: 6 __typename TYPENAME String!",
        "1 Book all: 2 t ATTRIBUTE String!",
        "1 Book all: 3 authors BATCH [<Author>!]!",
        "2 Author all.authors: 4 name ATTRIBUTE String!",
        "2 Author all.authors: 5 initial FUNCTION String!",
    ]


def test_an_interface_is_planned_for_each_type_behind_it() -> None:
    query = "{ titled { title ... on Magazine { issue } ... on Book { pages } } }"
    planned = plan(query)
    assert lines(planned) == [
        "0 Query -: 1 titled RESOLVER [<Book|Magazine>!]!",
        "1 Book titled: 2 title ATTRIBUTE String!",
        "1 Book titled: 3 pages ITEM Int!",
        "2 Magazine titled: 4 title ATTRIBUTE String!",
        "2 Magazine titled: 5 issue ATTRIBUTE Int!",
    ]
    assert [each.is_abstract for each in _objects(planned)] == [True]
    assert [each.is_abstract for each in _objects(plan("{ books { title } }"))] == [False]


def _objects(planned: Plan) -> list[OneOf]:
    found = []
    for field in planned.root.fields:
        completion = field.completion
        while isinstance(completion, ListOf):
            completion = completion.of
        if isinstance(completion, OneOf):
            found.append(completion)
    return found


def test_conditions_decide_what_is_there() -> None:
    query = """query ($a: Boolean!, $b: Boolean!) {
      books { title @skip(if: $a) isbn @include(if: $b) pages @skip(if: true) isThick }
    }"""
    names = {
        (a, b): [each.name for each in plan(query, a=a, b=b).selections[1].fields]
        for a in (False, True)
        for b in (False, True)
    }
    assert names == {
        (False, False): ["title", "isThick"],
        (False, True): ["title", "isbn", "isThick"],
        (True, False): ["isThick"],
        (True, True): ["isbn", "isThick"],
    }


def test_a_root_field_is_called_whatever_it_is() -> None:
    """Its result is remembered, so it is resolved as graphql-core does it."""

    @strawberry.type
    class Query:
        attribute: str = "x"

        @strawberry.field
        def method(self) -> str:
            return "x"

    planned = plan("{ attribute method }", strawberry.Schema(Query))
    assert [field.reading.how for field in planned.root.fields] == [How.RESOLVER, How.RESOLVER]


def test_what_waits_and_what_is_built_in_the_same_breath() -> None:
    planned = plan("{ book(id: 1) { title authors { name } } }")
    root, book, author = planned.selections
    assert [root.waits, book.waits, author.waits] == [True, True, False]
    assert list(root.within()) == []  # Its only field has to be waited for.
    assert list(selections_in(root.fields[0].completion)) == [book]
    assert list(selections_in(book.fields[0].completion)) == []

    schema = build_schema("type Query { a: A } type A { b: [[B]] c: Int } type B { c: Int }")
    assert all(each.waits for each in plan("{ a { b { c } } }", schema).selections)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ __schema { queryType { name } } }", "Introspection."),
        ('{ books { title } __type(name: "Book") { name } }', "Introspection."),
    ],
)
def test_what_is_not_compiled(query: str, reason: str) -> None:
    with pytest.raises(NotCompilable) as caught:
        plan(query)
    assert str(caught.value) == reason


def test_a_schema_without_the_root_is_graphql_cores_to_tell() -> None:
    [operation] = parse("mutation { a }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    planner = Planner(build_schema("type Query { a: Int }"), None, operation, {})
    with pytest.raises(NotCompilable, match=r"^The schema has no such root\.$"):
        planner.plan(VariableValues({}, {}))


def test_no_more_fields_are_planned_than_code_is_worth() -> None:
    schema = build_schema("type Query { a: Query b: Int }")

    def wide(fields: int) -> str:
        return "{ " + " ".join(f"b{number}: b" for number in range(fields)) + " }"

    assert len(plan(wide(500), schema).root.fields) == 500
    # Each fragment spreads the next twice: 2 ** 12 places.
    chain = " ".join(
        f"fragment F{n} on Query {{ x: a {{ ...F{n + 1} }} y: a {{ ...F{n + 1} }} }}"
        for n in range(12)
    )
    query = f"{{ ...F0 }} {chain} fragment F12 on Query {{ b }}"
    with pytest.raises(NotCompilable, match=rf"^More than {MAX_PLANNED_FIELDS} fields\.$"):
        plan(query, schema)


def test_fields_that_a_type_does_not_have_are_left_out() -> None:
    """graphql-core leaves them out of an invalid document; so do we."""
    [operation] = parse("{ a none }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    planner = Planner(build_schema("type Query { a: Int }"), None, operation, {})
    assert [each.name for each in planner.plan(VariableValues({}, {})).root.fields] == ["a"]
