"""Which operations everybody may share, by the hints on the schema's fields."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    parse,
    validate,
)
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission

from executor.fields import BatchInfo, batched, item
from executor.hints import (
    NotShared,
    Policy,
    policy_of,
    private,
    public,
    shared_policy,
    signed_in,
)


class Nobody(BasePermission):
    """Lets nobody through."""

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return False


class Traced(FieldExtension):
    """Does nothing, but the library can't know."""


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Maker(Named):
    name: str = strawberry.field(metadata=public("makers", seconds=20))
    address: str = strawberry.field(metadata=private())


@strawberry.type
class Sku:
    code: str
    stock: int = strawberry.field(metadata=public("stock", seconds=5))


@strawberry.type
class Product(Named):
    name: str
    sold: int = strawberry.field(metadata=private())
    traced: int = strawberry.field(extensions=[Traced()], default=1)
    guarded: int = strawberry.field(permission_classes=[Nobody], default=1)
    first_sku: Sku | None = None
    code: str = item("code", of="row")
    row: strawberry.Private[Any] = None

    @strawberry.field(metadata=public("skus", seconds=60))
    def skus(self) -> list[Sku]:
        return []

    @strawberry.field(metadata=public())
    def label(self) -> str:
        return self.name.upper()

    @strawberry.field
    def initial(self) -> str:
        return self.name[0]

    @strawberry.field
    async def price(self) -> int:
        return 1

    @strawberry.field
    def near(self, place: str = "") -> bool:
        return bool(place)

    @strawberry.field
    def asked_by(self, info: strawberry.Info) -> str:
        return str(info.context)

    @batched(metadata=public("reviews", seconds=7))
    @staticmethod
    async def reviews(products: list[Product], _info: BatchInfo) -> list[int]:
        return [0 for _ in products]

    @batched()
    @staticmethod
    async def visits(products: list[Product], _info: BatchInfo) -> list[int]:
        return [0 for _ in products]

    @strawberry.field(metadata=public())
    def query(self) -> Query:
        return Query()


@strawberry.type
class Member:
    name: str

    @strawberry.field
    def points(self) -> int:
        return 1


@strawberry.type
class Query:
    unhinted: str = "x"

    @strawberry.field(metadata=public("products", seconds=30, private_arguments=["near"]))
    def products(self, near: str | None = None, first: int = 1) -> list[Product]:
        return []

    @strawberry.field(metadata=public("names", seconds=40))
    def names(self) -> list[Named]:
        return []

    @strawberry.field(metadata=public("things", seconds=40))
    def things(self) -> list[Product | Maker]:
        return []

    @strawberry.field(metadata=public())
    def boundless(self) -> str:
        return "x"

    @strawberry.field(metadata=private())
    def secret(self) -> str:
        return "x"

    @strawberry.field(metadata=signed_in())
    def me(self) -> Member | None:
        return None


@strawberry.type
class Mutation:
    @strawberry.mutation(metadata=public("products", seconds=30))
    def sell(self) -> str:
        return "x"


SCHEMA = strawberry.Schema(Query, Mutation, types=[Maker, Product])._schema


def parsed(
    document: str, schema: GraphQLSchema = SCHEMA
) -> tuple[GraphQLSchema, DocumentNode, OperationDefinitionNode]:
    """Parse a document of one operation, as `policy_of` takes it."""
    tree = parse(document)
    assert validate(schema, tree) == []
    [operation] = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    return schema, tree, operation


def policy(document: str, schema: GraphQLSchema = SCHEMA) -> Policy | None:
    """Return the policy of a document's only operation."""
    return policy_of(*parsed(document, schema))


def of_products(selected: str) -> Policy | None:
    """Return the policy of a query for these fields of products."""
    return policy("{ products { " + selected + " } }")


PRODUCTS = Policy(30, ("products",))


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        ("name", PRODUCTS),
        ("__typename", PRODUCTS),
        ("label", PRODUCTS),
        ("initial", PRODUCTS),
        ("code", PRODUCTS),
        ("skus { code }", Policy(30, ("products", "skus"))),
        ("skus { code stock }", Policy(5, ("products", "skus", "stock"))),
        ("firstSku { code }", PRODUCTS),
        ("firstSku { stock }", Policy(5, ("products", "stock"))),
        ("reviews", Policy(7, ("products", "reviews"))),
    ],
)
def test_the_fewest_seconds_and_all_tags_hold(selected: str, expected: Policy) -> None:
    assert of_products(selected) == expected


@pytest.mark.parametrize(
    "selected", ["sold", "price", "near", "askedBy", "visits", "traced", "guarded"]
)
def test_private_fields_and_resolvers_without_a_hint_are_not_shared(selected: str) -> None:
    assert of_products("name " + selected) is None


@pytest.mark.parametrize(
    "document",
    [
        "{ unhinted }",
        "{ secret }",
        "{ products { name } unhinted }",
        "{ products { name } secret }",
        "{ __schema { types { name } } }",
        '{ products { name } __type(name: "Query") { name } }',
        "mutation { sell }",
    ],
)
def test_root_fields_are_not_shared_unless_they_say_so(document: str) -> None:
    assert policy(document) is None


def test_somebody_has_to_set_a_limit() -> None:
    assert policy("{ boundless }") is None
    assert policy("{ __typename }") is None
    assert policy("{ me { name } }") is None
    assert policy("{ boundless __typename products { name } }") == PRODUCTS


