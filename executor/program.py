"""A compiled operation: the code of a plan, and everything it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple, TypeGuard, cast

import strawberry
from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    is_abstract_type,
)
from graphql.pyutils import Path
from graphql.type.definition import GraphQLResolveInfoHelpers
from strawberry.types.field import StrawberryField

from executor import running
from executor.arguments import Arguments, arguments_of
from executor.async_helpers import HELPERS
from executor.calling import python_arguments
from executor.fields import PlannedNodes
from executor.leaves import DATED, names_of_members
from executor.plan import Completion, Field, Leaf, ListOf, OneOf, Plan, Selection
from executor.reading import How
from executor.running import InfoMaker, Run
from executor.source import Source, leaf_name

STRAWBERRY_TYPE_CHECK = "GraphQLCoreConverter.from_object.<locals>._get_is_type_of"
"""The `is_type_of` that Strawberry makes goes by the class alone: it takes no look at `info`."""


IsAwaitable = Callable[[Any], TypeGuard[Awaitable[Any]]]


@dataclass(frozen=True, slots=True)
class Program:
    """Code that runs one operation, for one way of its @skip and @include.

    Hold it while it runs: what its code calls goes with it.
    """

    text: str
    run: Callable[[Run], Coroutine[Any, Any, dict[str, Any]]]

    def __del__(self) -> None:
        # Functions hold their globals, and these them. Of a document that is no longer kept that
        # would be thousands of objects, which the garbage collector takes long to find.
        cast("FunctionType", self.run).__globals__.clear()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What programs of one schema share."""

    schema: GraphQLSchema
    strawberry_schema: strawberry.Schema | None
    is_awaitable: IsAwaitable
    roots_in_turn: bool = False


class StrawberryResolveInfo(NamedTuple):
    """The `info` that Strawberry's resolvers get: graphql-core's, with the request's extensions."""

    field_name: str
    field_nodes: PlannedNodes
    return_type: GraphQLOutputType
    parent_type: GraphQLObjectType
    path: Path
    schema: GraphQLSchema
    fragments: Mapping[str, Any]
    root_value: Any
    operation: OperationDefinitionNode
    variable_values: Any
    context: Any
    is_awaitable: Callable[[Any], bool]
    abort_signal: Any
    async_helpers: GraphQLResolveInfoHelpers
    operation_extensions: Any


def compile_plan(plan: Plan, surroundings: Surroundings) -> Program:
    """Return the program of a plan."""
    names = _Names(plan, surroundings)
    text = Source(
        plan,
        checks_type=names.checks_type,
        wants_info=names.wants_info,
        roots_in_turn=surroundings.roots_in_turn,
    ).text()
    code = compile(text, f"<compiled {_title(plan.operation)}>", "exec")
    exec(code, names.known)  # noqa: S102 (our own text: no name in it comes from a value)
    return Program(text, names.known["operation"])


def _title(operation: OperationDefinitionNode) -> str:
    name = operation.name.value if operation.name else "operation"
    return f"{operation.operation.value} {name}"


