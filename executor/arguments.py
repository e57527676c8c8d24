"""Arguments of a field, worked out beforehand as far as the document decides them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import SimpleNamespace
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    VariableNode,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from executor.running import Fallback, Run

Arguments = Callable[[Run], Mapping[str, Any]]
"""Gives a field's arguments in one run, as graphql-core would pass them to the resolver."""

_NO_VARIABLES = VariableValues({}, {})
_NO_VARIABLE = ""
"""What stands for the variable of an argument that has none."""


@dataclass(frozen=True, slots=True)
class _OfVariable:
    """An argument that is a variable; or one that isn't, and is always what it is without."""

    out_name: str
    variable: str
    is_non_null: bool
    without: Mapping[str, Any] | None
    """What stands in when the variable is not given: a default or nothing; None is an error."""


def arguments_of(definition: GraphQLField, node: FieldNode) -> Arguments:
    """Return what gives the arguments of a field at this node."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    parts: list[_OfVariable] = []
    for name, argument in definition.args.items():
        value = given.get(name)
        without = _alone(name, argument, node, without_it=isinstance(value, VariableNode))
        if without and not all(map(_is_immutable, without.values())):
            # Resolvers may change a list or an input object: each call gets its own.
            return _computed(definition, node)
        if isinstance(value, VariableNode):
            out_name = argument.out_name or name
            variable = value.name.value
            is_non_null = is_non_null_type(argument.type)
            parts.append(_OfVariable(out_name, variable, is_non_null, without))
        elif without is None:
            return _computed(definition, node)
        else:
            parts.append(_OfVariable("", _NO_VARIABLE, False, without))
    if all(each.variable == _NO_VARIABLE for each in parts):
        constant = {name: value for each in parts for name, value in (each.without or {}).items()}
        return lambda _run: constant
    return _with_variables(parts)


def _computed(definition: GraphQLField, node: FieldNode) -> Arguments:
    return lambda run: get_argument_values(definition, node, run.variables)


def _with_variables(parts: list[_OfVariable]) -> Arguments:
    """Return what puts arguments together in their definition's order, as graphql-core does."""

    def arguments(run: Run) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        coerced = run.variables.coerced
        for each in parts:
            if each.variable in coerced:
                value = coerced[each.variable]
                if value is None and each.is_non_null:
                    raise Fallback
                found[each.out_name] = value
            elif each.without is None:
                raise Fallback
            else:
                found.update(each.without)
        return found

    return arguments


def _alone(
    name: str, argument: GraphQLArgument, node: FieldNode, *, without_it: bool
) -> Mapping[str, Any] | None:
    """Return what one argument comes to without any variable; None when that is an error."""
    only = SimpleNamespace(args={name: argument})
    if without_it:
        node = FieldNode(name=node.name, arguments=())
    try:
        return get_argument_values(cast("GraphQLField", only), node, _NO_VARIABLES)
    except GraphQLError:
        return None


def _is_immutable(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, Enum))
