"""Strawberry's types: unions, interfaces, generics, lazy types, enumerations, scalars, relay."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Self, TypeVar

import strawberry
from strawberry import relay

from tests.executor.cases.check import Case, both, check, error, table
from tests.executor.cases.lazily import Author

T = TypeVar("T")


@strawberry.interface
class Named:
    name: str

    @strawberry.field
    def greeting(self) -> str:
        return f"I am {self.name}"


@strawberry.interface
class Pet(Named):
    legs: int = 4


@strawberry.type
class Dog(Pet):
    barks: bool = True


@strawberry.type
class Cat(Pet):
    @strawberry.field
    def greeting(self) -> str:
        return f"{self.name} says nothing"


@strawberry.type
class Stone:
    weight: int


@dataclass
class Row:
    """What a database might give: no type of the schema."""

    name: str
    legs: int = 3
    barks: bool = False


class Puppy(Dog):
    """A subclass that Strawberry hasn't met."""


@strawberry.type
class Told:
    """Knows its own by a mark on the row."""

    name: str

    @classmethod
    def is_type_of(cls, value: Any, info: strawberry.Info) -> bool:
        return info.field_name == "told" and isinstance(value, Row) and value.legs == 0


@strawberry.type
class OtherTold:
    name: str

    @classmethod
    def is_type_of(cls, value: Any, info: strawberry.Info) -> bool:
        return info.field_name == "told" and isinstance(value, Row) and value.legs > 0


@strawberry.type
class Edge(Generic[T]):
    node: T
    cursor: str = "c"


@strawberry.type
class Page(Generic[T]):
    edges: list[Edge[T]]

    @strawberry.field
    def total(self) -> int:
        return len(self.edges)


@strawberry.type
class Book:
    title: str
    author: Annotated["Author", strawberry.lazy("tests.executor.cases.lazily")]


@strawberry.type
class Query:
    @strawberry.field
    def named(self, kind: str) -> Named:
        return made(kind)  # type: ignore[no-any-return]

    @strawberry.field
    def pets(self) -> list[Pet | None]:
        return [Dog(name="Odie"), None, Cat(name="Garfield", legs=3), Puppy(name="Pup")]

    @strawberry.field
    async def things(self) -> list[Dog | Stone | Cat]:
        return [Stone(weight=5), Dog(name="Odie"), Cat(name="Garfield")]

    @strawberry.field
    def thing(self, kind: str) -> Annotated[Dog | Stone, strawberry.union("Thing")] | None:
        return made(kind)  # type: ignore[no-any-return]

    @strawberry.field
    def told(self, legs: int) -> Annotated[Told | OtherTold, strawberry.union("AnyTold")]:
        return Row(name="row", legs=legs)  # type: ignore[return-value]

    @strawberry.field
    def page(self) -> Page[Dog]:
        return Page(edges=[Edge(node=Dog(name="Odie")), Edge(node=Dog(name="Pluto"), cursor="d")])

    @strawberry.field
    def numbers(self) -> Page[int]:
        return Page(edges=[Edge(node=1), Edge(node=2)])

    @strawberry.field
    def either(self, of: str) -> Edge[int] | Edge[Dog]:
        return Edge(node=1) if of == "int" else Edge(node=Dog(name="Odie"))

    @strawberry.field
    def book(self) -> Book:
        return Book(title="T", author=Author(name="Ann"))

    @strawberry.field
    def row(self) -> Stone:
        return Row(name="no stone")  # type: ignore[return-value]


def made(kind: str) -> Any:
    """Return a value of one kind or another, some of them wrong."""
    row = Row(name="row")
    match kind:
        case "Dog" | "Cat" | "Puppy":
            return {"Dog": Dog, "Cat": Cat, "Puppy": Puppy}[kind](name=kind)
        case "Stone":
            return Stone(weight=1)
        case "cast to Dog":
            return strawberry.cast(Dog, row)
        case "cast to Stone":
            return strawberry.cast(Stone, row)
    return row


