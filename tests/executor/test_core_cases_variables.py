"""Variables: what each type takes, what it becomes, and how the rest is refused."""

import math
from dataclasses import replace
from typing import Any

import pytest
from graphql import parse

from executor.engine import Engine
from tests.executor.cases.check import Case, both, check, error, refused, table
from tests.executor.cases.inputs import SCHEMA, TYPES

INVALID = "Variable '$v' has invalid value"
NULL = "Expected value of non-null type '{}' not to be None."
MISSING = "Expected a value of non-null type '{}' to be provided."
ONE_OF = (
    "Within OneOf Input Object type 'One', exactly one field must be specified, and the value for"
    " that field must be non-null."
)
ITEM = "{'must': 'm', 'number': 7, 'mustNumber': 8}"
POINT = "Point(x=1.0, y=0.5)"
INNER = "{'must': 'n', 'number': 7, 'mustNumber': 8}"

TAKEN: list[tuple[str, Any, str]] = [
    ("text", "a", "'a'"),
    ("text", "", "''"),
    ("text", "中文", "'中文'"),
    ("text", None, "None"),
    ("mustText", "a", "'a'"),
    ("number", 1, "1"),
    ("number", -1, "-1"),
    ("number", 0, "0"),
    ("number", 2_147_483_647, "2147483647"),
    ("number", -2_147_483_648, "-2147483648"),
    ("number", 1.0, "1"),
    ("number", None, "None"),
    ("float", 1, "1.0"),
    ("float", 1.5, "1.5"),
    ("float", -0.0, "-0.0"),
    ("float", None, "None"),
    ("yes", True, "True"),
    ("yes", False, "False"),
    ("yes", None, "None"),
    ("id", "a", "'a'"),
    ("id", 1, "'1'"),
    ("id", 1.0, "'1'"),
    ("id", 10**20, "'100000000000000000000'"),
    ("price", "1.50", "Decimal('1.50')"),
    ("price", None, "None"),
    ("anything", "a", "'a'"),
    ("anything", {"a": [1, {"b": None}]}, "{'a': [1, {'b': None}]}"),
    ("anything", [1, [2]], "[1, [2]]"),
    ("anything", None, "None"),
    ("size", "SMALL", "1"),
    ("size", None, "None"),
    ("odd", "NOTHING", "None"),
    ("odd", "NO", "False"),
    ("odd", "ZERO", "0"),
    ("odd", "WORDS", "'some words'"),
    ("texts", ["a", None], "['a', None]"),
    ("texts", [], "[]"),
    ("texts", "a", "['a']"),
    ("texts", ("a", "b"), "['a', 'b']"),
    ("texts", None, "None"),
    ("textsMust", ["a", None], "['a', None]"),
    ("mustTexts", None, "None"),
    ("mustTexts", ["a"], "['a']"),
    ("mustTextsMust", ["a"], "['a']"),
    ("grid", [[1, 2], [3]], "[[1, 2], [3]]"),
    ("grid", [1, 2], "[[1], [2]]"),
    ("grid", 1, "[[1]]"),
    ("grid", [None, [None]], "[None, [None]]"),
    ("sizes", ["SMALL", "LARGE"], "[1, 2]"),
    ("sizes", "SMALL", "[1]"),
    ("item", {"must": "m"}, ITEM),
    (
        "item",
        {"must": "m", "text": None, "number": None, "camelCase": 3},
        "{'text': None, 'must': 'm', 'snake_case': 3, 'number': None, 'mustNumber': 8}",
    ),
    ("item", {"must": "m", "items": {"must": "n"}}, f"{ITEM[:-1]}, 'items': [{INNER}]}}"),
    (
        "item",
        {"point": {"x": 1}, "size": "LARGE", "price": "1", "must": "m"},
        f"{{'must': 'm', 'price': Decimal('1'), 'size': 2,{ITEM[13:-1]}, 'point': {POINT}}}",
    ),
    ("item", None, "None"),
    ("items", [{"must": "m"}, None], f"[{ITEM}, None]"),
    ("items", {"must": "m"}, f"[{ITEM}]"),
    ("point", {"x": 1}, POINT),
    ("point", {"x": 1, "y": None}, "Point(x=1.0, y=None)"),
    ("point", {"y": 2, "x": 1}, "Point(x=1.0, y=2.0)"),
    ("one", {"text": "a"}, "{'text': 'a'}"),
    ("one", {"number": 1}, "{'number': 1}"),
    ("one", {"point": {"x": 1}}, "{'point': Point(x=1.0, y=0.5)}"),
    ("one", None, "None"),
    ("mustOne", {"text": "a"}, "{'text': 'a'}"),
]

