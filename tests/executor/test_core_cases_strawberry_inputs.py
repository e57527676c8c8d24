"""Strawberry's inputs: defaults, UNSET, Maybe, one of several, names, and objects made of them."""

import datetime as dt
from enum import Enum
from typing import Annotated, Any

import strawberry

from tests.executor.cases.check import Case, both, check, error, refused, table


@strawberry.enum
class Size(Enum):
    SMALL = 1
    LARGE = 2


@strawberry.input
class Point:
    x: float
    y: float = 0.5


@strawberry.input
class Item:
    must: str
    text: str | None = None
    unset: str | None = strawberry.UNSET
    maybe: strawberry.Maybe[str | None] = None
    size: Size = Size.LARGE
    point: Point | None = None
    points: list[Point] = strawberry.field(default_factory=lambda: [Point(x=1.0)])
    day: dt.date | None = None
    long_name: int = strawberry.field(name="short", default=1)
    items: list["Item"] | None = strawberry.UNSET


@strawberry.input(one_of=True)
class One:
    text: strawberry.Maybe[str]
    number: strawberry.Maybe[int]


def shown(value: Any) -> str:
    return repr(value)


@strawberry.type
class Query:
    """Answers with the repr of what a resolver was given."""

    @strawberry.field
    def item(self, item: Item) -> str:
        assert isinstance(item, Item)
        return shown(item)

    @strawberry.field
    def point(self, point: Point | None = None) -> str:
        return shown(point)

    @strawberry.field
    def points(self, points: list[Point]) -> str:
        return shown(points)

    @strawberry.field
    def spare(self, point: Point = Point(x=3)) -> str:  # noqa: B008 (Strawberry copies it)
        shown_before = shown(point)
        point.x += 1  # The next one must not see it.
        return shown_before

    @strawberry.field
    def unset(self, text: str | None = strawberry.UNSET) -> str:
        return "nothing" if text is strawberry.UNSET else shown(text)

    @strawberry.field
    def maybe(self, text: strawberry.Maybe[str | None] = None) -> str:
        return shown(text)

    @strawberry.field
    def null(self, text: str | None = None, number: int = 7) -> str:
        return shown((text, number))

    @strawberry.field
    def one(self, one: One) -> str:
        return shown((one.text, one.number))

    @strawberry.field
    def size(self, size: Size = Size.SMALL, sizes: list[Size] | None = None) -> str:
        return shown((size, sizes))

    @strawberry.field
    def named(
        self,
        long_name: Annotated[int, strawberry.argument(name="short")] = 1,
        other_name: str = "o",
    ) -> str:
        return shown((long_name, other_name))

    @strawberry.field
    async def later(self, point: Point, info: strawberry.Info) -> str:
        return shown((point, info.variable_values))


SCHEMA = strawberry.Schema(Query)
POINT = "Point(x={}, y={})"
PLAIN = (
    "Item(must='m', text=None, unset=UNSET, maybe=None, size=<Size.LARGE: 2>, point=None,"
    " points=[Point(x=1.0, y=0.5)], day=None, long_name=1, items=UNSET)"
)
FULL = (
    "Item(must='m', text='t', unset='u', maybe=Some('y'), size=<Size.SMALL: 1>,"
    " point=Point(x=1.0, y=2.0), points=[], day=datetime.date(2024, 2, 29), long_name=5, items=[])"
)
FULL_LITERAL = """{
  must: "m", text: "t", unset: "u", maybe: "y", size: SMALL, point: {x: 1, y: 2}, points: [],
  day: "2024-02-29", short: 5, items: []
}"""
FULL_VALUE = {
    "must": "m",
    "text": "t",
    "unset": "u",
    "maybe": "y",
    "size": "SMALL",
    "point": {"x": 1, "y": 2},
    "points": [],
    "day": "2024-02-29",
    "short": 5,
    "items": [],
}
NULLS = PLAIN.replace("unset=UNSET", "unset=None").replace("maybe=None", "maybe=Some(None)")
ITEM = "query ($item: Item!) { item(item: $item) }"