TYPES = strawberry.Schema(Query, types=[Dog, Cat])


@both
@table(
    Case(
        "an interface by the class of its value",
        """{
          a: named(kind: "Dog") { ...N }
          b: named(kind: "Cat") { ...N }
          c: named(kind: "Puppy") { ...N }
        }
        fragment N on Named {
          __typename name greeting ... on Pet { legs } ... on Dog { barks }
        }""",
        {
            key: {
                "__typename": type_,
                "name": name,
                "greeting": greeting,
                "legs": 4,
                **({"barks": True} if type_ == "Dog" else {}),
            }
            for key, type_, name, greeting in (
                ("a", "Dog", "Dog", "I am Dog"),
                ("b", "Cat", "Cat", "Cat says nothing"),
                ("c", "Dog", "Puppy", "I am Puppy"),
            )
        },
        root=Query,
    ),
    Case(
        "a value cast to a type",
        '{ named(kind: "cast to Dog") { __typename name legs: __typename ... on Dog { barks } } }',
        {"named": {"__typename": "Dog", "name": "row", "legs": "Dog", "barks": False}},
        root=Query,
    ),
    Case(
        "a list of an interface",
        "{ pets { __typename name legs greeting } }",
        {
            "pets": [
                {"__typename": "Dog", "name": "Odie", "legs": 4, "greeting": "I am Odie"},
                None,
                {
                    "__typename": "Cat",
                    "name": "Garfield",
                    "legs": 3,
                    "greeting": "Garfield says nothing",
                },
                {"__typename": "Dog", "name": "Pup", "legs": 4, "greeting": "I am Pup"},
            ]
        },
        root=Query,
    ),
    Case(
        "a list of a union",
        """{ things {
          __typename ... on Stone { weight } ... on Named { name } ... on Dog { barks }
        } }""",
        {
            "things": [
                {"__typename": "Stone", "weight": 5},
                {"__typename": "Dog", "name": "Odie", "barks": True},
                {"__typename": "Cat", "name": "Garfield"},
            ]
        },
        root=Query,
    ),
    Case(
        "a union of one object",
        """{
          a: thing(kind: "Dog") { ... on Dog { name } }
          b: thing(kind: "Stone") { ... on Stone { weight } }
        }""",
        {"a": {"name": "Dog"}, "b": {"weight": 1}},
        root=Query,
    ),
    Case(
        "types that tell their own",
        "{ a: told(legs: 0) { __typename ... on Told { name } } b: told(legs: 2) { __typename } }",
        {"a": {"__typename": "Told", "name": "row"}, "b": {"__typename": "OtherTold"}},
        root=Query,
    ),
    Case(
        "generic types",
        "{ page { total edges { cursor node { name barks } } } numbers { total edges { node } } }",
        {
            "page": {
                "total": 2,
                "edges": [
                    {"cursor": "c", "node": {"name": "Odie", "barks": True}},
                    {"cursor": "d", "node": {"name": "Pluto", "barks": True}},
                ],
            },
            "numbers": {"total": 2, "edges": [{"node": 1}, {"node": 2}]},
        },
        root=Query,
    ),
    Case(
        "a union of generic types",
        """{
          a: either(of: "int") { ...E } b: either(of: "Dog") { ...E }
        }
        fragment E on IntEdgeDogEdge {
          __typename ... on IntEdge { number: node } ... on DogEdge { node { name } }
        }""",
        {
            "a": {"__typename": "IntEdge", "number": 1},
            "b": {"__typename": "DogEdge", "node": {"name": "Odie"}},
        },
        root=Query,
    ),
    Case(
        "types of another module, round in a circle",
        "{ book { title author { name books { title author { name } } } } }",
        {
            "book": {
                "title": "T",
                "author": {
                    "name": "Ann",
                    "books": [{"title": "Ann's", "author": {"name": "Ann"}}],
                },
            }
        },
        root=Query,
    ),
    Case(
        "an object is read, whatever its class",
        "{ row { __typename } }",
        {"row": {"__typename": "Stone"}},
        root=Query,
    ),
)
async def test_types_of_objects(case: Case, compiles: bool) -> None:
    await check(TYPES, case, compiles=compiles)