Refusal = tuple[str, Any, list[tuple[str, str]]]


def no(name: str, value: Any, *told: str | tuple[str, str]) -> Refusal:
    """Return a value that is refused; a message may have the path of the part it is about."""
    return name, value, [("", each) if isinstance(each, str) else each for each in told]


NO_TEXT = "String cannot represent a non string value: {!r}"
NO_INT = "Int cannot represent non-integer value: {!r}"
NO_FLOAT = "Float cannot represent non numeric value: {!r}"
NO_SIZE = "Value 'HUGE' does not exist in 'Size' enum."
REFUSED: list[Refusal] = [
    *(no("text", value, NO_TEXT.format(value)) for value in (1, 1.5, True, ["a"], {"a": 1})),
    *(no("number", value, NO_INT.format(value)) for value in (1.5, "1", True, [1], math.inf)),
    *(
        no("number", value, f"Int cannot represent non 32-bit signed integer value: {value}")
        for value in (2_147_483_648, -2_147_483_649, 10**30)
    ),
    *(no("float", value, NO_FLOAT.format(value)) for value in ("1", True, math.inf, math.nan)),
    *(
        no("yes", value, f"Boolean cannot represent a non boolean value: {value!r}")
        for value in (1, 0, "true")
    ),
    *(no("id", value, f"ID cannot represent value: {value!r}") for value in (1.5, True, ["a"])),
    no("size", "HUGE", NO_SIZE),
    no(
        "size",
        "small",
        "Value 'small' does not exist in 'Size' enum. Did you mean the enum value 'SMALL'?",
    ),
    no("size", 1, "Enum 'Size' cannot represent non-string value: 1."),
    no(
        "price",
        "x",
        "Expected value of type 'Price', but encountered error"
        " '[<class 'decimal.ConversionSyntax'>]'; found: 'x'.",
    ),
    no("texts", ["a", 1], ("[1]", NO_TEXT.format(1))),
    no("texts", [["a"]], ("[0]", NO_TEXT.format(["a"]))),
    no("texts", {"a": 1}, NO_TEXT.format({"a": 1})),
    no("textsMust", None, NULL.format("[String]!")),
    no("mustTexts", ["a", None], ("[1]", NULL.format("String!"))),
    no("mustTexts", [1, "a", 2], ("[0]", NO_TEXT.format(1)), ("[2]", NO_TEXT.format(2))),
    no("mustTextsMust", None, NULL.format("[String!]!")),
    no("mustTextsMust", [None], ("[0]", NULL.format("String!"))),
    no("mustText", None, NULL.format("String!")),
    no("mustOne", None, NULL.format("One!")),
    no("grid", [[1, "x"]], ("[0][1]", NO_INT.format("x"))),
    no("sizes", ["SMALL", "HUGE"], ("[1]", NO_SIZE)),
    no("item", "x", "Expected value of type 'Item' to be an object, found: 'x'."),
    no("item", [1], "Expected value of type 'Item' to be an object, found: [1]."),
    no("item", {}, "Expected value of type 'Item' to include required field 'must', found: {}."),
    no("item", {"must": None}, (".must", NULL.format("String!"))),
    no("item", {"must": "m", "mustNumber": None}, (".mustNumber", NULL.format("Int!"))),
    no("item", {"must": "m", "items": [None]}, (".items[0]", NULL.format("Item!"))),
    no(
        "item",
        {"must": "m", "else": 1, "txt": 2},
        "Expected value of type 'Item' not to include unknown field 'else', found:"
        " {'must': 'm', 'else': 1, 'txt': 2}.",
        "Expected value of type 'Item' not to include unknown field 'txt'. Did you mean"
        " 'text' or 'texts'? Found: {'must': 'm', 'else': 1, 'txt': 2}.",
    ),
    no(
        "item",
        {"must": 1, "texts": [1], "items": [{"must": "x"}, {}]},
        (".must", NO_TEXT.format(1)),
        (".texts[0]", NO_TEXT.format(1)),
        (
            ".items[1]",
            "Expected value of type 'Item' to include required field 'must', found: {}.",
        ),
    ),
    no(
        "items",
        [{"must": "m"}, {"must": "m", "size": "HUGE", "point": {}}],
        ("[1].size", NO_SIZE),
        ("[1].point", "Expected value of type 'Point' to include required field 'x', found: {}."),
    ),
    no("point", {"x": "a", "y": "b"}, (".x", NO_FLOAT.format("a")), (".y", NO_FLOAT.format("b"))),
    *(
        no("one", value, ONE_OF)
        for value in ({}, {"text": "a", "number": 1}, {"text": "a", "number": None})
    ),
    no("one", {"text": None}, (".text", ONE_OF)),
    no("one", {"text": 1}, (".text", NO_TEXT.format(1))),
    no(
        "one",
        {"else": 1},
        "Expected value of type 'One' not to include unknown field 'else', found: {'else': 1}.",
        ONE_OF,
    ),
]


