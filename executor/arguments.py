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
    GraphQLInputType,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_input_object_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from executor.running import Fallback, Run

Arguments = Callable[[Run], Mapping[str, Any]]
"""Gives a field's arguments in one run, as graphql-core would pass them to the resolver."""

_NO_VARIABLES = VariableValues({}, {})


@dataclass(frozen=True, slots=True)
class _Argument:
    """An argument: the variable that it is, if it is one, and what is passed otherwise."""

    out_name: str
    variable: str | None
    is_non_null: bool
    otherwise: Mapping[str, Any] | None
    """The document's value, or a default, or nothing, which is {}; None is an error."""
    is_copied: bool
    """Resolvers may change a list or an input object: each call gets its own."""

    def value(self) -> Mapping[str, Any]:
        """Return what is passed where the variable has no value, or there is none."""
        assert self.otherwise is not None, "an error is found before"
        return _copy(self.otherwise) if self.is_copied else self.otherwise


def arguments_of(definition: GraphQLField, node: FieldNode) -> Arguments:
    """Return what gives the arguments of a field at this node."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    bare = FieldNode(name=node.name, arguments=())
    arguments: list[_Argument] = []
    for name, argument in definition.args.items():
        value = given.get(name)
        variable = value.name.value if isinstance(value, VariableNode) else None
        otherwise = _without_variables(name, argument, bare if variable else node)
        if otherwise is None and variable is None:
            return _computed(definition, node)
        # A default is the schema's own, the same for every call.
        is_written = name in given and variable is None
        is_copied = is_written and not all(map(_is_immutable, (otherwise or {}).values()))
        if is_copied and (
            _holds_variables(value) or not _is_plain(otherwise) or not _is_made_anew(argument.type)
        ):
            return _computed(definition, node)
        is_non_null = is_non_null_type(argument.type)
        arguments.append(
            _Argument(argument.out_name or name, variable, is_non_null, otherwise, is_copied)
        )
    if any(each.variable or each.is_copied for each in arguments):
        return _put_together(arguments)
    constant = {name: value for each in arguments for name, value in (each.otherwise or {}).items()}
    return lambda _run: constant


def _computed(definition: GraphQLField, node: FieldNode) -> Arguments:
    return lambda run: get_argument_values(definition, node, run.variables)


def _put_together(parts: list[_Argument]) -> Arguments:
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
            elif each.otherwise is None:
                raise Fallback
            else:
                found.update(each.value())
        return found

    return arguments


def _without_variables(
    name: str, argument: GraphQLArgument, node: FieldNode
) -> Mapping[str, Any] | None:
    """Return what one argument comes to when no variable has a value; None when it is an error."""
    only = SimpleNamespace(args={name: argument})
    try:
        return get_argument_values(cast("GraphQLField", only), node, _NO_VARIABLES)
    except GraphQLError:
        return None


def _is_immutable(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, Enum))


def _is_plain(value: Any) -> bool:
    """Tell whether `_copy` can copy a value."""
    if type(value) is dict:
        return all(map(_is_plain, value.values()))
    if type(value) is list:
        return all(map(_is_plain, value))
    return _is_immutable(value)


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {name: _copy(each) for name, each in value.items()}
    if type(value) is list:
        return [_copy(each) for each in value]
    return value


def _holds_variables(value: ValueNode | None) -> bool:
    """Tell whether a value in the document isn't written there whole."""
    if isinstance(value, ListValueNode):
        return any(map(_holds_variables, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_holds_variables(field.value) for field in value.fields)
    return isinstance(value, VariableNode)


def _is_made_anew(type_: GraphQLInputType) -> bool:
    """Tell whether graphql-core makes a value of the type anew: no default is the schema's own."""
    waiting, seen = [get_named_type(type_)], set()
    while waiting:
        named: Any = waiting.pop()
        if not is_input_object_type(named) or named.name in seen:
            continue
        seen.add(named.name)
        for field in named.fields.values():
            if field.default is not None or field.default_value is not Undefined:
                return False
            waiting.append(get_named_type(field.type))
    return True
