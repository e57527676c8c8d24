"""How each field is read: the cheapest way that gives what graphql-core would get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import strawberry
from graphql import GraphQLField, GraphQLString
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from executor.fields import BatchInfo, batched, derived, item
from executor.reading import How, reading_of


class Traced(FieldExtension):
    """Stands around a field."""


class Anyone(BasePermission):
    """Lets everybody pass."""

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return True


def free(root: Any) -> str:
    return "free"


def given(parent: strawberry.Parent[Any]) -> str:
    return "given"


def nobodys() -> str:
    return "nobody's"


def told(root: Any, info: strawberry.Info) -> str:
    return info.field_name


async def fetch(things: Sequence[Any], info: BatchInfo) -> list[str]:
    return [info.field_name for _ in things]


@strawberry.type
class NotFound:
    key: str


class Lookups(strawberry.ExceptionHandler[LookupError, NotFound]):
    """Turns errors into values, which a field could have to answer with."""

    def handle(self, exception: LookupError, *, field: Any, info: Any) -> None:
        return None


@strawberry.type
class Thing:
    attribute: str
    renamed: str = strawberry.field(name="otherName", default="")
    in_row: str = item("name", of="row")
    in_itself: str = item(0, convert=str)
    of_context: str = derived(lambda _thing, context: str(context))
    of_root: str = strawberry.field(resolver=free)
    of_parent: str = strawberry.field(resolver=given)
    of_nobody: str = strawberry.field(resolver=nobodys)
    of_info: str = strawberry.field(resolver=told)
    traced: str = strawberry.field(extensions=[Traced()], default="")
    guarded: str = strawberry.field(permission_classes=[Anyone], default="")
    row: strawberry.Private[Any] = None

    @strawberry.field
    def of_self(self) -> str:
        return "self"

    @strawberry.field
    def with_argument(self, n: int = 1) -> str:
        return str(n)

    @strawberry.field
    async def later(self) -> str:
        return "later"

    @strawberry.field
    def generated(self) -> list[str]:  # type: ignore[misc]  # Strawberry lists it.
        yield "one"

    @strawberry.field(permission_classes=[Anyone])
    def guarded_method(self) -> str:
        return "self"

    fetched = batched()(fetch)
    guarded_batch = batched(permission_classes=[Anyone])(fetch)


@strawberry.type
class Query:
    thing: Thing


SCHEMA = strawberry.Schema(Query)
FIELDS: dict[str, GraphQLField] = SCHEMA._schema.type_map["Thing"].fields  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("attribute", How.ATTRIBUTE),
        ("otherName", How.ATTRIBUTE),
        ("inRow", How.ITEM),
        ("inItself", How.ITEM),
        ("ofContext", How.DERIVED),
        ("ofSelf", How.FUNCTION),
        ("ofRoot", How.FUNCTION),
        ("ofParent", How.FUNCTION),
        ("fetched", How.BATCH),
        ("ofNobody", How.RESOLVER),
        ("ofInfo", How.RESOLVER),
        ("withArgument", How.RESOLVER),
        ("later", How.RESOLVER),
        ("generated", How.RESOLVER),
        ("traced", How.RESOLVER),
        ("guarded", How.RESOLVER),
        ("guardedMethod", How.RESOLVER),
        ("guardedBatch", How.RESOLVER),
    ],
)
def test_the_cheapest_way_is_chosen(name: str, how: How) -> None:
    assert reading_of(FIELDS[name], SCHEMA).how is how


def test_every_field_of_the_type_is_looked_at() -> None:
    here = test_the_cheapest_way_is_chosen.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name for name, _ in here} == set(FIELDS)


def test_what_stands_beside_a_way() -> None:
    assert reading_of(FIELDS["otherName"], SCHEMA).attribute == "renamed"
    place = reading_of(FIELDS["inRow"], SCHEMA).item
    assert place is not None
    assert (place.key, place.of, place.convert) == ("name", "row", None)
    function: Any = reading_of(FIELDS["ofSelf"], SCHEMA).function
    assert function(None) == "self"
    batch = reading_of(FIELDS["fetched"], SCHEMA)
    assert batch.function is fetch
    assert batch.declared is not None
    assert batch.declared.python_name == "fetched"


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_where_more_takes_part_the_resolver_is_called(name: str) -> None:
    """Exception handlers, a default resolver of one's own, a schema of another library."""
    field = FIELDS[name]
    handled = strawberry.Schema(Query, exception_handlers=[Lookups()])
    own = handled._schema.type_map["Thing"].fields[name]  # type: ignore[attr-defined]
    assert reading_of(own, handled).how is How.RESOLVER
    assert reading_of(field, None).how is How.RESOLVER
    assert reading_of(GraphQLField(GraphQLString), SCHEMA).how is How.RESOLVER


def test_a_default_resolver_of_ones_own_is_called() -> None:
    config = StrawberryConfig(default_resolver=lambda source, name: source[name])
    schema = strawberry.Schema(Query, config=config)
    fields = schema._schema.type_map["Thing"].fields  # type: ignore[attr-defined]
    assert reading_of(fields["attribute"], schema).how is How.RESOLVER
    assert reading_of(fields["inRow"], schema).how is How.ITEM