NO_TYPE = (
    "Abstract type 'Named' must resolve to an Object type at runtime for field 'Query.named'."
    " Either the 'Named' type should provide a 'resolve_type' function or each possible type"
    " should provide an 'is_type_of' function."
)


@both
@table(
    Case(
        "a row that no type of an interface knows",
        '{ named(kind: "row") { name } }',
        None,
        (error(NO_TYPE, "named"),),
        root=Query,
    ),
    Case(
        "a cast to a type outside of the interface",
        '{ named(kind: "cast to Stone") { name } }',
        None,
        (error(NO_TYPE, "named"),),
        root=Query,
    ),
    Case(
        "an attribute that isn't there",
        "{ row { weight } }",
        None,
        (error("'Row' object has no attribute 'weight'", "row", "weight"),),
        root=Query,
    ),
)
async def test_types_that_cannot_be_found(case: Case, compiles: bool) -> None:
    await check(TYPES, case, compiles=compiles)


# Relay.


FRUITS = ("apple", "banana", "cherry", "date")


@strawberry.type
class Fruit(relay.Node):
    code: relay.NodeID[int]
    name: str

    @classmethod
    def resolve_nodes(  # type: ignore[override]  # One signature does for its three overloads.
        cls, *, info: strawberry.Info, node_ids: Iterable[str], required: bool = False
    ) -> list[Self | None]:
        assert info.schema is RELAY
        assert not required
        return [cls.numbered(int(code)) for code in node_ids]

    @classmethod
    def numbered(cls, code: int) -> Self | None:
        return cls(code=code, name=FRUITS[code]) if code < len(FRUITS) else None


@strawberry.type
class RelayQuery:
    node: relay.Node | None = relay.node()
    nodes: list[relay.Node | None] = relay.node()

    @relay.connection(relay.ListConnection[Fruit])
    def fruits(self) -> Iterable[Fruit]:
        return [Fruit(code=code, name=name) for code, name in enumerate(FRUITS)]


RELAY = strawberry.Schema(RelayQuery)


def id_of(code: int) -> str:
    return relay.to_base64("Fruit", code)


def cursor(code: int) -> str:
    return relay.to_base64("arrayconnection", code)


@both
@table(
    Case(
        "a node by its id",
        "query ($id: ID!) { node(id: $id) { __typename id ... on Fruit { name } } }",
        {"node": {"__typename": "Fruit", "id": id_of(1), "name": "banana"}},
        variables={"id": id_of(1)},
        root=RelayQuery,
    ),
    Case(
        "several, and one that isn't there",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Fruit { name } } }",
        {"nodes": [{"id": id_of(3), "name": "date"}, {"id": id_of(0), "name": "apple"}, None]},
        variables={"ids": [id_of(3), id_of(0), id_of(9)]},
        root=RelayQuery,
    ),
    Case(
        "a connection",
        """query ($first: Int, $after: String) { fruits(first: $first, after: $after) {
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
          edges { cursor node { id name } }
        } }""",
        {
            "fruits": {
                "pageInfo": {
                    "hasNextPage": True,
                    "hasPreviousPage": True,
                    "startCursor": cursor(1),
                    "endCursor": cursor(2),
                },
                "edges": [
                    {"cursor": cursor(code), "node": {"id": id_of(code), "name": FRUITS[code]}}
                    for code in (1, 2)
                ],
            }
        },
        variables={"first": 2, "after": cursor(0)},
        root=RelayQuery,
    ),
    Case(
        "a page that is too long",
        "{ fruits(first: 1000) { edges { cursor } } }",
        None,
        (error("Argument 'first' cannot be higher than 100.", "fruits"),),
        root=RelayQuery,
    ),
)
async def test_relay(case: Case, compiles: bool) -> None:
    await check(RELAY, case, compiles=compiles)
