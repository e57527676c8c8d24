"""Documents: what is refused and how it is told, what is kept, and what that takes."""

import gc
import tracemalloc
import weakref
from typing import Any

import pytest
import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    Token,
    build_schema,
    parse,
    validate,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig

from executor.documents import Documents
from executor.engine import Engine, UnknownOperation
from executor.guard import Limits

pytestmark = pytest.mark.usefixtures("frozen_heap")

SCHEMA = build_schema(
    """
    type Query { name(a: Int): String colour: Colour item: Item number: Int }
    type Mutation { change(input: String): Item }
    type Item { name: String item: Item size(unit: Unit): Int }
    enum Colour { RED GREEN }
    enum Unit { CM MM }
    """
)
BAD = {"code": "BAD_REQUEST"}
LOOKED_AT = (FieldNode, Token, OverlappingFieldsCanBeMergedRule)


def documents(schema: GraphQLSchema | strawberry.Schema = SCHEMA, **options: Any) -> Documents:
    return Documents(Engine(schema), **options)


def told(errors: tuple[GraphQLError, ...]) -> list[tuple[str, Any, Any]]:
    return [(error.message, error.extensions, error.locations) for error in errors]


# What is refused.


@pytest.mark.parametrize(
    ("text", "message", "locations"),
    [
        ("", "Syntax Error: Unexpected <EOF>.", [(1, 1)]),
        ("{ name", "Syntax Error: Expected Name, found <EOF>.", [(1, 7)]),
        ("{ name }\n}", "Syntax Error: Unexpected '}'.", [(2, 1)]),
        ("{ \0 }", "Syntax Error: Unexpected character: U+0000.", [(1, 3)]),
        (
            "{ " + "item { " * 300 + "name" + " }" * 301,
            "Syntax Error: Document is nested too deeply. Parsing aborted.",
            [(1, 1401)],
        ),
        (
            "{ a(b: " + "[" * 100 + "1 " * 2000,
            "Syntax Error: Document contains more than 2000 tokens. Parsing aborted.",
            [(1, 3898)],
        ),
        (
            "{ \ud800 }",
            "The document holds half of a surrogate pair.",
            None,
        ),
        ("{ nam }", "Cannot query field 'nam' on type 'Query'. Did you mean 'name'?", [(1, 3)]),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str, locations: Any) -> None:
    document = documents(limits=Limits(tokens=2_000)).get(text)
    [(found, extensions, places)] = told(document.errors)
    assert (found, (extensions or {})["code"], places) == (message, "BAD_REQUEST", locations)
    assert document.ast is None


@pytest.mark.parametrize(
    ("limits", "text", "message", "limit", "locations"),
    [
        (
            Limits(characters=8),
            "{ name  }",
            "The document has 9 characters; the limit is 8.",
            {"limit": "characters", "value": 9, "maximum": 8},
            None,
        ),
        (
            Limits(tokens=3),
            "{ name name }",
            "Syntax Error: Document contains more than 3 tokens. Parsing aborted.",
            {"limit": "tokens", "maximum": 3},
            [(1, 13)],
        ),
        (
            Limits(tokens=3),
            "#\n#\n#\n#\n{ name }",
            "Syntax Error: Document contains more than 3 comments. Parsing aborted.",
            {"limit": "tokens", "maximum": 3},
            [(4, 1)],
        ),
        (
            Limits(depth=1),
            "{ item { nam } }",
            "The document is 2 fields deep; the limit is 1.",
            {"limit": "depth", "value": 2, "maximum": 1},
            [(1, 10)],
        ),
        (
            Limits(comparisons=9),
            "{ item { name } item { name } item { name } }",
            "The document takes too much work to validate.",
            {"limit": "comparisons", "maximum": 9},
            None,
        ),
    ],
)
def test_limits_are_told_with_their_names(
    limits: Limits, text: str, message: str, limit: dict[str, Any], locations: Any
) -> None:
    assert told(documents(limits=limits).get(text).errors) == [(message, BAD | limit, locations)]


def test_a_document_within_the_limits_passes() -> None:
    assert documents(limits=Limits(characters=8, tokens=3)).get("{ name }").errors == ()
    compared = "{ item { name } item { name } item { name } }"
    assert documents(limits=Limits(comparisons=30)).get(compared).errors == ()


def test_so_many_errors_are_told_and_no_more() -> None:
    found = told(documents(limits=Limits(errors=2)).get("{ a b c d }").errors)
    assert found == [
        ("Cannot query field 'a' on type 'Query'.", BAD, [(1, 3)]),
        ("Cannot query field 'b' on type 'Query'.", BAD, [(1, 5)]),
        (
            "Too many validation errors, error limit reached. Validation aborted.",
            BAD | {"limit": "errors", "maximum": 2},
            None,
        ),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{ nam }",
        "{ name(b: 1) }",
        '{ name(a: "x") }',
        "{ item }",
        "{ name { x } }",
        "query A { name } query A { name }",
        "{ name } { name }",
        "query($a: Nope) { name(a: $a) }",
        "query($a: String) { name(a: $a) }",
        "{ name @skip }",
        "{ ...F }",
        "{ name } fragment F on Query { name }",
        "{ a: name a: colour }",
        "subscription { name }",
        "type A { b: Int }",
    ],
)
def test_errors_are_those_of_the_specified_rules(text: str) -> None:
    expected = validate(SCHEMA, parse(text))
    assert expected != []
    found = documents().get(text).errors
    assert [(each.message, each.locations) for each in found] == [
        (each.message, each.locations) for each in expected
    ]


