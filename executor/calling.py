"""Calling a Strawberry resolver without the layers that it doesn't use.

Strawberry wraps each resolver in functions for extensions, permissions and exception handlers, and
converts arguments by looking at their types anew each time. A field without any of these needs no
such function, and what its arguments are is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import strawberry
from graphql import GraphQLField, default_field_resolver
from strawberry.schema import compat
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField

DEFINITION = "strawberry-definition"
"""Where Strawberry keeps its own field in a GraphQLField's extensions."""

Convert = Callable[[Mapping[str, Any]], dict[str, Any]]


def declared_field(field: GraphQLField) -> StrawberryField | None:
    """Return Strawberry's declaration of a field; None if it is another library's."""
    declared = field.extensions.get(DEFINITION)
    return declared if isinstance(declared, StrawberryField) else None


def resolver_of(field: GraphQLField, schema: strawberry.Schema | None) -> Callable[..., Any]:
    """Return what resolves the field, called as graphql-core calls resolvers."""
    declared = declared_field(field)
    if schema is not None and declared is not None and _is_plain(declared, schema):
        return _direct(declared, schema)
    return field.resolve or default_field_resolver


def _is_plain(declared: StrawberryField, schema: strawberry.Schema) -> bool:
    """Tell whether nothing but the resolver takes part in resolving the field."""
    return (
        declared.base_resolver is not None
        and not declared.extensions
        and not declared.is_subscription
        and not schema.exception_handlers
        and type(declared).get_result is StrawberryField.get_result
    )


def _direct(declared: StrawberryField, schema: strawberry.Schema) -> Callable[..., Any]:
    resolver = declared.base_resolver
    assert resolver is not None
    function = cast("Callable[..., Any]", resolver.wrapped_func)
    convert = python_arguments(declared, schema)
    info_class = schema.config.info_class
    of_parent = [each.name for each in (resolver.parent_parameter, resolver.root_parameter) if each]
    info_name = resolver.info_parameter.name if resolver.info_parameter else ""

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        given = convert(arguments)
        for name in of_parent:
            given[name] = source
        if info_name:
            given[info_name] = info_class(_raw_info=info, _field=declared)
        return function(source, **given) if resolver.self_parameter else function(**given)

    return resolve


def python_arguments(declared: StrawberryField, schema: strawberry.Schema) -> Convert:
    """Return what turns GraphQL's arguments into those of the resolver, as Strawberry does it."""
    registry, config = schema.schema_converter.scalar_registry, schema.config
    declared_arguments = declared.arguments
    if not all(_stays_as_it_is(argument, registry) for argument in declared_arguments):
        return lambda given: convert_arguments(dict(given), declared_arguments, registry, config)
    names = [
        (config.name_converter.from_argument(each), each.python_name, _is_list(each))
        for each in declared_arguments
    ]

    def renamed(given: Mapping[str, Any]) -> dict[str, Any]:
        # Strawberry copies lists, since graphql-core gives the same default to every call.
        return {
            python_name: list(given[name]) if is_list and given[name] else given[name]
            for name, python_name, is_list in names
            if name in given
        }

    return renamed


def _stays_as_it_is(argument: StrawberryArgument, registry: Any) -> bool:
    """Tell whether Strawberry passes on what graphql-core has coerced, lists of leaves too."""
    type_: Any = argument.type
    if isinstance(type_, StrawberryMaybe):
        return False
    type_ = _named(type_)
    if isinstance(type_, StrawberryList):
        type_ = _named(type_.of_type)
    if type_ is strawberry.relay.GlobalID:
        return False
    is_enum = isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_)
    return is_enum or compat.is_scalar(type_, registry)


def _is_list(argument: StrawberryArgument) -> bool:
    return isinstance(_named(argument.type), StrawberryList)


def _named(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, StrawberryOptional) else type_
