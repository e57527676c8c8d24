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
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.field import StrawberryField

from executor.inputs import NotPlain, input_conversion

DEFINITION = "strawberry-definition"
"""Where Strawberry keeps its own field in a GraphQLField's extensions."""

Convert = Callable[[Mapping[str, Any]], dict[str, Any]]
_ConvertOne = Callable[[Any], Any]


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
    config = schema.config
    conversions = [
        (config.name_converter.from_argument(each), each.python_name, _conversion(each, schema))
        for each in declared.arguments
    ]

    def converted(given: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, python_name, convert in conversions:
            if name in given:
                value = given[name]
                found[python_name] = value if convert is None else convert(value)
        return found

    return converted


def _conversion(argument: StrawberryArgument, schema: strawberry.Schema) -> _ConvertOne | None:
    """Return what Strawberry does to a value; None where it passes it on."""
    try:
        return input_conversion(argument.type, schema)
    except NotPlain:
        return _by_strawberry(argument, schema)


def _by_strawberry(argument: StrawberryArgument, schema: strawberry.Schema) -> _ConvertOne:
    registry, config = schema.schema_converter.scalar_registry, schema.config
    path = (config.name_converter.from_argument(argument),)

    def convert(value: Any) -> Any:
        return convert_argument(value, argument.type, registry, config, path=path)

    return convert
