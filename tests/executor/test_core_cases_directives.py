"""@skip and @include: on every place, in every combination, by literal and by variable."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tests.executor.cases.check import Case, both, check, error, made, refused, run, table

SCHEMA = made(
    """
    directive @mark(by: String) repeatable on FIELD | QUERY | FRAGMENT_SPREAD | INLINE_FRAGMENT
    type Query { a: String b: String must: String! box: Query boxes: [Query!] }
    type Mutation { a: String b: String }
    """
)


def root() -> dict[str, Any]:
    inner = {"a": "a", "b": "b"}
    return {**inner, "box": {**inner, "box": inner}, "boxes": [inner, inner]}


A, B, AB = {"a": "a"}, {"b": "b"}, {"a": "a", "b": "b"}

SHAPES = {
    "a field": "{ a b%s }",
    "a spread": "{ a ...B%s } fragment B on Query { b }",
    "an inline fragment": "{ a ... on Query%s { b } }",
    "an inline fragment without a type": "{ a ...%s { b } }",
    "a field in a fragment": "{ a ...B } fragment B on Query { b%s }",
    "a field that stands alone": "{ b%s }",
}
WITHOUT_B: dict[str, Any] = {"a field that stands alone": {}}
WITH_B: dict[str, Any] = {"a field that stands alone": B}
LITERALS = {
    "@include(if: true)": True,
    "@include(if: false)": False,
    "@skip(if: false)": True,
    "@skip(if: true)": False,
    "@include(if: true) @skip(if: false)": True,
    "@include(if: true) @skip(if: true)": False,
    "@include(if: false) @skip(if: false)": False,
    "@include(if: false) @skip(if: true)": False,
    "@skip(if: false) @include(if: true)": True,
    "@skip(if: true) @include(if: true)": False,
}


def answer(shape: str, is_there: bool) -> Any:
    return WITH_B.get(shape, AB) if is_there else WITHOUT_B.get(shape, A)


@both
@pytest.mark.parametrize("directives", LITERALS)
@pytest.mark.parametrize("shape", SHAPES)
async def test_by_literal(shape: str, directives: str, compiles: bool) -> None:
    data = answer(shape, LITERALS[directives])
    await check(
        SCHEMA, Case("", SHAPES[shape] % f" {directives}", data, root=root), compiles=compiles
    )


@both
@pytest.mark.parametrize(("include", "skip"), list(product([True, False], repeat=2)))
@pytest.mark.parametrize("shape", SHAPES)
async def test_by_variables(shape: str, include: bool, skip: bool, compiles: bool) -> None:
    query = "query ($yes: Boolean!, $no: Boolean!) " + SHAPES[shape] % (
        " @include(if: $yes) @skip(if: $no)"
    )
    data = answer(shape, include and not skip)
    case = Case("", query, data, root=root, variables={"yes": include, "no": skip})
    await check(SCHEMA, case, compiles=compiles)


@both
@pytest.mark.parametrize(("given", "is_there"), [({}, True), ({"b": False}, False)])
@pytest.mark.parametrize("type_", ["Boolean", "Boolean!"])
async def test_by_a_variable_with_a_default(
    type_: str, given: dict[str, bool], is_there: bool, compiles: bool
) -> None:
    query = f"query ($b: {type_} = true) {{ a b @include(if: $b) }}"
    case = Case("", query, AB if is_there else A, root=root, variables=given)
    await check(SCHEMA, case, compiles=compiles)


IF_NULL = (
    "Argument 'if' has invalid value: Expected variable '$b' provided to non-null type 'Boolean!'"
    " not to be None."
)
NULL = "Variable '$b' has invalid value: Expected value of non-null type 'Boolean!' not to be None."
MISSING = (
    "Variable '$b' has invalid value: Expected a value of non-null type 'Boolean!' to be provided."
)
NO_BOOLEAN = "Variable '$b' has invalid value: Boolean cannot represent a non boolean value: "


@both
@table(
    Case(
        "a null variable at the root ends the whole",
        "query ($b: Boolean = true) { a b @include(if: $b) }",
        None,
        (error(IF_NULL, at="$b#2"),),
        variables={"b": None},
        root=root,
    ),
    Case(
        "a null variable deeper ends its object",
        "query ($b: Boolean = true) { a box { a b @skip(if: $b) } }",
        {"a": "a", "box": None},
        (error(IF_NULL, "box", at="$b#2"),),
        variables={"b": None},
        root=root,
    ),
    refused(
        "no value",
        "query ($b: Boolean!) { b @include(if: $b) }",
        errors=(error(MISSING, at="$b:"),),
    ),
    refused(
        "null",
        "query ($b: Boolean!) { b @include(if: $b) }",
        errors=(error(NULL, at="$b:"),),
        variables={"b": None},
    ),
    *(
        refused(
            f"{wrong!r}, which is no boolean",
            "query ($b: Boolean!) { b @skip(if: $b) }",
            errors=(error(f"{NO_BOOLEAN}{wrong!r}", at="$b:"),),
            variables={"b": wrong},
        )
        for wrong in ("true", 1, 0, 1.0)
    ),
)
async def test_variables_that_are_no_answer(case: Case, compiles: bool) -> None:
    await check(SCHEMA, replace(case, is_compiled=False), compiles=compiles)


MERGED = """query ($x: Boolean!, $y: Boolean!) {
  box @include(if: $x) { a }
  ...More @skip(if: $y)
  boxes { ... @include(if: $x) { a @skip(if: $y) } b @skip(if: $x) }
}
fragment More on Query { box { b a @include(if: $y) } a }"""
BOX_ITEMS = {
    (True, True): {},
    (True, False): A,
    (False, True): B,
    (False, False): B,
}


@both
@pytest.mark.parametrize(("x", "y"), list(BOX_ITEMS))
async def test_one_name_from_several_places(x: bool, y: bool, compiles: bool) -> None:
    data: dict[str, Any] = {}
    box = {**(A if x else {}), **(B if not y else {})}
    if box:
        data["box"] = box
    if not y:
        data["a"] = "a"
    data["boxes"] = [BOX_ITEMS[x, y]] * 2
    case = Case("", MERGED, data, root=root, variables={"x": x, "y": y})
    await check(SCHEMA, case, compiles=compiles)


SIX = "query ({}) {{ {} }}".format(
    ", ".join(f"$v{number}: Boolean!" for number in range(6)),
    " ".join(f"f{number}: a @include(if: $v{number})" for number in range(6)),
)


@both
async def test_every_combination_of_six_variables(compiles: bool) -> None:
    """64 shapes of one operation, each of which must be its own."""
    for chosen in product([True, False], repeat=6):
        outcome = await run(
            SCHEMA,
            SIX,
            compiles=compiles,
            root={"a": "a"},
            variables={f"v{number}": is_there for number, is_there in enumerate(chosen)},
        )
        expected = {f"f{number}": "a" for number, is_there in enumerate(chosen) if is_there}
        assert (outcome.data, outcome.errors) == (expected, None)


@both
@table(
    Case(
        "the second spread of a fragment counts when the first is skipped",
        "{ ...B @skip(if: true) ...B } fragment B on Query { b }",
        B,
        root=root,
    ),
    Case(
        "nested conditions are all asked",
        "{ a ... @include(if: true) { ... @skip(if: true) { b } } }",
        A,
        root=root,
    ),
    Case(
        "what isn't included can't fail",
        "{ a must @skip(if: true) }",
        A,
        root=root,
    ),
    Case(
        "__typename too",
        "{ __typename @skip(if: true) kind: __typename @include(if: true) }",
        {"kind": "Query"},
        root=root,
    ),
    Case(
        "nothing is left of an object",
        "{ box { a @skip(if: true) } }",
        {"box": {}},
        root=root,
    ),
    Case(
        "an object that is skipped as a whole",
        "{ box @skip(if: true) { a } a }",
        A,
        root=root,
    ),
    Case(
        "a mutation that is skipped as a whole",
        "mutation { a @include(if: false) b }",
        B,
        root=root,
    ),
    Case(
        "directives of the schema's own change nothing",
        'query @mark { a @mark(by: "x") @mark ... @mark { b } ...C @mark }'
        " fragment C on Query { a }",
        AB,
        root=root,
        is_compiled=False,
    ),
)
async def test_places(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)