@strawberry.input(one_of=True)
class Choice:
    a: strawberry.Maybe[int]
    b: strawberry.Maybe[int]


@strawberry.input
class Change:
    name: strawberry.Maybe[str]


@strawberry.type
class Query:
    @strawberry.field
    def choose(self, choice: Choice) -> str:
        return ""

    @strawberry.field
    def change(self, change: Change) -> str:
        return ""


@pytest.mark.parametrize(
    "text",
    [
        "{ choose(choice: {a: 1, b: 2}) }",
        "query($a: Int) { choose(choice: {a: $a}) }",
        "{ change(change: {name: null}) }",
        "{ chose }",
    ],
)
@pytest.mark.parametrize("hides", [False, True])
def test_a_strawberry_schema_tells_what_strawberry_tells(text: str, *, hides: bool) -> None:
    schema = strawberry.Schema(Query, config=StrawberryConfig(disable_field_suggestions=hides))
    expected = schema.execute_sync(text).errors
    found = documents(schema).get(text).errors
    assert found != ()
    assert [(each.message, each.locations) for each in found] == [
        (each.message, each.locations) for each in expected or []
    ]


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_it_raise(text: str) -> None:
    document = documents().get(text)
    assert document.errors
    assert {(error.extensions or {})["code"] for error in document.errors} == {"BAD_REQUEST"}


WORDS = "{ } ( ) [ ] : ... on @ $ ! = | & name item 1 F fragment"


@given(st.lists(st.sampled_from(WORDS.split(" "))))
@settings(max_examples=300, deadline=None)
def test_no_row_of_words_makes_it_raise(words: list[str]) -> None:
    document = documents().get(" ".join(words))
    assert (document.ast is None) == bool(document.errors)


# Operations.


def test_operations_are_found_by_name_and_stay_the_same() -> None:
    document = documents().get("query A { name } mutation B { change { name } }")
    assert document.errors == ()
    one = document.operation("A")
    assert (one.name, one.kind) == ("A", OperationType.QUERY)
    assert document.operation("B").kind is OperationType.MUTATION
    assert document.operation("A") is one
    assert document.operation("B") is document.operation("B")


@pytest.mark.parametrize("order", [(None, "A"), ("A", None)])
def test_the_only_operation_is_one_with_and_without_its_name(order: tuple[str | None, ...]) -> None:
    document = documents().get("query A { name }")
    first, second = (document.operation(name) for name in order)
    assert first is second


def test_an_operation_that_is_not_there_raises() -> None:
    document = documents().get("query A { name } query B { name }")
    with pytest.raises(UnknownOperation, match="Unknown operation named 'C'"):
        document.operation("C")
    with pytest.raises(UnknownOperation, match="Must provide operation name"):
        document.operation()


async def test_an_operation_runs() -> None:
    operation = documents().get("{ number }").operation()
    outcome = await operation.run(root={"number": 7})
    assert (outcome.data, outcome.errors) == ({"number": 7}, None)


# What is kept.


def test_a_document_is_read_once() -> None:
    kept = documents()
    assert kept.get("{ name }") is kept.get("{ name }")
    assert kept.get("{ nam }") is kept.get("{ nam }")
    assert kept.get("{ name}") is not kept.get("{ name }")


def test_the_last_used_stay() -> None:
    kept = documents(size=2)
    first, second = kept.get("{ name }"), kept.get("{ colour }")
    assert kept.get("{ name }") is first
    kept.get("{ number }")
    assert kept.get("{ name }") is first
    assert kept.get("{ colour }") is not second


