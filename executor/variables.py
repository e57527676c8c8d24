"""Variables of an operation, coerced as graphql-core does it.

What a type makes of a value is worked out once: graphql-core looks at types and fields anew for
each value. What can't be taken that way is graphql-core's to coerce, or to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    VariableDefinitionNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.utilities.coerce_input_value import coerce_default_value

MAX_COERCION_ERRORS = 50
"""graphql-core's own default."""


def _is_int(value: Any) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


_IS_COERCED: dict[Any, Callable[[Any], bool]] = {
    GraphQLString: lambda value: type(value) is str,
    GraphQLID: lambda value: type(value) is str,
    GraphQLInt: _is_int,
    GraphQLFloat: lambda value: type(value) is float and isfinite(value),
    GraphQLBoolean: lambda value: type(value) is bool,
}
"""Built-in scalar → whether a value is one that coercion leaves as it is."""

_Coercion = Callable[[Any], Any]
"""Makes a coerced value of a given one; Undefined where graphql-core has to look."""


class _Coercions:
    """Coercions by type, each made once; an input object may hold itself."""

    def __init__(self) -> None:
        self._objects: dict[GraphQLInputObjectType, _Object] = {}

    def of(self, type_: Any) -> _Coercion:
        """Return what coerces values of a type."""
        if is_non_null_type(type_):
            return _required(self.of(type_.of_type))
        if is_list_type(type_):
            return _list_of(self.of(type_.of_type))
        if is_input_object_type(type_):
            return self._object(type_)
        return _leaf(type_)

    def _object(self, type_: GraphQLInputObjectType) -> _Coercion:
        known = self._objects.get(type_)
        if known is None:
            known = self._objects[type_] = _Object(type_)
            known.fields = [
                (name, field, self.of(field.type)) for name, field in type_.fields.items()
            ]
        return known


def _required(coerce: _Coercion) -> _Coercion:
    def coerced(value: Any) -> Any:
        return Undefined if value is None else coerce(value)

    return coerced


def _list_of(coerce: _Coercion) -> _Coercion:
    def coerced(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not list:
            return Undefined
        items = [coerce(item) for item in value]
        return Undefined if any(item is Undefined for item in items) else items

    return coerced


def _leaf(type_: GraphQLLeafType) -> _Coercion:
    is_coerced = _IS_COERCED.get(type_, _never)

    def coerced(value: Any) -> Any:
        if value is None or is_coerced(value):
            return value
        try:
            return type_.coerce_input_value(value)
        except Exception:  # noqa: BLE001 (what it means is graphql-core's to say)
            return Undefined

    return coerced


def _never(_value: Any) -> bool:
    return False


class _Object:
    """Coerces values of an input object; of one that takes exactly one field, none."""

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self._type = type_
        self.fields: list[tuple[str, GraphQLInputField, _Coercion]] = []

    def __call__(self, value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not dict or self._type.is_one_of:
            return Undefined
        unseen, coerced = len(value), {}
        for name, field, coerce in self.fields:
            given = value.get(name, Undefined)
            if given is not Undefined:
                unseen -= 1
                result = coerce(given)
                if result is Undefined:
                    return Undefined
            elif is_required_input_field(field):
                return Undefined
            else:
                result = coerce_default_value(field)
                if result is Undefined:
                    continue
            coerced[field.out_name or name] = result
        if unseen:
            return Undefined
        try:
            return self._type.out_type(coerced)
        except Exception:  # noqa: BLE001 (what it means is graphql-core's to say)
            return Undefined


@dataclass(frozen=True, slots=True)
class _Plain:
    """A variable without a default."""

    name: str
    signature: GraphQLVariableSignature
    coerce: _Coercion
    is_required: bool


class Variables:
    """Coerces the variables of one operation."""

    def __init__(self, schema: GraphQLSchema, nodes: Sequence[VariableDefinitionNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        coercions = _Coercions()
        plain = [_plain(schema, node, coercions) for node in nodes]
        self._plain = None if None in plain else [each for each in plain if each is not None]

    def coerce(self, given: Mapping[str, Any] | None) -> VariableValues | None:
        """Return the coerced values; None when they can't be taken (graphql-core says why)."""
        values = self._taken(given or {})
        if values is not None:
            return values
        coerced = get_variable_values(
            self._schema, self._nodes, dict(given or {}), max_errors=MAX_COERCION_ERRORS
        )
        return None if isinstance(coerced, list) else coerced

    def _taken(self, given: Mapping[str, Any]) -> VariableValues | None:
        if self._plain is None:
            return None
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for variable in self._plain:
            name = variable.name
            value = given.get(name, Undefined)
            if value is Undefined:
                if variable.is_required:
                    return None
                sources[name] = VariableValueSource(variable.signature)
                continue
            taken = variable.coerce(value)
            if taken is Undefined:
                return None
            sources[name] = VariableValueSource(variable.signature, value)
            coerced[name] = taken
        return VariableValues(sources, coerced)


def _plain(
    schema: GraphQLSchema, node: VariableDefinitionNode, coercions: _Coercions
) -> _Plain | None:
    signature = get_variable_signature(schema, node)
    if not isinstance(signature, GraphQLVariableSignature) or node.default_value:
        return None
    type_: Any = signature.type
    return _Plain(signature.name, signature, coercions.of(type_), is_non_null_type(type_))
