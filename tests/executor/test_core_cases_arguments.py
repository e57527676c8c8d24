"""Arguments: literals of every type, variables inside of literals, defaults, null and absent."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from tests.executor.cases.check import Case, both, check, error, refused, table
from tests.executor.cases.inputs import SCHEMA

INVALID = "Argument 'input' has invalid value"
ITEM = "{'must': 'm', 'number': 7, 'mustNumber': 8}"
NESTED = "{'must': 'm', 'number': 7, 'mustNumber': 8, 'items': [{'must': 'n', 'number': 7,"

LITERALS: list[tuple[str, str, str]] = [
    ("text", '"a"', "'a'"),
    ("text", '"""b"""', "'b'"),
    ("text", '"\\u4e2d\\n\\u{1F600}"', "'中\\n😀'"),
    ("text", "null", "None"),
    ("number", "1", "1"),
    ("number", "-1", "-1"),
    ("float", "1", "1.0"),
    ("float", "1.5", "1.5"),
    ("float", "1e3", "1000.0"),
    ("yes", "true", "True"),
    ("yes", "false", "False"),
    ("id", '"a"', "'a'"),
    ("id", "5", "'5'"),
    ("price", '"1.50"', "Decimal('1.50')"),
    ("anything", '"a"', "'a'"),
    ("anything", "5", "5"),
    ("anything", "5.5", "5.5"),
    ("anything", "true", "True"),
    ("anything", "null", "None"),
    ("anything", "WORD", "'WORD'"),
    ("anything", "[1, [2]]", "[1, [2]]"),
    ("anything", "{a: {b: [null]}}", "{'a': {'b': [None]}}"),
    ("size", "SMALL", "1"),
    ("size", "null", "None"),
    ("mustSize", "LARGE", "2"),
    ("odd", "NOTHING", "None"),
    ("odd", "NO", "False"),
    ("odd", "ZERO", "0"),
    ("mustOdd", "NOTHING", "None"),
    ("texts", '["a", null]', "['a', None]"),
    ("texts", '"a"', "['a']"),
    ("texts", "[]", "[]"),
    ("texts", "null", "None"),
    ("mustTextsMust", '"a"', "['a']"),
    ("grid", "[[1], [2, null], null]", "[[1], [2, None], None]"),
    ("grid", "[1, 2]", "[[1], [2]]"),
    ("grid", "1", "[[1]]"),
    ("sizes", "[SMALL, LARGE]", "[1, 2]"),
    ("sizes", "SMALL", "[1]"),
    ("item", '{must: "m"}', ITEM),
    (
        "item",
        '{camelCase: 5, text: null, must: "m", number: 1}',
        "{'text': None, 'must': 'm', 'snake_case': 5, 'number': 1, 'mustNumber': 8}",
    ),
    ("item", '{must: "m", items: [{must: "n"}]}', NESTED + " 'mustNumber': 8}]}"),
    ("item", '{must: "m", items: {must: "n"}}', NESTED + " 'mustNumber': 8}]}"),
    ("items", '{must: "m"}', f"[{ITEM}]"),
    ("point", "{x: 1}", "Point(x=1.0, y=0.5)"),
    ("point", "{y: null, x: 1}", "Point(x=1.0, y=None)"),
    ("one", '{text: "a"}', "{'text': 'a'}"),
    ("mustOne", "{point: {x: 2}}", "{'point': Point(x=2.0, y=0.5)}"),
]


@both
@pytest.mark.parametrize(("name", "literal", "answer"), LITERALS)
async def test_literals(name: str, literal: str, answer: str, compiles: bool) -> None:
    query = f"{{ {name}(input: {literal}) }}"
    await check(SCHEMA, Case("", query, {name: answer}), compiles=compiles)


def null_by(type_: str, path: str = "", variable: str = "$v") -> str:
    place = f" at {path}" if path else ""
    return (
        f"{INVALID}{place}: Expected variable '{variable}' provided to non-null type '{type_}' not"
        " to be None."
    )


IN_TEXT = 'query ($v: String) { item(input: {must: "m", text: $v}) }'
IN_MUST = 'query ($v: String = "d") { item(input: {must: $v}) }'
IN_NUMBER = 'query ($v: Int) { item(input: {must: "m", number: $v}) }'
IN_MUST_NUMBER = 'query ($v: Int) { item(input: {must: "m", mustNumber: $v}) }'
IN_LIST = 'query ($v: String) { texts(input: ["a", $v]) }'
IN_MUST_LIST = 'query ($v: String = "d") { mustTexts(input: ["a", $v]) }'
IN_GRID = "query ($v: [Int]) { grid(input: [$v]) }"
IN_ANYTHING = "query ($v: Anything) { anything(input: {a: [$v]}) }"
IN_ONE = "query ($v: String!) { one(input: {text: $v}) }"
IN_ENUMS = "query ($v: Size = SMALL) { a: size(input: $v) b: sizes(input: [$v, LARGE]) }"


def given(name: str, query: str, answer: Any, **variables: Any) -> Case:
    if not isinstance(answer, dict):
        field = query.split("{ ")[1].partition("(")[0]
        answer = {field: answer}
    return Case(name, query, answer, variables=variables)


@both
@table(
    given("a field absent", IN_TEXT, ITEM),
    given("a field null", IN_TEXT, f"{{'text': None, {ITEM[1:]}", v=None),
    given("a field", IN_TEXT, f"{{'text': 'x', {ITEM[1:]}", v="x"),
    given("a field that must be, by the variable's default", IN_MUST, ITEM.replace("'m'", "'d'")),
    given("a field that must be", IN_MUST, ITEM, v="m"),
    given("a field with a default, absent", IN_NUMBER, ITEM),
    given("a field with a default, null", IN_NUMBER, ITEM.replace("7", "None"), v=None),
    given("a field with a default", IN_NUMBER, ITEM.replace("7", "3"), v=3),
    given("a field with a default that must be, absent", IN_MUST_NUMBER, ITEM),
    given("a field with a default that must be", IN_MUST_NUMBER, ITEM.replace("8", "3"), v=3),
    given("an item absent is null", IN_LIST, "['a', None]"),
    given("an item null", IN_LIST, "['a', None]", v=None),
    given("an item", IN_LIST, "['a', 'x']", v="x"),
    given("an item that must be, by the variable's default", IN_MUST_LIST, "['a', 'd']"),
    given("a list in a list, absent", IN_GRID, "[None]"),
    given("a list in a list", IN_GRID, "[[1]]", v=[1]),
    given("a list in a list, from a single value", IN_GRID, "[[2]]", v=2),
    given("in a scalar's literal", IN_ANYTHING, "{'a': [1]}", v=1),
    given("in a scalar's literal, null", IN_ANYTHING, "{'a': [None]}", v=None),
    given("in a scalar's literal, an object", IN_ANYTHING, "{'a': [{'b': 1}]}", v={"b": 1}),
    given("the one of several", IN_ONE, "{'text': 'a'}", v="a"),
    given("an enum's default", IN_ENUMS, {"a": "1", "b": "[1, 2]"}),
    given("an enum", IN_ENUMS, {"a": "2", "b": "[2, 2]"}, v="LARGE"),
    given(
        "an object inside of a list inside of an object",
        'query ($v: Item!) { item(input: {must: "m", items: [$v]}) }',
        NESTED + " 'mustNumber': 8}]}",
        v={"must": "n"},
    ),
    given(
        "the same variable in several places",
        "query ($v: Float!) { a: point(input: {x: $v, y: $v}) b: float(input: $v) }",
        {"a": "Point(x=1.0, y=1.0)", "b": "1.0"},
        v=1,
    ),
    given(
        "in a fragment",
        "query ($v: Int) { ...Number ... { b: number(input: $v) } }"
        " fragment Number on Query { a: number(input: $v) }",
        {"a": "5", "b": "5"},
        v=5,
    ),
)
async def test_variables_inside_of_literals(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


@both
@table(
    Case("of an object", IN_MUST, None, (error(null_by("String!", ".must"), "item", at="$v#2"),)),
    Case(
        "of an object with a default",
        IN_MUST_NUMBER,
        None,
        (error(null_by("Int!", ".mustNumber"), "item", at="$v#2"),),
    ),
    Case(
        "of a list",
        IN_MUST_LIST,
        None,
        (error(null_by("String!", "[1]"), "mustTexts", at="$v#2"),),
    ),
    Case(
        "of an argument with a default",
        "query ($v: String) { mustDefaultText(input: $v) }",
        None,
        (error(null_by("String!"), "mustDefaultText", at="$v#2"),),
    ),
    refused(
        "of the one of several",
        IN_ONE,
        errors=(
            error(
                "Variable '$v' has invalid value: Expected value of non-null type 'String!' not to"
                " be None.",
                at="$v:",
            ),
        ),
    ),
)
async def test_null_for_a_part_that_must_be(case: Case, compiles: bool) -> None:
    await check(SCHEMA, replace(case, variables={"v": None}), compiles=compiles)


SPARE: list[tuple[str, str, str]] = [
    ("defaultText", "String", "'spare'"),
    ("nullDefault", "String", "None"),
    ("defaultSize", "Size", "<Size.LARGE: 2>"),
    ("defaultTexts", "[String]", "['a', 'b']"),
    ("defaultPoint", "Point", "Point(x=1, y=2)"),
    ("mustDefaultText", "String", "'spare'"),
]


@both
@pytest.mark.parametrize(("name", "type_", "answer"), SPARE)
async def test_an_argument_has_its_default_when_absent(
    name: str, type_: str, answer: str, compiles: bool
) -> None:
    await check(SCHEMA, Case("", f"{{ {name} }}", {name: answer}), compiles=compiles)
    query = f"query ($v: {type_}) {{ {name}(input: $v) }}"
    await check(SCHEMA, Case("", query, {name: answer}, variables={}), compiles=compiles)


@both
@pytest.mark.parametrize(("name", "type_", "answer"), SPARE[:-1])
async def test_null_is_not_absent(name: str, type_: str, answer: str, compiles: bool) -> None:
    query = f"query ($v: {type_}) {{ a: {name}(input: null) b: {name}(input: $v) }}"
    case = Case("", query, {"a": "None", "b": "None"}, variables={"v": None})
    await check(SCHEMA, case, compiles=compiles)


@both
@table(
    *(
        Case(
            f"{name}: {literal}",
            f"{{ {name}(input: {literal}) }}",
            None,
            (error(f"{INVALID}: {message}", name, at=literal),),
            is_valid=False,
        )
        for name, literal, message in (
            ("text", "5", "String cannot represent a non string value: 5"),
            ("number", "1.0", "Int cannot represent non-integer value: 1.0"),
            (
                "number",
                "2147483648",
                "Int cannot represent non 32-bit signed integer value: 2147483648",
            ),
            ("float", '"1"', 'Float cannot represent non numeric value: "1"'),
            ("yes", "1", "Boolean cannot represent a non boolean value: 1"),
            ("id", "5.0", "ID cannot represent a non-string and non-integer value: 5.0"),
            ("size", "HUGE", "Value 'HUGE' does not exist in 'Size' enum."),
            ("mustText", "null", "Expected value of non-null type 'String!' not to be None."),
            ("item", '["x"]', "Expected value of type 'Item' to be an object, found: [\"x\"]."),
        )
    ),
    Case(
        "absent",
        "{ mustText }",
        None,
        (error("Argument 'input' of required type 'String!' was not provided.", "mustText"),),
        is_valid=False,
    ),
    Case(
        "an argument that the field doesn't have",
        '{ text(else: "a") }',
        {"text": "nothing"},
        is_valid=False,
    ),
)
async def test_what_validation_would_refuse_is_refused_at_run_time(
    case: Case, compiles: bool
) -> None:
    await check(SCHEMA, case, compiles=compiles)


def told(source: Any, info: Any, **arguments: Any) -> str:
    return repr(arguments)


PASSING = GraphQLSchema(
    GraphQLObjectType(
        "Query",
        {
            "tell": GraphQLField(
                GraphQLString,
                args={
                    "a": GraphQLArgument(GraphQLInt),
                    "b": GraphQLArgument(GraphQLString),
                    "camelCase": GraphQLArgument(GraphQLInt, out_name="snake_case"),
                    "c": GraphQLArgument(GraphQLInt, default_value=3),
                },
                resolve=told,
            ),
            "grow": GraphQLField(
                GraphQLList(GraphQLInt),
                args={"list": GraphQLArgument(GraphQLList(GraphQLInt))},
                resolve=lambda _source, _info, list: list.append(9) or list,  # noqa: A006
            ),
        },
    )
)


@both
@table(
    Case("only what was given", "{ tell(a: 1) }", {"tell": "{'a': 1, 'c': 3}"}),
    Case(
        "in the order of the schema",
        '{ tell(b: "x", a: 1) }',
        {"tell": "{'a': 1, 'b': 'x', 'c': 3}"},
    ),
    Case(
        "variables too",
        'query ($a: Int, $c: Int) { tell(c: $c, b: "x", a: $a) }',
        {"tell": "{'a': 1, 'b': 'x', 'c': 2}"},
        variables={"a": 1, "c": 2},
    ),
    Case("by its inner name", "{ tell(camelCase: 1) }", {"tell": "{'snake_case': 1, 'c': 3}"}),
    Case("nothing but defaults", "{ tell }", {"tell": "{'c': 3}"}),
    Case("false and zero are values", "{ tell(a: 0, c: 0) }", {"tell": "{'a': 0, 'c': 0}"}),
    Case(
        "absent variables",
        "query ($a: Int, $b: String, $c: Int) { tell(a: $a, b: $b, c: $c) }",
        {"tell": "{'c': 3}"},
    ),
    Case(
        "a list literal is made anew for each use",
        "{ first: grow(list: [1]) second: grow(list: [1]) }",
        {"first": [1, 9], "second": [1, 9]},
    ),
)
async def test_what_a_resolver_is_given(case: Case, compiles: bool) -> None:
    await check(PASSING, case, compiles=compiles)