def query(name: str, default: str = "") -> str:
    return f"query ($v: {TYPES[name]}{default}) {{ {name}(input: $v) }}"


def rows(table: list[Any]) -> list[Any]:
    return [pytest.param(*row, id=f"{row[0]} {row[1]!r}"[:60]) for row in table]


@both
@pytest.mark.parametrize(("name", "value", "answer"), rows(TAKEN))
async def test_what_is_taken(name: str, value: Any, answer: str, compiles: bool) -> None:
    case = Case("", query(name), {name: answer}, variables={"v": value})
    await check(SCHEMA, case, compiles=compiles)


@both
@pytest.mark.parametrize(("name", "value", "told"), rows(REFUSED))
async def test_what_is_refused(
    name: str, value: Any, told: list[tuple[str, str]], compiles: bool
) -> None:
    errors = tuple(
        error(f"{INVALID}{f' at {path}' if path else ''}: {message}", at="$v:")
        for path, message in told
    )
    case = refused("", query(name), errors=errors, variables={"v": value})
    await check(SCHEMA, case, compiles=compiles)


@both
@pytest.mark.parametrize("name", TYPES)
async def test_a_variable_that_is_absent(name: str, compiles: bool) -> None:
    """An absent variable is an absent argument, unless its type wants a value."""
    case = Case("", query(name), {name: "nothing"})
    if str(TYPES[name]).endswith("!"):
        told = error(f"{INVALID}: {MISSING.format(TYPES[name])}", at="$v:")
        case = refused("", query(name), errors=(told,))
    for variables in (None, {}, {"other": 1}):
        await check(SCHEMA, replace(case, variables=variables), compiles=compiles)


DEFAULTS: list[tuple[str, str, str]] = [
    ("text", '"d"', "'d'"),
    ("text", "null", "None"),
    ("number", "5", "5"),
    ("float", "5", "5.0"),
    ("id", "5", "'5'"),
    ("yes", "false", "False"),
    ("size", "LARGE", "2"),
    ("odd", "NOTHING", "None"),
    ("price", '"2.5"', "Decimal('2.5')"),
    ("anything", "{a: [1, 2.5, true, null, WORD]}", "{'a': [1, 2.5, True, None, 'WORD']}"),
    ("texts", '["a", null]', "['a', None]"),
    ("texts", '"a"', "['a']"),
    ("point", "{x: 1}", POINT),
    ("item", '{must: "m", items: {must: "n"}}', f"{ITEM[:-1]}, 'items': [{INNER}]}}"),
    ("one", '{text: "a"}', "{'text': 'a'}"),
]


@both
@pytest.mark.parametrize(("name", "default", "answer"), rows(DEFAULTS))
async def test_a_default_stands_in_for_absent_but_not_for_null(
    name: str, default: str, answer: str, compiles: bool
) -> None:
    text = query(name, f" = {default}")
    await check(SCHEMA, Case("", text, {name: answer}, variables={}), compiles=compiles)
    null = Case("", text, {name: "None"}, variables={"v": None})
    await check(SCHEMA, null, compiles=compiles)


