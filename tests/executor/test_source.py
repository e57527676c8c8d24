"""The code that is made from a plan, whole: as `explain` lays it out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import dedent
from typing import Any

import pytest
import strawberry
from graphql import build_schema, parse

from executor.engine import Engine
from executor.fields import BatchInfo, batched, derived
from executor.layout import lay_out
from executor.source import attribute, snake
from tests.executor.library import SCHEMA


def code(query: str, schema: Any = SCHEMA, **options: Any) -> str:
    """Return the code of an operation that has one way of its conditions."""
    [program] = Engine(schema, **options).operation(parse(query)).prepare()
    return lay_out(program.text, width=80)


def whole(text: str) -> str:
    return dedent(text).lstrip("\n")


def functions(text: str) -> dict[str, str]:
    """Return the functions of a text by their names."""
    parts = re.split(r"^(?=async def |def )", text, flags=re.MULTILINE)[1:]
    return {part.split("def ")[1].partition("(")[0]: part.strip() + "\n" for part in parts}


def test_what_is_read_at_once() -> None:
    assert code("{ books { title isbn pages isThick genre kind: __typename } }") == whole(
        """
        async def operation(run):
            v_1 = await root_1(run)
            return {
                'books': v_1,
            }

        async def root_1(run):  # books
            v_1 = await root_value(run, call_1, is_awaitable)
            answer = [
                (
                    book_1(each0)
                    if (type(each0) in sound_1_classes or sound_1(each0))
                    and check_1(None, each0, None)
                    else None
                )
                for each0 in items(v_1)
            ]
            return answer

        def book_1(o):  # books
            return {
                'title': (
                    value0
                    if type((value0 := o.title)) is str
                    else leaf_String(value0)
                ),
                'isbn': (
                    value0
                    if (value0 := o.row['isbn']) is None or type(value0) is str
                    else leaf_String_or_null(value0)
                ),
                'pages': (
                    value0
                    if type(
                        (
                            value0 := (
                                None
                                if (item := o.row['pages']) is None
                                else convert_4(item)
                            )
                        )
                    ) is int
                    and -2147483648 <= value0 <= 2147483647
                    else leaf_Int(value0)
                ),
                'isThick': (
                    value0
                    if type((value0 := read_5(o))) is bool
                    else leaf_Boolean(value0)
                ),
                'genre': (
                    name
                    if (name := leaf_Genre_names.get(id((value0 := o.genre))))
                    else leaf_Genre(value0)
                ),
                'kind': 'Book',
            }
        """
    )


async def _measure(_books: Any, _info: Any) -> None:
    """Nothing to fetch: what counts is who calls it."""


@strawberry.type
class Spine:
    colour: str = derived(lambda spine, context: context[spine["colour"]])
    width: int = derived(lambda spine, _context: spine["width"], needs=_measure)
    height: int = derived(lambda spine, _context: spine["height"], needs=_measure)


@strawberry.type
class Shelf:
    @strawberry.field
    def spines(self) -> list[Spine]:
        return []


DERIVED = strawberry.Schema(Shelf)


async def _shelve(spines: Sequence[Any], _info: BatchInfo) -> list[int]:
    return [0 for _ in spines]


@strawberry.type
class Row:
    alone: int = batched()(_shelve)
    first: int = batched(ahead=lambda _rows, _info: None)(_shelve)
    last: int = batched(ahead=lambda _rows, _info: None)(_shelve)


@strawberry.type
class Rack:
    @strawberry.field
    def row(self) -> Row:
        return Row()


def test_what_looks_ahead_is_called_before_its_level_is_fetched() -> None:
    made = functions(code("{ row { first alone last } }", strawberry.Schema(Rack)))["fill_1"]
    assert made.splitlines()[1:6] == [
        "    told_2 = batch_2.ahead(run, pending)",
        "    told_4 = batch_4.ahead(run, pending)",
        "    column_2 = await batch_2(run, pending, told_2)",
        "    column_3 = await batch_3(run, pending)",
        "    column_4 = await batch_4(run, pending, told_4)",
    ]


def test_what_is_derived_is_called_in_its_place() -> None:
    assert functions(code("{ spines { colour } }", DERIVED))["spine_1"] == whole(
        """
        def spine_1(o, run):  # spines
            return {
                'colour': (
                    value0
                    if type((value0 := read_2(o, run.context))) is str
                    else leaf_String(value0)
                ),
            }
        """
    )


def test_what_several_fields_need_is_fetched_by_one_call() -> None:
    written = functions(code("{ spines { width height } }", DERIVED))
    assert written["spine_1"] == whole(
        """
        def spine_1(o, todo_1):  # spines
            answer = {
                'width': None,
                'height': None,
            }
            todo_1.append((o, answer, None))
            return answer
        """
    )
    assert written["fill_1"] == whole(
        """
        async def fill_1(run, pending):  # spines
            await need_2(run, pending)
            for (o, answer, path) in pending:
                answer['width'] = (
                    value0
                    if type((value0 := read_2(o, run.context))) is int
                    and -2147483648 <= value0 <= 2147483647
                    else leaf_Int(value0)
                )
                answer['height'] = (
                    value0
                    if type((value0 := read_3(o, run.context))) is int
                    and -2147483648 <= value0 <= 2147483647
                    else leaf_Int(value0)
                )
        """
    )


def test_what_is_waited_for_is_filled_in_for_the_whole_level() -> None:
    assert functions(code("{ books { title stars authors { name } } }")) == functions(
        whole(
            """
            async def operation(run):
                v_1 = await root_1(run)
                return {
                    'books': v_1,
                }

            async def root_1(run):  # books
                v_1 = await root_value(run, call_1, is_awaitable)
                todo_1 = []
                path = Path(None, 'books', 'Query')
                answer = [
                    (
                        book_1(each0, run, Path(path, row0, None), todo_1)
                        if (type(each0) in sound_1_classes or sound_1(each0))
                        and check_1(None, each0, None)
                        else None
                    )
                    for row0, each0 in enumerate(items(v_1))
                ]
                if todo_1: await fill_1(run, todo_1)
                return answer

            def book_1(o, run, path, todo_1):  # books
                answer = {
                    'title': (
                        value0
                        if type((value0 := o.title)) is str
                        else leaf_String(value0)
                    ),
                    'stars': None,
                    'authors': None,
                }
                todo_1.append((o, answer, path))
                return answer

            async def fill_1(run, pending):  # books
                columns = await resolved(run, pending, (call_3, ), is_awaitable)
                column_4 = await batch_4(run, pending)
                for (o, answer, path), v_3, v_4 in zip(pending, columns[0], column_4):
                    answer['stars'] = (
                        v_3
                        if v_3 is None or type(v_3) is float and v_3 - v_3 == 0.0
                        else leaf_Float_or_null(v_3)
                    )
                    answer['authors'] = [
                        (
                            author_2(each0)
                            if (type(each0) in sound_2_classes or sound_2(each0))
                            else None
                        )
                        for each0 in items(v_4)
                    ]

            def author_2(o):  # books.authors
                return {
                    'name': (
                        value0
                        if type((value0 := o.name)) is str
                        else leaf_String(value0)
                    ),
                }
            """
        )
    )


def test_values_of_an_interface_find_the_function_of_their_type() -> None:
    made = functions(code("{ titled { title ... on Magazine { issue } } }"))
    assert list(made) == ["operation", "root_1", "book_1", "magazine_2", "any_1"]
    assert made["any_1"] == whole(
        """
        def any_1(o, run, field_path, path):
            name = type_name_1(run, o, field_path)
            if name == 'Book':
                check_1(run, o, field_path)
                return book_1(o)
            if name == 'Magazine':
                check_2(run, o, field_path)
                return magazine_2(o)
            raise Fallback
        """
    )


TWO = "{ books { title } book(id: 1) { title } again: __typename }"


@pytest.mark.parametrize(
    ("in_turn", "lines"),
    [
        (False, ["v_1, v_3 = await together(run, (root_1(run), root_3(run)))"]),
        (True, ["v_1 = await root_1(run)", "v_3 = await root_3(run)"]),
    ],
)
def test_root_fields_side_by_side_or_in_turn(in_turn: bool, lines: list[str]) -> None:
    entry = functions(code(TWO, roots_in_turn=in_turn))["operation"]
    answer = ["return {", "    'books': v_1,", "    'book': v_3,", "    'again': 'Query',", "}"]
    assert dedent(entry.partition("\n")[2]).splitlines() == [*lines, *answer]


def test_mutations_run_in_turn() -> None:
    made = functions(code("mutation { a: lend(id: 0) { title } b: lend(id: 1) { title } }"))
    assert made["operation"].splitlines()[1:3] == [
        "    v_1 = await root_1(run)",
        "    v_3 = await root_3(run)",
    ]


def test_lists_of_lists_and_nulls() -> None:
    schema = build_schema("type Query { a: [[Int!]!]! b: [[Q]] } type Q { c: Int }")
    made = functions(code("{ a b { __typename } }", schema))
    assert made["root_1"].splitlines()[2:-1] == [
        "    answer = [",
        "        [",
        "            (",
        "                each1",
        "                if type(each1) is int and -2147483648 <= each1 <= 2147483647",
        "                else leaf_Int(each1)",
        "            )",
        "            for each1 in items(each0)",
        "        ]",
        "        for each0 in grid(v_1)",
        "    ]",
    ]
    assert "if (value0 := grid_or_none(v_2)) is None" in made["root_2"]
    assert "if (value1 := items_or_none(each0)) is None" in made["root_2"]


async def test_names_of_python_are_answered_as_any_others() -> None:
    schema = build_schema("type Query { class: String, import: Query, __private: Int, o: String }")
    operation = Engine(schema).operation(parse("{ class import { class o } o lambda: o }"))
    inner = {"class": "c", "o": "o"}
    outcome = await operation.run(root={**inner, "import": inner})
    assert outcome.data == {"class": "c", "import": inner, "o": "o", "lambda": "o"}
    assert operation.figures.compiled == 1


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("title", "o.title"),
        ("class", "getattr(o, 'class')"),
        ("__name", "getattr(o, '__name')"),
        ("with space", "getattr(o, 'with space')"),
        ("_own", "o._own"),
    ],
)
def test_attributes_are_read_by_their_names(name: str, expression: str) -> None:
    assert attribute(name) == expression


@pytest.mark.parametrize(
    ("name", "written"),
    [("OrderLine", "order_line"), ("SKU", "sku"), ("Order2Line", "order2_line"), ("a_B", "a_b")],
)
def test_types_are_written_as_python_would_write_them(name: str, written: str) -> None:
    assert snake(name) == written
