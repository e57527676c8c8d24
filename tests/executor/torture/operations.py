"""Random valid operations over any schema, and variables for them, valid and not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
)

from tests.executor.torture.arguments import SCALARS, Inputs, Scalars

_VARIABLE = re.compile(r"\$(\w+)")

INTROSPECTION = (
    "__schema { queryType { name } types { kind name } }",
    '__type(name: "Query") { name fields { name args { name defaultValue } } }',
)


@dataclass(frozen=True, slots=True)
class Scope:
    """How large operations get, and what they ask for."""

    depth: int = 5
    fields: int = 40
    introspection: float = 0.01
    mutations: float = 0.3
    scalars: Scalars = field(default_factory=lambda: SCALARS)
    unwanted: frozenset[str] = frozenset()
    """Fields that are left out, as "Type.field"."""


@dataclass(frozen=True, slots=True)
class VariableOf:
    """A variable as a document declares it."""

    name: str
    type: GraphQLInputType
    default: str | None

    def __str__(self) -> str:
        return f"${self.name}: {self.type}{f' = {self.default}' if self.default else ''}"


@dataclass(slots=True)
class _Fragment:
    name: str
    on: GraphQLNamedType
    depth: int
    text: str = ""
    variables: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Named:
    """What a response name stands for in this document: always one type, and on each parent type
    one field with one set of arguments. Then whatever is merged can be merged.
    """

    type: str
    on: dict[str, tuple[str, str]] = field(default_factory=dict)


class Document:
    """A random document: `text`, `operation_name`, and variables for that operation."""

    def __init__(self, schema: GraphQLSchema, random: Random, scope: Scope | None = None) -> None:
        self._schema = schema
        self._random = random
        self._scope = scope or Scope()
        self._inputs = Inputs(random, self._scope.scalars)
        self._variables: dict[str, VariableOf] = {}
        self._used: set[str] = set()
        self._fragments: list[_Fragment] = []
        self._names: dict[str, _Named] = {}
        self._left = self._scope.fields
        self.operation_name: str | None = None
        self._declared: Sequence[VariableOf] = ()
        self.text = self._write()

    def variables(self) -> dict[str, Any] | None:
        """Return values for the operation's variables; some are left out, few are wrong."""
        given: dict[str, Any] = {}
        for variable in self._declared:
            is_optional = variable.default is not None or not is_non_null_type(variable.type)
            if not (is_optional and self._chance(0.15)):
                given[variable.name] = self._inputs.value(variable.type)
        if given and self._chance(0.08):
            self._spoil(given)
        if self._chance(0.05):
            given["unknown"] = 1
        return given or (None if self._chance(0.5) else {})

    def _spoil(self, given: dict[str, Any]) -> None:
        name = self._random.choice(list(given))
        if self._chance(0.3):
            del given[name]
        else:
            given[name] = self._inputs.wrong(self._variables[name].type)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _write(self) -> str:
        count = 2 if self._chance(0.1) else 1
        operations = [self._operation(f"Op{number}", alone=count == 1) for number in range(count)]
        _, self.operation_name, self._declared = self._random.choice(operations)
        texts = [text for text, _, _ in operations]
        fragments = [f"fragment {each.name} on {each.on} {each.text}" for each in self._fragments]
        return "\n".join(fragments + texts if self._chance(0.5) else texts + fragments)

    def _operation(self, name: str, *, alone: bool) -> tuple[str, str | None, Sequence[VariableOf]]:
        """Write an operation; tell its name, if it has one, and its variables."""
        is_mutation = self._schema.mutation_type is not None and self._chance(self._scope.mutations)
        root = self._schema.mutation_type if is_mutation else self._schema.query_type
        assert root is not None
        self._used = set()
        self._left = self._scope.fields
        selections = self._selection_set(root, self._scope.depth)
        if not is_mutation and self._chance(self._scope.introspection):
            selections = f"{selections[:-1]} {self._random.choice(INTROSPECTION)} }}"
        declared = [self._variables[used] for used in sorted(self._used)]
        kind = "mutation" if is_mutation else "query"
        head = f"({', '.join(map(str, declared))})" if declared else ""
        if alone and self._chance(0.3):
            bare = not head and not is_mutation and self._chance(0.5)
            return (selections if bare else f"{kind} {head} {selections}"), None, declared
        return f"{kind} {name}{head} {selections}", name, declared

    def _selection_set(self, type_: GraphQLNamedType, depth: int) -> str:
        parts = [self._selection(type_, depth) for _ in range(self._random.randint(1, 5))]
        return "{ " + " ".join(parts) + " }"

    def _selection(self, type_: GraphQLNamedType, depth: int) -> str:
        kind = self._random.random()
        if kind < 0.12 and depth > 0:
            return self._inline(type_, depth)
        if kind < 0.24 and depth > 0:
            return self._spread(type_, depth)
        return self._field(type_, depth)

    def _inline(self, type_: GraphQLNamedType, depth: int) -> str:
        if self._chance(0.2):
            return f"...{self._directives()} {self._selection_set(type_, depth - 1)}"
        on = self._random.choice(self._overlapping(type_))
        return f"... on {on.name}{self._directives()} {self._selection_set(on, depth - 1)}"

    def _spread(self, type_: GraphQLNamedType, depth: int) -> str:
        """Spread a fragment: one that is finished and no deeper than this place, or a new one."""
        overlapping = self._overlapping(type_)
        fitting = [
            each
            for each in self._fragments
            if each.text and each.depth <= depth - 1 and each.on in overlapping
        ]
        if fitting and self._chance(0.5):
            fragment = self._random.choice(fitting)
        else:
            fragment = self._fragment(self._random.choice(overlapping), depth - 1)
        self._used |= fragment.variables
        return f"...{fragment.name}{self._directives()}"

    def _fragment(self, on: GraphQLNamedType, depth: int) -> _Fragment:
        fragment = _Fragment(f"F{len(self._fragments)}", on, depth)
        self._fragments.append(fragment)
        outside, self._used = self._used, fragment.variables
        fragment.text = self._selection_set(on, depth)
        self._used = outside
        return fragment

    def _overlapping(self, type_: GraphQLNamedType) -> list[GraphQLNamedType]:
        """Return the types whose fragments may stand here."""
        possible = self._possible(type_)
        return [
            each
            for each in self._schema.type_map.values()
            if is_composite_type(each)
            and not each.name.startswith("__")
            and possible & self._possible(each)
        ]

    def _possible(self, type_: Any) -> set[str]:
        if is_abstract_type(type_):
            return {each.name for each in self._schema.get_possible_types(type_)}
        return {type_.name}

    def _field(self, type_: Any, depth: int) -> str:
        self._left -= 1
        fields = getattr(type_, "fields", {})
        goes_on = depth > 0 and self._left > 0
        names = [
            name
            for name, definition in fields.items()
            if (goes_on or not is_composite_type(get_named_type(definition.type)))
            and f"{type_.name}.{name}" not in self._scope.unwanted
        ]
        if not names or self._chance(0.06):
            return self._typename()
        name = self._random.choice(names)
        definition = fields[name]
        response_name, arguments = self._named(type_, name, definition)
        head = name if response_name == name else f"{response_name}: {name}"
        text = f"{head}{arguments}{self._directives()}"
        inner = get_named_type(definition.type)
        if is_composite_type(inner):
            text += f" {self._selection_set(inner, depth - 1)}"
        return text

    def _typename(self) -> str:
        alias = "kind: " if self._chance(0.2) else ""
        return f"{alias}__typename{self._directives()}"

    def _named(self, type_: Any, name: str, definition: GraphQLField) -> tuple[str, str]:
        """Choose a response name and arguments, often such as are merged with earlier ones."""
        signature = str(definition.type)
        earlier = [
            (response_name, named.on[type_.name][1])
            for response_name, named in self._names.items()
            if named.on.get(type_.name, ("", ""))[0] == name
        ]
        if earlier and self._chance(0.6):
            response_name, arguments = self._random.choice(earlier)
            self._used.update(_VARIABLE.findall(arguments))
            return response_name, arguments
        arguments = self._arguments(definition)
        candidates = [name] if self._chance(0.8) else []
        candidates += [f"{letter}{name.title()}" for letter in self._random.sample("abcd", 4)]
        shared = [each for each, named in self._names.items() if named.type == signature]
        if shared and self._chance(0.15):
            candidates.insert(0, self._random.choice(shared))
        for candidate in candidates:
            named = self._names.get(candidate)
            if candidate not in ("kind", "__typename") and self._is_free(
                named, type_, name, arguments, signature
            ):
                break
        else:
            candidate = f"x{len(self._names)}"
        self._names.setdefault(candidate, _Named(signature)).on[type_.name] = (name, arguments)
        return candidate, arguments

    def _is_free(
        self, named: _Named | None, type_: Any, name: str, arguments: str, signature: str
    ) -> bool:
        """Tell whether a response name may stand for this field too, wherever both meet.

        Fields of two object types never meet; any others may.
        """
        if named is None:
            return True
        return named.type == signature and all(
            each == (name, arguments)
            or (other != type_.name and self._is_object(other) and is_object_type(type_))
            for other, each in named.on.items()
        )

    def _is_object(self, name: str) -> bool:
        return is_object_type(self._schema.type_map[name])

    def _arguments(self, definition: GraphQLField) -> str:
        given = [
            f"{name}: {self._argument(argument)}"
            for name, argument in definition.args.items()
            if is_required_argument(argument) or self._chance(0.4)
        ]
        return f"({', '.join(given)})" if given else ""

    def _argument(self, argument: GraphQLArgument) -> str:
        if self._chance(0.4):
            type_ = argument.type
            has_default = not is_required_argument(argument)
            if is_non_null_type(type_) and has_default and self._chance(0.3):
                # A variable that may be null is let through where a default stands.
                type_ = type_.of_type
            return self._variable(type_)
        return self._inputs.literal(argument.type, self._variable)

    def _variable(self, expected: GraphQLInputType, *, is_strict: bool = False) -> str:
        """Return a variable that may stand where this type is expected."""
        suitable = [
            each
            for each in self._variables.values()
            if str(each.type) in (str(expected), f"{expected}!")
        ]
        if suitable and self._chance(0.4):
            found = self._random.choice(suitable)
        else:
            found = self._new_variable(expected, is_strict=is_strict)
        self._used.add(found.name)
        return f"${found.name}"

    def _new_variable(self, expected: Any, *, is_strict: bool) -> VariableOf:
        default = None
        if is_non_null_type(expected):
            type_ = expected
            if self._chance(0.3):
                default = self._inputs.literal(expected, None, 2)
                type_ = expected if is_strict or self._chance(0.3) else expected.of_type
        else:
            type_ = GraphQLNonNull(expected) if self._chance(0.2) else expected
            if self._chance(0.3):
                default = self._inputs.literal(type_, None, 2)
        name = f"v{len(self._variables)}"
        self._variables[name] = VariableOf(name, type_, default)
        return self._variables[name]

    def _directives(self) -> str:
        if self._chance(0.85):
            return ""
        both = ("skip", "include")
        names = both if self._chance(0.2) else (self._random.choice(both),)
        return "".join(f" @{name}(if: {self._condition()})" for name in names)

    def _condition(self) -> str:
        if self._chance(0.3):
            return self._random.choice(("true", "false"))
        return self._variable(GraphQLNonNull(GraphQLBoolean))
