"""Strawberry's enumerations and scalars: its own, Python's, and a project's."""

import datetime as dt
import uuid
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, NewType

import strawberry
from strawberry.scalars import JSON, Base64
from strawberry.schema.config import StrawberryConfig

from tests.executor.cases.check import Case, both, check, error, table


@strawberry.enum
class Colour(Enum):
    RED = "r"
    GREEN = strawberry.enum_value("g", name="LEAF")
    BLUE = 3


@strawberry.enum(name="Grade")
class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Plain(Enum):
    """Made an enumeration of the schema elsewhere."""

    ONE = 1


PlainEnum = strawberry.enum(Plain)
Fen = NewType("Fen", int)
FEN = strawberry.scalar(
    name="Fen",
    serialize=lambda value: f"{value / 100:.2f}",
    parse_value=lambda value: round(float(value) * 100),
)


def broken(value: Any) -> Any:
    raise ValueError(f"cannot write {value}")


Broken = NewType("Broken", str)
NOON = dt.datetime(2024, 2, 29, 12, 0, tzinfo=dt.UTC)


@strawberry.type
class Scalars:
    """Answers with what it was given."""

    @strawberry.field
    def colour(self, of: Colour = Colour.GREEN) -> Colour:
        assert isinstance(of, Colour)
        return of

    @strawberry.field
    def colours(self, of: list[Colour]) -> list[Colour | None]:
        return [*of, None]

    @strawberry.field
    def level(self, of: Level | None = Level.HIGH) -> Level | None:
        return of

    @strawberry.field
    def wrong_colour(self) -> Colour | None:
        return "r"  # type: ignore[return-value]

    @strawberry.field
    def plain(self) -> Plain:
        return Plain.ONE

    @strawberry.field
    def at(self, of: dt.datetime = NOON) -> dt.datetime:
        return of + dt.timedelta(minutes=1)

    @strawberry.field
    def day(self, of: dt.date) -> dt.date:
        return of + dt.timedelta(days=1)

    @strawberry.field
    def hour(self, of: dt.time) -> dt.time:
        return of.replace(hour=1)

    @strawberry.field
    def price(self, of: Decimal) -> Decimal:
        return of * 2

    @strawberry.field
    def key(self, of: uuid.UUID) -> uuid.UUID:
        return of

    @strawberry.field
    def id(self, of: strawberry.ID) -> strawberry.ID:
        return strawberry.ID(f"{of}!")

    @strawberry.field
    def json(self, of: JSON) -> JSON:
        return of

    @strawberry.field
    def base64(self, of: Base64) -> Base64:
        return Base64(of + b"!")

    @strawberry.field
    def fen(self, of: Fen) -> Fen:
        return Fen(of + 1)

    @strawberry.field
    def fens(self) -> list[Fen]:
        return [Fen(1), Fen(250)]

    @strawberry.field
    def broken(self) -> Broken | None:
        return Broken("it")

    @strawberry.field
    def void(self) -> None:
        """Answer with nothing."""

    @strawberry.field
    def number(self, of: float) -> int | None:
        return of  # type: ignore[return-value]


SCALARS = strawberry.Schema(
    Scalars,
    config=StrawberryConfig(
        scalar_map={Fen: FEN, Broken: strawberry.scalar(name="Broken", serialize=broken)}
    ),
)
KEY = "12345678-1234-5678-1234-567812345678"


@both
@table(
    Case(
        "enumerations",
        "{ colour a: colour(of: RED) colours(of: [LEAF, BLUE]) level b: level(of: LOW) plain }",
        {
            "colour": "LEAF",
            "a": "RED",
            "colours": ["LEAF", "BLUE", None],
            "level": "HIGH",
            "b": "LOW",
            "plain": "ONE",
        },
        root=Scalars,
    ),
    Case(
        "enumerations by variables",
        """query ($a: Colour!, $b: [Colour!]!, $c: Grade) {
          colour(of: $a) colours(of: $b) level(of: $c)
        }""",
        {"colour": "RED", "colours": ["LEAF", None], "level": None},
        variables={"a": "RED", "b": ["LEAF"], "c": None},
        root=Scalars,
    ),
    Case(
        "a value instead of a member",
        "{ wrongColour }",
        {"wrongColour": "RED"},
        root=Scalars,
    ),
    Case(
        "scalars of Python",
        f"""{{
          at a: at(of: "2024-01-01T00:00:00+08:00") day(of: "2024-02-28") hour(of: "10:30:00")
          price(of: "1.25") key(of: "{KEY}") id(of: 5) void
        }}""",
        {
            "at": "2024-02-29T12:01:00+00:00",
            "a": "2024-01-01T00:01:00+08:00",
            "day": "2024-02-29",
            "hour": "01:30:00",
            "price": "2.50",
            "key": KEY,
            "id": "5!",
            "void": None,
        },
        root=Scalars,
    ),
    Case(
        "scalars of Strawberry and of one's own",
        '{ json(of: {a: [1, null]}) base64(of: "YQ==") fen(of: "1.50") fens }',
        {
            "json": {"a": [1, None]},
            "base64": "YSE=",
            "fen": "1.51",
            "fens": ["0.01", "2.50"],
        },
        root=Scalars,
    ),
    Case(
        "scalars by variables",
        """query ($at: DateTime!, $json: JSON!, $fen: Fen!) {
          at(of: $at) json(of: $json) fen(of: $fen)
        }""",
        {"at": "2024-01-01T00:01:00+00:00", "json": [{"a": 1}], "fen": "2.01"},
        variables={"at": "2024-01-01T00:00:00Z", "json": [{"a": 1}], "fen": "2"},
        root=Scalars,
    ),
    Case(
        "a scalar that can't be written",
        "{ broken void }",
        {"broken": None, "void": None},
        (error("cannot write it", "broken"),),
        root=Scalars,
    ),
    Case(
        "a number that isn't whole",
        "{ a: number(of: 1.5) b: number(of: 2.0) }",
        {"a": None, "b": 2},
        (error("Int cannot represent non-integer value: 1.5", "a"),),
        root=Scalars,
    ),
)
async def test_leaves(case: Case, compiles: bool) -> None:
    await check(SCALARS, case, compiles=compiles)