NULL_BY_VARIABLE = (
    "Argument 'input' has invalid value: Expected variable '$v' provided to non-null type '{}' not"
    " to be None."
)


@both
@table(
    Case("kept", 'query ($v: String! = "d") { text(input: $v) }', {"text": "'d'"}),
    Case(
        "replaced",
        'query ($v: String! = "d") { text(input: $v) }',
        {"text": "'x'"},
        variables={"v": "x"},
    ),
    refused(
        "null is no value",
        'query ($v: String! = "d") { text(input: $v) }',
        errors=(error(f"{INVALID}: {NULL.format('String!')}", at="$v:"),),
        variables={"v": None},
    ),
    Case(
        "for a stricter place",
        'query ($v: String = "d") { mustText(input: $v) }',
        {"mustText": "'d'"},
    ),
    Case(
        "null for a stricter place is told where it is used",
        'query ($v: String = "d") { mustText(input: $v) }',
        None,
        (error(NULL_BY_VARIABLE.format("String!"), "mustText", at="$v#2"),),
        variables={"v": None},
    ),
    Case(
        "an enum value that is null inside counts as null, when a variable brings it",
        "query ($v: Odd!) { mustOdd(input: $v) }",
        None,
        (error(NULL_BY_VARIABLE.format("Odd!"), "mustOdd", at="$v#2"),),
        variables={"v": "NOTHING"},
    ),
    Case(
        "a stricter variable for a laxer place",
        "query ($v: [String!]!) { texts(input: $v) }",
        {"texts": "['a']"},
        variables={"v": ["a"]},
    ),
)
async def test_variables_and_places_of_different_nullability(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


@both
async def test_every_variable_that_is_wrong_is_told(compiles: bool) -> None:
    text = "query ($a: Int, $b: Int!, $c: Int) { a: number(input: $a) b: number(input: $b)"
    case = refused(
        "",
        text + " c: number(input: $c) }",
        errors=(
            error(f"Variable '$a' has invalid value: {NO_INT.format('x')}", at="$a:"),
            error(f"Variable '$b' has invalid value: {MISSING.format('Int!')}", at="$b:"),
        ),
        variables={"a": "x", "c": 3, "unknown": "ignored"},
    )
    await check(SCHEMA, case, compiles=compiles)


@both
async def test_errors_end_after_fifty(compiles: bool) -> None:
    wrong = list(range(60))
    errors = [
        error(f"{INVALID} at [{index}]: {NO_TEXT.format(index)}", at="$v:") for index in range(50)
    ]
    errors.append(
        error("Too many errors processing variables, error limit reached. Execution aborted.")
    )
    case = refused("", query("texts"), errors=tuple(errors), variables={"v": wrong})
    await check(SCHEMA, case, compiles=compiles)


@both
async def test_a_scalar_adds_extensions_to_its_refusal(compiles: bool) -> None:
    message = f"{INVALID}: A price is a string."
    told = error(message, at="$v:", extensions={"code": "NO_PRICE"})
    case = refused("", query("price"), errors=(told,), variables={"v": 5})
    await check(SCHEMA, case, compiles=compiles)


@both
async def test_a_variable_that_is_nested_too_deeply(compiles: bool) -> None:
    value: Any = {"must": "m"}
    for _ in range(3_000):
        value = {"must": "m", "items": value}
    operation = Engine(SCHEMA, compiles=compiles).operation(parse(query("item")))
    outcome = await operation.run({"v": value})
    assert outcome.data is None
    assert not outcome.was_run
    assert [told.message for told in outcome.errors or []] == [
        "Variable values are nested too deeply."
    ]


@both
async def test_a_number_that_no_float_holds(compiles: bool) -> None:
    operation = Engine(SCHEMA, compiles=compiles).operation(parse(query("float")))
    outcome = await operation.run({"v": 10**400})
    [told] = outcome.errors or []
    assert told.message.startswith(f"{INVALID}: Float cannot represent non numeric value: 1000")
    assert told.message.endswith("0 (value is too large)")
    assert not outcome.was_run
