"""What an operation asks for, laid out: which fields of which type at each place, and how they are
read and completed.

A plan holds for one set of values of the Boolean variables that @skip and @include look at. Fields
are collected and merged by graphql-core itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeNameMetaFieldDef,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from executor.fields import Needs
from executor.reading import How, Reading, called, reading_of

MAX_PLANNED_FIELDS = 4_000
"""Beyond this the code would be larger than it is worth: graphql-core runs such an operation."""

_TYPENAME = Reading(How.TYPENAME)


class NotCompilable(Exception):
    """An operation that only graphql-core can run; the message says why."""


@dataclass(slots=True, eq=False)
class Leaf:
    """A scalar or an enumeration."""

    type: GraphQLLeafType
    is_nullable: bool


@dataclass(slots=True, eq=False)
class ListOf:
    """A list of completed values."""

    of: Completion
    is_nullable: bool


@dataclass(slots=True, eq=False)
class OneOf:
    """An object: of one type, or of the possible types of an interface or a union."""

    type: GraphQLObjectType | GraphQLAbstractType
    selections: list[Selection]
    is_nullable: bool
    number: int

    @property
    def is_abstract(self) -> bool:
        """Tell whether the object's own type is found out at run time."""
        return is_abstract_type(self.type)


Completion = Leaf | ListOf | OneOf


@dataclass(slots=True, eq=False)
class Field:
    """A field of the answer: its name there, how it is read, how it is completed."""

    name: str
    definition: GraphQLField
    nodes: list[FieldNode]
    reading: Reading
    completion: Completion
    number: int

    @property
    def waits(self) -> bool:
        """Tell whether the value may have to be waited for."""
        return self.reading.how in (How.BATCH, How.RESOLVER) or self.reading.needs is not None


@dataclass(slots=True, eq=False)
class Selection:
    """The fields asked of one object type at one place of the answer."""

    type: GraphQLObjectType
    place: str
    number: int
    fields: list[Field] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Tell whether any field of its own has to be waited for."""
        return any(each.waits for each in self.fields)

    @property
    def batches(self) -> list[Field]:
        """Return the fields that are fetched for all objects of the level at once."""
        return [each for each in self.fields if each.reading.how is How.BATCH]

    @property
    def needs(self) -> Mapping[Needs, list[Field]]:
        """Return what has to be fetched first, and the fields that need it."""
        found: dict[Needs, list[Field]] = {}
        for each in self.fields:
            if each.reading.needs is not None:
                found.setdefault(each.reading.needs, []).append(each)
        return found

    def within(self) -> Iterator[Selection]:
        """Yield the selections that are built in the same breath: no waiting in between."""
        for each in self.fields:
            if not each.waits:
                yield from selections_in(each.completion)


def selections_in(completion: Completion) -> Sequence[Selection]:
    """Return the selections that complete a value; none for leaves."""
    while isinstance(completion, ListOf):
        completion = completion.of
    return completion.selections if isinstance(completion, OneOf) else ()


@dataclass(slots=True, eq=False)
class Plan:
    """A whole operation."""

    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variables: VariableValues
    root: Selection
    selections: list[Selection]


class Planner:
    """Makes the plan of one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        strawberry_schema: strawberry.Schema | None,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self._schema = schema
        self._strawberry = strawberry_schema
        self._operation = operation
        self._fragments = dict(fragments)
        self._details = {name: FragmentDetails(node) for name, node in fragments.items()}
        self._selections: list[Selection] = []
        self._fields = 0
        self._objects = 0
        self._variables = VariableValues({}, {})

    def plan(self, variables: VariableValues) -> Plan:
        """Return the plan for these variables' @skip and @include.

        Raises:
            NotCompilable: the operation is graphql-core's to run.
        """
        self._variables = variables
        root_type = self._schema.get_root_type(self._operation.operation)
        if root_type is None:
            raise NotCompilable("The schema has no such root.")
        root = self._selection(root_type, "")
        collected = collect_fields(
            self._schema, self._details, variables, root_type, self._operation
        )
        self._fill(root, collected.grouped_field_set)
        return Plan(self._operation, self._fragments, variables, root, self._selections)

    def _selection(self, type_: GraphQLObjectType, place: str) -> Selection:
        selection = Selection(type_, place, number=len(self._selections))
        self._selections.append(selection)
        return selection

    def _fill(self, selection: Selection, grouped: Mapping[str, Sequence[Any]]) -> None:
        for name, details in grouped.items():
            definition = self._definition(selection.type, details[0].node.name.value)
            if definition is None:
                continue  # graphql-core leaves out what the type does not have.
            self._fields += 1
            if self._fields > MAX_PLANNED_FIELDS:
                raise NotCompilable(f"More than {MAX_PLANNED_FIELDS} fields.")
            number = self._fields
            place = f"{selection.place}.{name}" if selection.place else name
            selection.fields.append(
                Field(
                    name=name,
                    definition=definition,
                    nodes=[each.node for each in details],
                    reading=self._reading(definition, is_root=not selection.place),
                    completion=self._completion(definition.type, details, place),
                    number=number,
                )
            )

    def _definition(self, type_: GraphQLObjectType, name: str) -> GraphQLField | None:
        definition = self._schema.get_field(type_, name)
        if name.startswith("__") and definition is not TypeNameMetaFieldDef:
            raise NotCompilable("Introspection.")
        return definition

    def _reading(self, definition: GraphQLField, *, is_root: bool) -> Reading:
        if definition is TypeNameMetaFieldDef:
            return _TYPENAME
        if is_root:  # Its result is remembered, so it is always called as graphql-core does.
            return called(definition, self._strawberry)
        return reading_of(definition, self._strawberry)

    def _completion(
        self, type_: GraphQLOutputType, details: Sequence[Any], place: str
    ) -> Completion:
        is_nullable = not is_non_null_type(type_)
        named: Any = type_ if is_nullable else type_.of_type  # type: ignore[union-attr]
        if is_list_type(named):
            return ListOf(self._completion(named.of_type, details, place), is_nullable)
        if is_leaf_type(named):
            return Leaf(named, is_nullable)
        possible = self._schema.get_possible_types(named) if is_abstract_type(named) else [named]
        self._objects += 1
        completed = OneOf(named, [], is_nullable, number=self._objects)
        for object_type in possible:
            selection = self._selection(object_type, place)
            collected = collect_subfields(
                self._schema,
                self._details,
                self._variables,
                self._operation,
                object_type,
                list(details),
            )
            self._fill(selection, collected.grouped_field_set)
            completed.selections.append(selection)
        return completed