def test_refused_documents_push_out_no_other() -> None:
    kept = documents(size=4)
    good = kept.get("{ name }")
    bad = kept.get("{ bad }")
    for number in range(100):
        kept.get(f"{{ bad{number} }}")
    assert kept.get("{ name }") is good
    assert kept.get("{ bad }") is not bad


def test_documents_are_kept_to_a_size() -> None:
    size = documents().get("{ name }").size
    kept = documents(max_bytes=2 * size)
    first, second = kept.get("{ name }"), kept.get(" {name }")
    assert (kept.get("{ name }"), kept.get(" {name }")) == (first, second)
    kept.get("{name  }")
    assert kept.get(" {name }") is second
    assert kept.get("{ name }") is not first
    alone = documents(max_bytes=size - 1)
    assert alone.get("{ name }") is not alone.get("{ name }")


def test_refused_documents_are_kept_to_a_quarter_of_the_size() -> None:
    kept = documents(max_bytes=4 * documents().get("{ a }").size)
    first = kept.get("{ a }")
    assert kept.get("{ a }") is first
    kept.get("{ b }")
    assert kept.get("{ a }") is not first


def test_texts_beyond_the_limit_are_not_kept() -> None:
    kept = documents(limits=Limits(characters=5))
    assert kept.get("{ name }") is not kept.get("{ name }")


def test_a_pinned_document_stays() -> None:
    kept = documents(size=1)
    pinned = kept.pin("{ name }")
    kept.get("{ colour }")
    kept.get("{ number }")
    assert kept.get("{ name }") is pinned
    assert kept.pin("{ nam }").errors != ()


def test_what_is_refused_keeps_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    trees: list[weakref.ref[DocumentNode]] = []

    def parsed(*arguments: Any, **options: Any) -> DocumentNode:
        tree = parse(*arguments, **options)
        trees.append(weakref.ref(tree))
        return tree

    monkeypatch.setattr("executor.documents.parse", parsed)
    kept = documents()
    good, invalid, deep = (
        kept.get(text) for text in ("{ name }", "{ nam }", "{" + "item{" * 30 + "name" + "}" * 31)
    )
    gc.collect()
    assert [tree() is None for tree in trees] == [False, True, True]
    assert [len(each.errors) for each in (good, invalid, deep)] == [0, 1, 1]


@strawberry.type
class Part:
    name: str = ""

    @strawberry.field
    def part(self) -> "Part | None":
        return None

    @strawberry.field
    async def parts(self, first: int = 2) -> list["Part"]:
        return []


@pytest.mark.parametrize("repeats", [1, 16])
@pytest.mark.parametrize(
    ("before", "repeated", "after"),
    [
        ("{ ", "name ", "}"),
        ("{ ", "a{0}: name ", "}"),
        ("{ ", "a{0}: part {{ name part {{ name }} }} ", "}"),
        ("{ ", "a{0}: parts(first: {0}) {{ name parts {{ name }} }} ", "}"),
        (
            "query($a: Boolean!, $b: Boolean!) { ",
            "a{0}: name @skip(if: $a) b{0}: parts {{ name @include(if: $b) }} ",
            "}",
        ),
        (
            "{ ",
            "a{0}: parts {{ ...F }} ",
            "} fragment F on Part { a: name b: name parts { name } }",
        ),
    ],
)
async def test_a_document_takes_no_more_than_it_is_counted_for(
    before: str, repeated: str, after: str, repeats: int
) -> None:
    text = before + "".join(repeated.format(number) for number in range(repeats)) + after
    kept = documents(strawberry.Schema(Part))
    kept.read(text).operation().prepare()  # What is made once for the schema is there now.
    gc.collect()
    tracemalloc.start()
    document = kept.read(text)
    programs = document.operation().prepare()
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert document.errors == ()
    assert programs
    assert taken <= document.size


@pytest.mark.parametrize(
    "text",
    [
        "{ item { name name item { name } } }",
        "{ nothing item { nothing } }",
        "{ a: name a: number }",
        "{ " + "name " * 200 + "}",
    ],
    ids=["valid", "unknown fields", "a conflict", "too much"],
)
def test_what_was_looked_at_does_not_wait_for_the_garbage_collector(text: str) -> None:
    def looked_at() -> int:
        return sum(type(each) in LOOKED_AT for each in gc.get_objects())

    def read() -> None:
        document = kept.read(text)
        if not document.errors:
            assert document.operation().prepare()

    kept = documents()
    read()
    gc.collect()
    gc.disable()
    try:
        before = looked_at()
        read()
        assert looked_at() == before
    finally:
        gc.enable()
