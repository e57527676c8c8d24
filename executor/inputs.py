"""What Strawberry makes of the values of arguments, worked out once for each type.

Its own `convert_argument` looks at types and names anew for each value. What it does with input
objects, lists and leaves depends on nothing but the declarations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

import strawberry
from strawberry.schema import compat
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

Conversion = Callable[[Any], Any]


class NotPlain(Exception):
    """A type whose values are Strawberry's to convert: it builds its own, or wants their place."""


def input_conversion(type_: Any, schema: strawberry.Schema) -> Conversion | None:
    """Return what `convert_argument` does to values of a type; None where it passes them on.

    Raises:
        NotPlain: the type has to be left to Strawberry.
    """
    return _Inputs(schema).conversion(type_)


class _Inputs:
    """Conversions of one schema's input types; a type may refer to itself."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._registry = schema.schema_converter.scalar_registry
        self._names = schema.config.name_converter
        self._objects: dict[Any, _InputObject] = {}

    def conversion(self, type_: Any) -> Conversion | None:
        if isinstance(type_, StrawberryMaybe):
            raise NotPlain
        if isinstance(type_, StrawberryOptional):
            return self.conversion(type_.of_type)
        if isinstance(type_, StrawberryList):
            return _list_of(self.conversion(type_.of_type))
        if type_ is strawberry.relay.GlobalID:
            raise NotPlain
        if isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_):
            return None
        if compat.is_scalar(type_, self._registry):
            return None
        if isinstance(type_, LazyType):
            return self.conversion(type_.resolve_type())
        if not has_object_definition(type_):
            raise NotPlain
        return self._object(type_)

    def _object(self, type_: Any) -> Conversion:
        known = self._objects.get(type_)
        if known is None:
            definition: StrawberryObjectDefinition = type_.__strawberry_definition__
            if definition.from_input is not None or not definition.is_input:
                raise NotPlain
            known = self._objects[type_] = _InputObject(type_)
            for field in definition.fields:
                name = self._names.from_field(field)
                has_default = field.default_value is not MISSING
                if not has_default and field.default_factory is MISSING:
                    known.absent[field.python_name] = None
                convert = self.conversion(field.resolve_type(type_definition=definition))
                known.fields.append((name, field.python_name, convert))
        return known


class _InputObject:
    """Makes instances of an input type; a field without a default is None where it isn't given."""

    __slots__ = ("_type", "absent", "fields")

    def __init__(self, type_: Callable[..., Any]) -> None:
        self._type = type_
        self.absent: dict[str, None] = {}
        self.fields: list[tuple[str, str, Conversion | None]] = []

    def __call__(self, value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        given: dict[str, Any] = dict(self.absent)
        for name, python_name, convert in self.fields:
            if name in value:
                each = value[name]
                given[python_name] = each if convert is None else convert(each)
        return self._type(**given)


def _list_of(convert: Conversion | None) -> Conversion:
    def converted(value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        # Copied in any case: a default is the same list for every request.
        return list(value) if convert is None else [convert(each) for each in value]

    return converted
