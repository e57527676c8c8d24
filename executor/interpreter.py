"""graphql-core's own executor: the reference, and what runs whatever isn't compiled.

Root fields that a compiled run has resolved already are replayed from memory, value or error, so
that no side effect of theirs happens twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    Executor,
    GraphQLFieldResolver,
    GraphQLResolveInfo,
    GraphQLSchema,
    MiddlewareManager,
)
from graphql.execution import (
    ExecutionResult,
    create_source_event_stream,
    execute_subscription_event,
)
from graphql.execution.execute import map_source_to_response_event
from graphql.pyutils import Path

from executor.async_helpers import HELPERS
from executor.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a root field's resolver gave: a value, or the error that it raised."""

    value: Any = None
    error: BaseException | None = None
    was_awaited: bool = False

    def get(self) -> Any:
        """Return the value, or raise the error once more."""
        if self.error is not None:
            raise self.error
        return self.value

    async def get_later(self) -> Any:
        """Do the same for who awaits it: what was awaited once is not awaited for its value."""
        return self.get()


class Memory:
    """What a compiled run has done already, and must not do again."""

    __slots__ = ("_known", "answers", "awaited", "fields")

    def __init__(self) -> None:
        self.fields: dict[str, Resolved] = {}
        """Root fields by response name, in the order they ran."""
        self.answers: dict[str, Any] = {}
        """Of these, the ones that were answered: what they read may have changed since."""
        self.awaited: list[tuple[Sequence[Any], Sequence[Any]]] = []
        """What was awaited, and the futures or the results of it: no coroutine is awaited twice."""
        self._known: dict[int, Any] | None = None

    def after(self, value: Any) -> Any:
        """Return what gives what this gives when it is awaited; itself, if nobody awaited it yet.

        Once: who awaits it a second time gets what awaiting it a second time gives.
        """
        if self._known is None:
            self._known = {
                id(each): result
                for values, results in self.awaited
                for each, result in zip(values, results, strict=True)
            }
        known = self._known.pop(id(value), None)
        if known is None:
            return value
        return known.get_later() if isinstance(known, Resolved) else known

    def replay_answers(self, executor: Any) -> None:
        """Let an executor of graphql-core take the answers of root fields as they are."""
        execute_field = executor.execute_field

        def answered_or_executed(
            parent_type: Any, source: Any, details: Any, path: Path, position: Any
        ) -> Any:
            if path.prev is None and path.key in self.answers:
                return self.answers[path.key]
            return execute_field(parent_type, source, details, path, position)

        executor.execute_field = answered_or_executed


class _Replay(MiddlewareManager):
    """Answers remembered root fields from memory, once each, and resolves all others."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory

    def get_field_resolver(self, field_resolver: GraphQLFieldResolver) -> GraphQLFieldResolver:
        memory = self._memory

        def replay_or_resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            if info.path.prev is None and isinstance(info.path.key, str):
                resolved = memory.fields.pop(info.path.key, None)
                if resolved is not None:
                    return resolved.get_later() if resolved.was_awaited else resolved.get()
            return memory.after(field_resolver(source, info, **arguments))

        return replay_or_resolve


class Interpreter:
    """Runs operations of one schema through graphql-core.

    `executor_class` and `options` are what the schema's library passes to graphql-core: Strawberry
    has an executor of its own, for what its `info` carries.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        executor_class: type[Executor[Any]],
        *,
        options: Mapping[str, Any],
    ) -> None:
        self.schema = schema
        self._executor_class = executor_class
        self._options = dict(options)

    async def run(
        self,
        document: DocumentNode,
        operation_name: str | None,
        *,
        variables: Mapping[str, Any] | None,
        context: Any,
        root: Any,
        memory: Memory | None = None,
    ) -> Outcome:
        """Run a query or a mutation; a replayed field's resolver doesn't run again."""
        executor = self._build(document, operation_name, variables, context, root, memory=memory)
        if isinstance(executor, list):
            return Outcome.refused(*executor)
        if memory is not None and memory.answers:
            memory.replay_answers(executor)
        try:
            result: Any = executor.execute_operation()
            if executor.is_awaitable(result):
                result = await result
        finally:
            vars(executor).pop("execute_field", None)  # It holds the executor, which held it.
        return Outcome(result.data, result.errors)

    async def subscribe(
        self,
        document: DocumentNode,
        operation_name: str | None,
        *,
        variables: Mapping[str, Any] | None,
        context: Any,
        root: Any,
        around: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    ) -> AsyncIterator[Outcome] | Outcome:
        """Open a subscription: a stream of outcomes, or the one that tells why there is none.

        `around` makes a block for each event to be answered in; the source waits outside of it.
        """
        executor = self._build(document, operation_name, variables, context, root)
        if isinstance(executor, list):
            return Outcome.refused(*executor)
        stream: Any = create_source_event_stream(executor)
        if executor.is_awaitable(stream):
            stream = await stream
        if isinstance(stream, ExecutionResult):
            return Outcome(stream.data, stream.errors)
        if around is None:
            return _outcomes(map_source_to_response_event(executor, stream))

        async def answer(event: Any) -> ExecutionResult:
            async with around():
                result: Any = execute_subscription_event(event)
                answered: ExecutionResult = (
                    await result if executor.is_awaitable(result) else result
                )
            return answered

        return _outcomes(map_source_to_response_event(executor, stream, answer))

    def _build(
        self,
        document: DocumentNode,
        operation_name: str | None,
        variables: Mapping[str, Any] | None,
        context: Any,
        root: Any,
        *,
        memory: Memory | None = None,
    ) -> Any:
        built = self._executor_class.build(
            self.schema,
            document,
            root_value=root,
            context_value=context,
            raw_variable_values=dict(variables) if variables else None,
            operation_name=operation_name,
            middleware=None if memory is None else _Replay(memory),
            **self._options,
        )
        if not isinstance(built, list):
            built.async_helpers = HELPERS
        return built


async def _outcomes(results: Any) -> AsyncIterator[Outcome]:
    try:
        async for result in results:
            yield Outcome(result.data, result.errors)
    finally:
        await results.aclose()