def test_an_argument_can_keep_an_operation_private() -> None:
    assert policy("{ products(first: 2) { name } }") == PRODUCTS
    assert policy('{ products(near: "here") { name } }') is None
    assert policy("query ($near: String) { products(near: $near) { name } }") is None


def test_what_is_for_members_is_null_and_what_is_below_it_is_not_looked_at() -> None:
    expected = Policy(30, ("products",), absent=("me", "viewer"))
    assert policy("{ products { name } me { points } viewer: me { name } }") == expected
    document = "{ products { name } ...M } fragment M on Query { me { points } }"
    assert policy(document) == Policy(30, ("products",), absent=("me",))


def test_the_query_type_below_the_root_is_judged_as_a_root() -> None:
    assert policy("{ products { query { products { name } } } }") == PRODUCTS
    assert policy("{ products { query { unhinted } } }") is None
    # Whether it is null could not be told from the answer's first level.
    assert policy("{ products { query { me { name } } } }") is None


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ products { ...F } } fragment F on Product { name }", PRODUCTS),
        ("{ products { ...F } } fragment F on Product { name sold }", None),
        ("{ products { ... on Product { label } ... { name } } }", PRODUCTS),
        ("{ products { ... { price } } }", None),
        ("{ ...R } fragment R on Query { products { name } }", PRODUCTS),
        ("{ ...R } fragment R on Query { products { name } unhinted }", None),
    ],
)
def test_fragments_count_where_they_are_spread(document: str, expected: Policy | None) -> None:
    assert policy(document) == expected


def test_conditions_are_not_looked_at() -> None:
    document = "query ($all: Boolean!) { products { name sold @include(if: $all) } }"
    assert policy(document) is None
    assert policy("{ products { name firstSku @skip(if: true) { stock } } }") == Policy(
        5, ("products", "stock")
    )


def test_a_field_of_an_interface_is_as_public_as_the_least_public_behind_it() -> None:
    assert policy("{ names { __typename } }") == Policy(40, ("names",))
    assert policy("{ names { name } }") == Policy(20, ("makers", "names"))
    assert policy("{ names { ... on Product { name } } }") == Policy(40, ("names",))
    assert policy("{ names { ... on Maker { address } } }") is None


def test_unions() -> None:
    assert policy("{ things { __typename ... on Product { name } } }") == Policy(40, ("things",))
    assert policy("{ things { ... on Maker { name } } }") == Policy(20, ("makers", "things"))
    assert policy("{ things { ... on Product { price } } }") is None


def test_a_chain_of_doubled_fragments_is_walked_once() -> None:
    chain = "".join(
        f"fragment F{i} on Product {{ ...F{i + 1} ...F{i + 1} }} " for i in range(2_000)
    )
    # Each spreads the next twice: 2 ** 2000 ways to the last.
    tree = parse(chain + "{ products { ...F0 } } fragment F2000 on Product { label }")
    [operation] = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    assert policy_of(SCHEMA, tree, operation) == PRODUCTS


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("mutation { sell }", "It is no query."),
        ("{ boundless }", "No field says for how many seconds."),
        ("{ __schema { types { name } } }", "It asks for the schema."),
        ("{ unhinted }", "Query.unhinted doesn't say that it is public."),
        ("{ secret }", "Query.secret is private."),
        (
            "{ products { ... on Product { visits } } }",
            "Product.visits doesn't say that it is public.",
        ),
        ("{ names { ... on Maker { address } } }", "Maker.address is private."),
        ('{ products(near: "here") { name } }', "Query.products is private with `near`."),
        (
            "{ products { query { me { name } } } }",
            "Query.me is for who is signed in, and not a nullable field of the operation itself.",
        ),
    ],
)
def test_the_field_that_keeps_an_operation_private_is_named(document: str, reason: str) -> None:
    with pytest.raises(NotShared) as caught:
        shared_policy(*parsed(document))
    assert str(caught.value) == reason


def test_a_second_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="one second"):
        public("products", seconds=0)


def _plain_schema() -> GraphQLSchema:
    def nothing(*_: Any) -> None:
        return None

    shop = GraphQLObjectType(
        "Shop",
        {
            "name": GraphQLField(GraphQLString),
            "visits": GraphQLField(GraphQLInt, resolve=nothing),
            "now": GraphQLField(GraphQLString, extensions=private()),
            "open": GraphQLField(GraphQLString, resolve=nothing, extensions=public(seconds=3)),
        },
    )
    return GraphQLSchema(
        GraphQLObjectType(
            "Query",
            {
                "shop": GraphQLField(shop, resolve=nothing, extensions=public("s", seconds=9)),
                "bare": GraphQLField(shop),
                "mine": GraphQLField(GraphQLNonNull(shop), extensions=signed_in()),
            },
        )
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ shop { name } }", Policy(9, ("s",))),
        ("{ shop { name open } }", Policy(3, ("s",))),
        ("{ shop { visits } }", None),
        ("{ shop { now } }", None),
        ("{ bare { name } }", None),
        ("{ shop { name } mine { name } }", None),  # It can't be null.
    ],
)
def test_plain_schemas_carry_hints_as_extensions(document: str, expected: Policy | None) -> None:
    assert policy(document, _plain_schema()) == expected