class _Names:
    """What the code of a plan calls, by name."""

    def __init__(self, plan: Plan, surroundings: Surroundings) -> None:
        self._plan = plan
        self._surroundings = surroundings
        self.checks_type: set[int] = set()
        self.wants_info: set[int] = set()
        self.known: dict[str, Any] = {
            "Path": Path,
            "Fallback": running.Fallback,
            "dated": DATED,
            "is_awaitable": surroundings.is_awaitable,
            "grid": running.grid,
            "grid_or_none": running.grid_or_none,
            "items": running.items,
            "items_or_none": running.items_or_none,
            "resolved": running.resolved,
            "root_value": running.root_value,
            "together": running.together,
        }
        for selection in plan.selections:
            for field in selection.fields:
                self._name(selection, field)
            for needs, fields in selection.needs.items():
                self.known[f"need_{fields[0].number}"] = running.NeedCall(
                    needs, self._nodes(fields)
                )

    def _nodes(self, fields: Sequence[Field]) -> dict[str, list[PlannedNodes]]:
        """Return the nodes of fields by their names in the schema."""
        found: dict[str, list[PlannedNodes]] = {}
        for field in fields:
            nodes = PlannedNodes(field.nodes, self._plan.fragments, self._plan.variables)
            found.setdefault(nodes[0].name.value, []).append(nodes)
        return found

    def _name(self, selection: Selection, field: Field) -> None:
        reading = field.reading
        nodes = PlannedNodes(field.nodes, self._plan.fragments, self._plan.variables)
        info = _info_maker(self._plan, self._surroundings, selection.type, field, nodes)
        if reading.how in (How.FUNCTION, How.DERIVED):
            self.known[f"read_{field.number}"] = reading.function
        elif reading.item is not None:
            self.known[f"convert_{field.number}"] = reading.item.convert
        elif reading.how is How.RESOLVER:
            assert reading.function is not None
            arguments = arguments_of(field.definition, field.nodes[0])
            self.known[f"call_{field.number}"] = running.ResolverCall(
                field.name, selection.type.name, reading.function, info, arguments
            )
        elif reading.how is How.BATCH:
            assert reading.function is not None
            assert reading.declared is not None
            arguments = arguments_of(field.definition, field.nodes[0])
            self.known[f"batch_{field.number}"] = running.BatchCall(
                field.nodes[0].name.value,
                reading.function,
                self._python_arguments(reading.declared, arguments),
                nodes,
                reading.ahead,
            )
        self._name_completion(field.completion, info)

    def _python_arguments(self, declared: StrawberryField, arguments: Arguments) -> Arguments:
        """Return arguments as Strawberry passes them on: its own names and input types."""
        schema = self._surroundings.strawberry_schema
        assert schema is not None
        if not declared.arguments:
            return arguments
        convert = python_arguments(declared, schema)
        return lambda run: convert(arguments(run))

    def _name_completion(self, completion: Completion, info: InfoMaker) -> None:
        while isinstance(completion, ListOf):
            completion = completion.of
        if isinstance(completion, Leaf):
            self._name_leaf(completion)
        else:
            self._name_object(completion, info)

    def _name_leaf(self, leaf: Leaf) -> None:
        name = leaf_name(leaf)
        if name not in self.known:
            self.known[name] = running.LeafCompletion(
                leaf.type,
                is_nullable=leaf.is_nullable,
                is_awaitable=self._surroundings.is_awaitable,
            )
            self.known[f"{name}_names"] = names_of_members(leaf.type)

    def _name_object(self, completed: OneOf, info: InfoMaker) -> None:
        number = completed.number
        sound = running.Sound(
            is_nullable=completed.is_nullable, is_awaitable=self._surroundings.is_awaitable
        )
        self.known[f"sound_{number}"] = sound
        self.known[f"sound_{number}_classes"] = sound.classes
        if is_abstract_type(completed.type):
            self.known[f"type_name_{number}"] = running.TypeName(completed.type, info)
        for selection in completed.selections:
            self._name_check(selection, info)

    def _name_check(self, selection: Selection, info: InfoMaker) -> None:
        is_type_of = selection.type.is_type_of
        if is_type_of is None:
            return
        self.checks_type.add(selection.number)
        by_class = is_type_of.__qualname__.startswith(STRAWBERRY_TYPE_CHECK)
        if not by_class:
            self.wants_info.add(selection.number)
        check = running.TypeCheck(is_type_of, None if by_class else info)
        self.known[f"check_{selection.number}"] = check


def _info_maker(
    plan: Plan,
    surroundings: Surroundings,
    parent_type: GraphQLObjectType,
    field: Field,
    nodes: PlannedNodes,
) -> InfoMaker:
    """Return what makes the `info` of a field: the same that graphql-core would make."""
    name, type_ = nodes[0].name.value, field.definition.type
    schema, is_awaitable = surroundings.schema, surroundings.is_awaitable
    fragments, operation = plan.fragments, plan.operation

    def of_strawberry(run: Run, path: Path) -> Any:
        return StrawberryResolveInfo(
            name, nodes, type_, parent_type, path, schema, fragments, run.root, operation,
            run.variables.coerced, run.context, is_awaitable, None, HELPERS, None,
        )  # fmt: skip

    def of_core(run: Run, path: Path) -> Any:
        return GraphQLResolveInfo(
            name, nodes, type_, parent_type, path, schema, fragments, run.root, operation,
            run.variables, run.context, is_awaitable, None, HELPERS,
        )  # fmt: skip

    return of_core if surroundings.strawberry_schema is None else of_strawberry
