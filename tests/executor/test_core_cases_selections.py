"""Selections: `__typename`, aliases, merging, fragments, order, depth, and which operation runs."""

from typing import Any

import pytest
from graphql import parse

from executor.engine import Engine, UnknownOperation
from tests.executor.cases.check import Case, both, check, error, made, run, table

SCHEMA = made(
    """
    type Query { a: String b: String c: String deep: Query list: [Query!]! add(n: Int = 0): Int }
    type Mutation { c: String }
    type Subscription { a: String }
    """,
    {"Query.add": lambda _source, _info, n: n + 1},
)


def root() -> dict[str, Any]:
    inner = {"a": "Apple", "b": "Banana", "c": "Cherry"}
    middle = {**inner, "deep": inner, "list": [inner, inner]}
    return {**inner, "deep": {**middle, "deep": middle}, "list": [inner]}


A, B, C = {"a": "Apple"}, {"b": "Banana"}, {"c": "Cherry"}


def told(name: str, query: str, data: Any) -> Case:
    return Case(name, query, data, root=root)


@both
@table(
    told("one field", "{ a }", A),
    told("keys stand in the order of the query", "{ c a b }", {**C, **A, **B}),
    told("a field twice", "{ a b a }", {**A, **B}),
    told("aliases", "{ x: a y: a a: b }", {"x": "Apple", "y": "Apple", "a": "Banana"}),
    told("an alias like another field", "{ b: a c: b }", {"b": "Apple", "c": "Banana"}),
    told("__typename", "{ __typename a }", {"__typename": "Query", **A}),
    told(
        "__typename by another name, twice",
        "{ kind: __typename __typename }",
        {"kind": "Query", "__typename": "Query"},
    ),
    told("__typename inside", "{ deep { __typename } }", {"deep": {"__typename": "Query"}}),
    told("__typename in a list", "{ list { __typename } }", {"list": [{"__typename": "Query"}]}),
    told("__typename of a mutation", "mutation { __typename }", {"__typename": "Mutation"}),
    told(
        "arguments by alias",
        "{ add one: add(n: 1) two: add(n: 2) again: add(n: 2) }",
        {"add": 1, "one": 2, "two": 3, "again": 3},
    ),
    told(
        "objects are merged",
        "{ deep { a } deep { b a } deep { c } }",
        {"deep": {**A, **B, **C}},
    ),
    told(
        "and what is in them, at the place where each is met first",
        "{ deep { deep { b } a } b deep { a deep { c b } } }",
        {"deep": {"deep": {**B, **C}, **A}, **B},
    ),
    told(
        "in lists",
        "{ deep { list { a } list { b } } }",
        {"deep": {"list": [{**A, **B}, {**A, **B}]}},
    ),
    told(
        "through fragments beside each other",
        "{ a ...One ...Two }"
        " fragment One on Query { b deep { b deeper: deep { b } } }"
        " fragment Two on Query { c deep { c deeper: deep { c } } }",
        {**A, **B, "deep": {**B, "deeper": {**B, **C}, **C}, **C},
    ),
    told(
        "a fragment inside of a fragment",
        "{ ...One } fragment One on Query { deep { ...Two } } fragment Two on Query { a b }",
        {"deep": {**A, **B}},
    ),
    told("a fragment twice", "{ ...One a ...One } fragment One on Query { b }", {**B, **A}),
    told(
        "a fragment in two places",
        "{ ...One deep { ...One } } fragment One on Query { b }",
        {**B, "deep": B},
    ),
    told(
        "inline fragments", "{ ... { a ... on Query { b } } ... on Query { c } }", {**A, **B, **C}
    ),
    told("a fragment of a name like a field", "{ ...a } fragment a on Query { a }", A),
)
async def test_what_is_selected(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


@both
@table(
    Case(
        "a fragment that spreads itself",
        "{ a ...F } fragment F on Query { b ...F }",
        {**A, **B},
        root=root,
        is_valid=False,
    ),
    Case("a field that the type doesn't have", "{ a nope }", A, root=root, is_valid=False),
    Case("nothing but one that it doesn't have", "{ nope }", {}, root=root, is_valid=False),
    Case(
        "an object without a selection", "{ a deep }", {**A, "deep": {}}, root=root, is_valid=False
    ),
    Case("a fragment that isn't there", "{ a ...F }", A, root=root, is_valid=False),
    Case("a definition of a type", "{ a } type Query { a: String }", A, root=root, is_valid=False),
)
async def test_documents_that_validation_refuses(case: Case, compiles: bool) -> None:
    """They reach no executor by the front door; behind it they answer like graphql-core."""
    await check(SCHEMA, case, compiles=compiles)


TWO = "query First { first: a } query Second { second: a } mutation Third { c }"


@both
@table(
    Case("the only one, without a name", "{ a }", A, root=root),
    Case("the only one, with a name", "query First { a }", A, root=root),
    Case("the only one, by its name", "query First { a }", A, root=root, operation="First"),
    Case("one of several", TWO, {"second": "Apple"}, root=root, operation="Second"),
    Case("a mutation of several", TWO, C, root=root, operation="Third"),
)
async def test_the_operation_that_runs(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


@both
@pytest.mark.parametrize(
    ("query", "name", "message"),
    [
        ("fragment F on Query { a }", None, "Must provide an operation."),
        (TWO, None, "Must provide operation name if query contains multiple operations."),
        (TWO, "Fourth", "Unknown operation named 'Fourth'."),
        ("{ a }", "First", "Unknown operation named 'First'."),
        ("{ a }", "", "Unknown operation named ''."),
    ],
)
def test_no_operation_that_could_run(
    query: str, name: str | None, message: str, compiles: bool
) -> None:
    with pytest.raises(UnknownOperation) as raised:
        Engine(SCHEMA, compiles=compiles).operation(parse(query), name)
    assert str(raised.value) == message


@both
async def test_a_schema_without_mutations(compiles: bool) -> None:
    schema = made("type Query { a: String }")
    told = error("Schema is not configured to execute mutation operation.", at="mutation")
    case = Case("", "mutation { a }", None, (told,), is_valid=False, is_compiled=False)
    await check(schema, case, compiles=compiles)


@both
@pytest.mark.parametrize("depth", [30, 100])
async def test_a_deep_selection(depth: int, compiles: bool) -> None:
    schema = made(
        "type Query { deep: Query name: String }", {"Query.deep": lambda *_: {"name": "x"}}
    )
    query = "{ deep " * depth + "{ name }" + " }" * depth
    expected: Any = {"name": "x"}
    for _ in range(depth):
        expected = {"deep": expected}
    await check(schema, Case("", query, expected), compiles=compiles)


@both
async def test_a_deep_selection_that_ends_in_an_error(compiles: bool) -> None:
    schema = made("type Query { deep: Query! must: Int! }", {"Query.deep": lambda *_: {}})
    query = "{ deep " * 100 + "{ must }" + " }" * 100
    told = error("Cannot return null for non-nullable field Query.must.", *["deep"] * 100, "must")
    await check(schema, Case("", query, None, (told,)), compiles=compiles)


@both
async def test_a_wide_selection(compiles: bool) -> None:
    query = "{ " + " ".join(f"f{number}: add(n: {number})" for number in range(300)) + " }"
    expected = {f"f{number}": number + 1 for number in range(300)}
    await check(SCHEMA, Case("", query, expected), compiles=compiles)


@both
async def test_a_wide_list(compiles: bool) -> None:
    items = [{"a": str(number)} for number in range(2_000)]
    case = Case("", "{ list { a } }", {"list": items}, root=lambda: {"list": items})
    await check(SCHEMA, case, compiles=compiles)


@both
async def test_names_that_python_keeps_for_itself(compiles: bool) -> None:
    names = ["class", "None", "self", "def", "_init", "info", "_", "data", "value", "a1"]
    schema = made("type Query { %s }" % " ".join(f"{name}: Int" for name in names))  # noqa: UP031
    values = {name: number for number, name in enumerate(names)}
    query = "{ " + " ".join(names) + " }"
    await check(schema, Case("", query, values, root=lambda: values), compiles=compiles)
    query = "{ " + " ".join(f"{alias}: class" for alias in names) + " }"
    data = dict.fromkeys(names, 0)
    await check(schema, Case("", query, data, root=lambda: values), compiles=compiles)


@both
async def test_words_in_any_script(compiles: bool) -> None:
    """Names are ASCII (GraphQL, section 2.1.9 "Names"); strings and their length are not."""
    texts = ["中文 \u0000", "😀", "e\u0301", '"\\\n\t', "\u2028", "ß" * 3_000]
    schema = made(
        "type Query { echo(text: String): String }",
        {"Query.echo": lambda _source, _info, text: text},
    )
    for text in texts:
        query = "query ($text: String) { echo(text: $text) }"
        outcome = await run(schema, query, compiles=compiles, variables={"text": text})
        assert outcome.data == {"echo": text}
    query = '{ echo(text: "中文 \\"😀\\" \\u0041") other: echo(text: """é\n  ü""") }'
    case = Case("", query, {"echo": '中文 "😀" A', "other": "é\nü"})
    await check(schema, case, compiles=compiles)
    query = '# 中文\n{ a: echo(text: "中文") echo(text: 5) }'
    message = "Argument 'text' has invalid value: String cannot represent a non string value: 5"
    told = error(message, "echo", at="5")
    case = Case("", query, {"a": "中文", "echo": None}, (told,), is_valid=False)
    await check(schema, case, compiles=compiles)
