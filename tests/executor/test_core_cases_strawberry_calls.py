"""How Strawberry's resolvers are called: whatever their parameters are named, in any shape."""

import asyncio
import functools
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, cast

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from tests.executor.cases.check import Case, both, check, error, table


@strawberry.enum
class Size(Enum):
    SMALL = 1
    LARGE = 2


class Service:
    """Its bound methods are resolvers."""

    def __init__(self, name: str) -> None:
        self.name = name

    def greet(self, root: Any, n: int = 1) -> str:
        return f"{self.name} greets {root.name} {n}"

    async def greet_later(self, root: Any) -> str:
        await asyncio.sleep(0)
        return f"{self.name} greets {root.name} later"


def of_root(root: Any, info: strawberry.Info, n: int = 2) -> str:
    return f"{root.name} {info.field_name} {n}"


def of_parent(n: int, given: strawberry.Parent[Any], told: strawberry.Info) -> str:
    return f"{given.name} {told.field_name} {n}"


def of_nothing() -> str:
    return "nothing"


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Count on nothing but the signature that `functools.wraps` passes on."""

    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return f"<{function(*args, **kwargs)}>"

    return around


class Mixed:
    """Plain Python, with a method that a type inherits and calls."""

    name: str

    def base(self) -> str:
        return f"base of {self.name}"


@strawberry.type
class Calls(Mixed):
    name: str = "c"
    of_root: str = strawberry.field(resolver=of_root)
    of_parent: str = strawberry.field(resolver=of_parent)
    of_nothing: str = strawberry.field(resolver=of_nothing)
    of_service: str = strawberry.field(resolver=Service("s").greet)
    of_service_later: str = strawberry.field(resolver=Service("s").greet_later)
    of_lambda: str = strawberry.field(resolver=lambda root: f"lambda {root.name}")

    @strawberry.field
    def self_info(self, info: strawberry.Info, n: int) -> str:
        return f"{self.name} {info.field_name} {n}"

    @strawberry.field
    def other_name(self, i: strawberry.Info) -> str:
        return f"{self.name} {i.path.key}"

    @strawberry.field
    def by_keyword(self, *, first: int = 5, second_word: str | None = None) -> str:
        return f"{first} {second_word}"

    @strawberry.field
    def renamed(
        self,
        from_: Annotated[int, strawberry.argument(name="from")],
        class_: Annotated[str, strawberry.argument(name="class")] = "k",
    ) -> str:
        return f"{from_} {class_}"

    @strawberry.field
    def python_default(self, text: str | None = strawberry.UNSET, n: int = 3) -> str:
        return f"{text!r} {n}"

    @strawberry.field
    def given(self, size: Size | None = None, sizes: list[Size] | None = None) -> str:
        return f"{size!r} {sizes!r}"

    @strawberry.field
    def changed(self, of: list[int], json: JSON | None = None) -> list[int]:
        of.append(9)
        if json is not None:
            cast("dict[str, Any]", json)["x"] = len(of)
        return of

    @strawberry.field
    def by_id(self, id: relay.GlobalID, ids: list[relay.GlobalID] | None = None) -> str:
        return f"{id.type_name} {id.node_id} {[each.node_id for each in ids or []]}"

    @strawberry.field
    def inherited(self) -> str:
        return super().base()

    @strawberry.field
    @wrapped
    def wrapped(self, n: int = 4) -> str:
        return f"wrapped {self.name} {n}"

    @strawberry.field
    async def later(self, n: int = 1) -> "Calls":
        await asyncio.sleep(0)
        return Calls(name=f"{self.name}{n}")

    @strawberry.field
    def promised(self, n: int = 1) -> "Calls":
        """Answer with an awaitable, without being `async`."""
        promise: Any = asyncio.ensure_future(asyncio.sleep(0, Calls(name=f"{self.name}{n}")))
        return promise  # type: ignore[no-any-return]

    @strawberry.field
    def many(self) -> list["Calls"]:
        return [Calls(name=name) for name in "xy"]

    @strawberry.field
    def tight(self, n: int) -> int:
        if n > 1:
            raise ValueError(f"{n} is too many")
        return n


SCHEMA = strawberry.Schema(Calls)
ID = relay.to_base64("Fruit", 7)


def told(name: str, query: str, data: Any, **variables: Any) -> Case:
    return Case(name, query, data, root=Calls, variables=variables)


@both
@table(
    told(
        "functions outside of the type",
        "{ ofRoot a: ofRoot(n: 5) ofParent(n: 1) ofNothing ofLambda }",
        {
            "ofRoot": "c ofRoot 2",
            "a": "c ofRoot 5",
            "ofParent": "c ofParent 1",
            "ofNothing": "nothing",
            "ofLambda": "lambda c",
        },
    ),
    told(
        "methods of something else",
        "{ ofService a: ofService(n: 2) ofServiceLater }",
        {"ofService": "s greets c 1", "a": "s greets c 2", "ofServiceLater": "s greets c later"},
    ),
    told(
        "self and info, by any name",
        "{ selfInfo(n: 1) a: otherName inherited wrapped w: wrapped(n: 0) }",
        {
            "selfInfo": "c selfInfo 1",
            "a": "c a",
            "inherited": "base of c",
            "wrapped": "<wrapped c 4>",
            "w": "<wrapped c 0>",
        },
    ),
    told(
        "by keyword",
        'query ($n: Int!) { byKeyword a: byKeyword(first: $n) b: byKeyword(secondWord: "w") }',
        {"byKeyword": "5 None", "a": "7 None", "b": "5 w"},
        n=7,
    ),
    told(
        "names that Python keeps for itself",
        'query ($f: Int!) { renamed(from: 1) a: renamed(from: $f, class: "x") }',
        {"renamed": "1 k", "a": "2 x"},
        f=2,
    ),
    told(
        "absent, null and given",
        """query ($t: String, $n: Int!) {
          pythonDefault a: pythonDefault(text: $t) b: pythonDefault(text: null)
          c: pythonDefault(text: "x", n: $n)
        }""",
        {"pythonDefault": "UNSET 3", "a": "UNSET 3", "b": "None 3", "c": "'x' 4"},
        n=4,
    ),
    told(
        "enumerations",
        """query ($s: Size, $l: [Size!]) {
          given a: given(size: SMALL, sizes: [LARGE]) b: given(size: $s, sizes: $l)
        }""",
        {
            "given": "None None",
            "a": "<Size.SMALL: 1> [<Size.LARGE: 2>]",
            "b": "<Size.LARGE: 2> [<Size.SMALL: 1>]",
        },
        s="LARGE",
        l=["SMALL"],
    ),
    told(
        "ids",
        "query ($i: ID!, $l: [ID!]) { byId(id: $i) a: byId(id: $i, ids: $l) }",
        {"byId": "Fruit 7 []", "a": "Fruit 7 ['7', '7']"},
        i=ID,
        l=[ID, ID],
    ),
    told(
        "arguments that a resolver changes",
        """query ($l: [Int!]!, $j: JSON) {
          a: changed(of: [1]) b: changed(of: [1], json: {x: 1}) c: changed(of: $l, json: $j)
          many { changed(of: [2]) }
        }""",
        {
            "a": [1, 9],
            "b": [1, 9],
            "c": [3, 9],
            "many": [{"changed": [2, 9]}, {"changed": [2, 9]}],
        },
        l=[3],
        j=None,
    ),
    told(
        "below what comes later",
        """{
          later { name later(n: 2) { ofService } promised { selfInfo(n: 3) } }
          promised(n: 5) { name ofServiceLater }
          many { later { name } }
        }""",
        {
            "later": {
                "name": "c1",
                "later": {"ofService": "s greets c12 1"},
                "promised": {"selfInfo": "c11 selfInfo 3"},
            },
            "promised": {"name": "c5", "ofServiceLater": "s greets c5 later"},
            "many": [{"later": {"name": "x1"}}, {"later": {"name": "y1"}}],
        },
    ),
)
async def test_calls(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


@both
@table(
    Case(
        "a resolver that raises",
        "query ($n: Int!) { a: many { tight(n: 1) } b: later { tight(n: $n) } }",
        None,
        (error("2 is too many", "b", "tight", at="tight#2"),),
        variables={"n": 2},
        root=Calls,
    ),
    Case(
        "an id that is none",
        "query ($i: ID!) { byId(id: $i) }",
        None,
        (error('Value cannot represent a GlobalID: "abc".', "byId"),),
        variables={"i": "abc"},
        root=Calls,
    ),
)
async def test_calls_that_fail(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)