@both
@table(
    Case("only what must be", '{ item(item: {must: "m"}) }', {"item": PLAIN}, root=Query),
    Case("everything", f"{{ item(item: {FULL_LITERAL}) }}", {"item": FULL}, root=Query),
    Case(
        "null is not absent",
        '{ item(item: {must: "m", text: null, unset: null, maybe: null}) }',
        {"item": NULLS},
        root=Query,
    ),
    Case(
        "by a variable",
        ITEM,
        {"item": PLAIN},
        variables={"item": {"must": "m"}},
        root=Query,
    ),
    Case(
        "everything by a variable", ITEM, {"item": FULL}, variables={"item": FULL_VALUE}, root=Query
    ),
    Case(
        "null by a variable",
        ITEM,
        {"item": NULLS},
        variables={"item": {"must": "m", "text": None, "unset": None, "maybe": None}},
        root=Query,
    ),
    Case(
        "parts by variables, some absent",
        """query ($must: String!, $maybe: String, $unset: String, $x: Float!) {
          item(item: {must: $must, maybe: $maybe, unset: $unset, points: [{x: $x}]})
        }""",
        {"item": PLAIN.replace("x=1.0", "x=2.0")},
        variables={"must": "m", "x": 2},
        root=Query,
    ),
    Case(
        "inside of each other",
        '{ item(item: {must: "m", items: [{must: "n"}]}) }',
        {"item": PLAIN[:-6] + "[" + PLAIN.replace("'m'", "'n'") + "])"},
        root=Query,
    ),
    Case(
        "lists of them, and one for a list",
        "query ($p: Point!) { a: points(points: [{x: 1}, $p]) b: points(points: {x: 3}) }",
        {
            "a": f"[{POINT.format(1.0, 0.5)}, {POINT.format(2.0, 5.0)}]",
            "b": f"[{POINT.format(3.0, 0.5)}]",
        },
        variables={"p": {"x": 2, "y": 5}},
        root=Query,
    ),
    Case(
        "null for one",
        "query ($p: Point) { a: point b: point(point: null) c: point(point: $p) }",
        {"a": "None", "b": "None", "c": "None"},
        variables={"p": None},
        root=Query,
    ),
    Case(
        "a default is made anew for each",
        "query ($p: Point) { a: spare b: spare c: spare(point: $p) d: spare(point: {x: 1}) }",
        {
            "a": POINT.format(3, 0.5),
            "b": POINT.format(3, 0.5),
            "c": POINT.format(3, 0.5),
            "d": POINT.format(1.0, 0.5),
        },
        root=Query,
    ),
    Case(
        "in a resolver that waits",
        "query ($x: Float!) { later(point: {x: $x}) }",
        {"later": "(Point(x=1.5, y=0.5), {'x': 1.5})"},
        variables={"x": 1.5},
        root=Query,
    ),
)
async def test_objects(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


UNSET = "query ($t: String) { a: unset b: unset(text: $t) c: unset(text: null) }"
MAYBE = (
    'query ($t: String) { a: maybe b: maybe(text: $t) c: maybe(text: null) d: maybe(text: "x") }'
)
NULL = (
    "query ($t: String, $n: Int = 5) { a: null b: null(text: $t, number: $n) c: null(number: 0) }"
)
NAMED = 'query ($n: Int) { a: named b: named(short: $n) c: named(short: 2, otherName: "x") }'
SIZE = """query ($s: Size = LARGE, $l: [Size!]) {
  a: size b: size(size: $s, sizes: $l) c: size(sizes: SMALL)
}"""


@both
@table(
    Case("UNSET, absent", UNSET, {"a": "nothing", "b": "nothing", "c": "None"}, root=Query),
    Case(
        "UNSET, null",
        UNSET,
        {"a": "nothing", "b": "None", "c": "None"},
        variables={"t": None},
        root=Query,
    ),
    Case(
        "UNSET, given",
        UNSET,
        {"a": "nothing", "b": "'x'", "c": "None"},
        variables={"t": "x"},
        root=Query,
    ),
    Case(
        "Maybe, absent",
        MAYBE,
        {"a": "None", "b": "None", "c": "Some(None)", "d": "Some('x')"},
        root=Query,
    ),
    Case(
        "Maybe, null",
        MAYBE,
        {"a": "None", "b": "Some(None)", "c": "Some(None)", "d": "Some('x')"},
        variables={"t": None},
        root=Query,
    ),
    Case(
        "defaults",
        NULL,
        {"a": "(None, 7)", "b": "('x', 5)", "c": "(None, 0)"},
        variables={"t": "x"},
        root=Query,
    ),
    Case("names", NAMED, {"a": "(1, 'o')", "b": "(1, 'o')", "c": "(2, 'x')"}, root=Query),
    Case(
        "enumerations",
        SIZE,
        {
            "a": "(<Size.SMALL: 1>, None)",
            "b": "(<Size.LARGE: 2>, [<Size.SMALL: 1>, <Size.LARGE: 2>])",
            "c": "(<Size.SMALL: 1>, [<Size.SMALL: 1>])",
        },
        variables={"l": ["SMALL", "LARGE"]},
        root=Query,
    ),
    Case(
        "one of several",
        'query ($o: One!) { a: one(one: $o) b: one(one: {text: "x"}) }',
        {"a": "(None, Some(5))", "b": "(Some('x'), None)"},
        variables={"o": {"number": 5}},
        root=Query,
    ),
)
async def test_arguments(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


ONE_OF = "OneOf Input Object 'One' must specify exactly one key."
NULL_NUMBER = (
    "Argument 'number' has invalid value: Expected variable '$n' provided to non-null type 'Int!'"
    " not to be None."
)


@both
@table(
    refused(
        "two of one",
        "query ($o: One!) { one(one: $o) }",
        errors=(error(ONE_OF),),
        variables={"o": {"text": "x", "number": 5}},
        root=Query,
    ),
    refused(
        "a day that isn't one",
        ITEM,
        errors=(
            error(
                "Variable '$item' has invalid value at .day: Value cannot represent a Date:"
                ' "2024-02-30". day is out of range for month',
                at="$item:",
            ),
        ),
        variables={"item": {"must": "m", "day": "2024-02-30"}},
        root=Query,
    ),
    Case(
        "null where none may be",
        NULL,
        None,
        (error(NULL_NUMBER, "b", at="$n#2"),),
        variables={"n": None},
        root=Query,
    ),
)
async def test_what_is_refused(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)
