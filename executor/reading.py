"""How the value of a field is read from its parent."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLField
from strawberry.types.field import StrawberryField

from executor.calling import declared_field, resolver_of
from executor.fields import (
    Ahead,
    BatchFunction,
    Item,
    Needs,
    ahead_of,
    batch_of,
    derivation_of,
    item_of,
)


class How(Enum):
    """The ways to a field's value, cheapest first."""

    TYPENAME = "the type's name"
    ATTRIBUTE = "an attribute of the parent"
    ITEM = "an item of the parent, or of a row that it holds"
    FUNCTION = "a function of the parent alone"
    DERIVED = "a function of the parent and the context"
    BATCH = "a function of all parents of a level"
    RESOLVER = "the field's resolver, as graphql-core calls it"


@dataclass(frozen=True, slots=True)
class Reading:
    """How one field is read; what else is needed stands beside it.

    `attribute` is for ATTRIBUTE; `item` for ITEM; `function` for those below; `needs` is what has
    to be fetched before a DERIVED value is computed, `ahead` what is called before a BATCH.
    """

    how: How
    attribute: str = ""
    item: Item | None = None
    function: Callable[..., Any] | BatchFunction | None = None
    declared: StrawberryField | None = None
    needs: Needs | None = None
    ahead: Ahead | None = None


def reading_of(field: GraphQLField, schema: strawberry.Schema | None) -> Reading:
    """Return the cheapest way that gives what graphql-core would get."""
    declared = declared_field(field)
    if schema is None or declared is None or schema.exception_handlers:
        return called(field, schema)
    if declared.is_basic_field and declared.default_resolver is getattr:
        return Reading(How.ATTRIBUTE, attribute=declared.python_name)
    if not declared.extensions:
        batch = batch_of(declared)
        if batch is not None:
            return Reading(How.BATCH, function=batch, declared=declared, ahead=ahead_of(declared))
        item = item_of(declared)
        if item is not None:
            return Reading(How.ITEM, item=item)
        derivation = derivation_of(declared)
        if derivation is not None:
            return Reading(How.DERIVED, function=derivation.function, needs=derivation.needs)
        function = function_of_parent(declared)
        if function is not None:
            return Reading(How.FUNCTION, function=function)
    return called(field, schema)


def called(field: GraphQLField, schema: strawberry.Schema | None) -> Reading:
    """Return the reading that always holds: by the field's resolver."""
    return Reading(How.RESOLVER, function=resolver_of(field, schema))


def function_of_parent(declared: StrawberryField) -> Callable[[Any], Any] | None:
    """Return the resolver when it takes its parent and nothing else, and doesn't wait."""
    resolver = declared.base_resolver
    if resolver is None or resolver.is_async or declared.is_subscription:
        return None
    function = resolver.wrapped_func
    if not inspect.isfunction(function) or inspect.isgeneratorfunction(function):
        return None
    parameters = list(resolver.signature.parameters.values())
    if len(parameters) != 1 or parameters[0].kind is not parameters[0].POSITIONAL_OR_KEYWORD:
        return None
    of_parent = (resolver.self_parameter, resolver.root_parameter, resolver.parent_parameter)
    return function if parameters[0] in of_parent else None
