"""Variables of an operation, coerced as graphql-core does it.

Most are built-in scalars that arrive as they should be: these are taken as they are. Anything else
is graphql-core's to coerce, or to refuse.
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
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    VariableDefinitionNode,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

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


@dataclass(frozen=True, slots=True)
class _Plain:
    """A variable without a default. `is_coerced` is None where only a null can be told at once."""

    name: str
    signature: GraphQLVariableSignature
    is_coerced: Callable[[Any], bool] | None
    is_required: bool


class Variables:
    """Coerces the variables of one operation."""

    def __init__(self, schema: GraphQLSchema, nodes: Sequence[VariableDefinitionNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        plain = [_plain(schema, node) for node in nodes]
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
            if value is None:
                if variable.is_required:
                    return None
            elif variable.is_coerced is None or not variable.is_coerced(value):
                return None
            sources[name] = VariableValueSource(variable.signature, value)
            coerced[name] = value
        return VariableValues(sources, coerced)


def _plain(schema: GraphQLSchema, node: VariableDefinitionNode) -> _Plain | None:
    signature = get_variable_signature(schema, node)
    if not isinstance(signature, GraphQLVariableSignature) or node.default_value:
        return None
    type_: Any = signature.type
    is_required = is_non_null_type(type_)
    is_coerced = _IS_COERCED.get(type_.of_type if is_required else type_)
    return _Plain(signature.name, signature, is_coerced, is_required)
