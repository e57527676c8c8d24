"""One schema, ready to run operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import strawberry
from graphql import DocumentNode, Executor, GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.pyutils import Path, is_awaitable
from strawberry.execution import optimized_is_awaitable

from executor.interpreter import Interpreter
from executor.leaves import write_exactly
from executor.operation import Figures, Operation
from executor.program import IsAwaitable, Surroundings
from executor.unsupported import require_supported


class UnknownOperation(Exception):
    """The document has no such operation, or several and none was named."""


class Engine:
    """Runs operations of a schema: compiled where it can, by graphql-core where it can't.

    Takes a Strawberry schema, or a plain one of graphql-core. With `compiles=False` everything is
    run by graphql-core: the reference that compiled answers are compared with. `figures` counts
    the runs of all operations, of those too that nobody keeps any more.

    `exact_integers` names custom scalars whose integers in a range are written as they are, such as
    `{"Money": range(-100, 101)}`: compiled code then calls the scalar for other values only.

    With `roots_in_turn`, compiled code resolves a query's root fields one after the other, for
    schemas that read by one connection. Else they wait side by side, as with graphql-core.

    Raises:
        UnsupportedSchema: a Strawberry schema has extensions with hooks, or operation directives
            of its own: nothing of a schema is left out without a word.
    """

    def __init__(
        self,
        schema: strawberry.Schema | GraphQLSchema,
        *,
        compiles: bool = True,
        exact_integers: Mapping[str, range] | None = None,
        roots_in_turn: bool = False,
    ) -> None:
        self.compiles = compiles
        self.figures = Figures()
        if isinstance(schema, GraphQLSchema):
            self.schema = schema
            self.interpreter = Interpreter(schema, _without_circles(Executor), options={})
            self.surroundings = Surroundings(schema, None, is_awaitable, roots_in_turn)
        else:
            require_supported(schema, compiles=compiles)
            self.schema = schema._schema  # noqa: SLF001 (Strawberry offers no other way to it)
            options: dict[str, Any] = {
                "operation_extensions": None,
                "is_awaitable": optimized_is_awaitable,
            }
            executor_class = _without_circles(_whole(schema.execution_context_class))
            self.interpreter = Interpreter(self.schema, executor_class, options=options)
            self.surroundings = Surroundings(
                self.schema,
                schema,
                cast("IsAwaitable", optimized_is_awaitable),
                roots_in_turn,
            )

        for name, allowed in (exact_integers or {}).items():
            type_ = self.schema.get_type(name)
            if type_ is None:
                raise ValueError(f"`exact_integers` names {name}, which the schema doesn't have.")
            write_exactly(type_, allowed)

    def operation(self, document: DocumentNode, name: str | None = None) -> Operation:
        """Return an operation of a valid document.

        Raises:
            UnknownOperation: the document has none of this name, or several and none was named.
        """
        found = [
            definition
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
            and (name is None or (definition.name is not None and definition.name.value == name))
        ]
        if not found:
            raise UnknownOperation(
                "Must provide an operation."
                if name is None
                else f"Unknown operation named '{name}'."
            )
        if len(found) > 1:
            raise UnknownOperation(
                "Must provide operation name if query contains multiple operations."
            )
        return Operation(self, document, found[0])


def _whole(executor_class: type[Executor[Any]]) -> type[Executor[Any]]:
    """Return the executor without incremental delivery: @defer and @stream are answered at once.

    A schema may have these directives; who has them need not heed them (they are hints).
    """
    ways = (
        "build_response",
        "execute_collected_root_fields",
        "execute_collected_subfields",
        "handle_stream",
    )
    return type(
        executor_class.__name__, (executor_class,), {way: getattr(Executor, way) for way in ways}
    )


def _without_circles(executor_class: type[Executor[Any]]) -> type[Executor[Any]]:
    """Return the executor with nothing in its errors that holds them in turn.

    Of two fields side by side that must not be null, the second one's error is told to nobody.
    """

    def handle_field_error(
        self: Any, raw_error: Exception, return_type: Any, details: Any, path: Path
    ) -> None:
        try:
            executor_class.handle_field_error(self, raw_error, return_type, details, path)
        except GraphQLError as error:
            error.__traceback__ = None  # What it came of has one of its own.
            raise
        finally:
            del raw_error

    return type(
        executor_class.__name__, (executor_class,), {"handle_field_error": handle_field_error}
    )
