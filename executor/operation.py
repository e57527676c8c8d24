"""One operation of a document, ready to run."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.values import VariableValues

from executor.interpreter import Memory
from executor.outcome import Outcome
from executor.plan import NotCompilable, Plan, Planner
from executor.program import Program, compile_plan
from executor.running import Run
from executor.variables import Variables

if TYPE_CHECKING:
    from executor.engine import Engine

log = logging.getLogger(__name__)

MAX_VARIANTS = 16
"""Programs of one operation: one for each way its @skip and @include turned out."""
PATIENCE = 5
"""Fallbacks one after the other before an operation stops trying."""
PAUSE = 1_000
"""Runs by graphql-core before it tries again."""


@dataclass(slots=True)
class Figures:
    """How often an operation ran, or all of an engine, and which way.

    A fallback is a compiled run that failed; the run by graphql-core that follows is counted too.
    """

    compiled: int = 0
    fallbacks: int = 0
    interpreted: int = 0


class Operation:
    """An operation: run it as often as you like, from as many tasks as you like.

    Compiled at its first run. Whatever goes wrong in compiled code, the answer is graphql-core's on
    the same document; root fields that were resolved are replayed, so that nothing has its effect
    twice. A cancelled run is cancelled: nothing is run again.

    `conditions` are the variables that its @skip and @include look at: there is a program for each
    way that they turn out.
    """

    def __init__(
        self, engine: Engine, document: DocumentNode, node: OperationDefinitionNode
    ) -> None:
        self.engine = engine
        self.document = document
        self.node = node
        self.kind: OperationType = node.operation
        self.name: str | None = node.name.value if node.name else None
        self.figures = Figures()
        self._variables = Variables(engine.schema, node.variable_definitions or ())
        declared = {each.variable.name.value for each in node.variable_definitions or ()}
        self.conditions = tuple(name for name in _conditions(document) if name in declared)
        self._programs: dict[tuple[Any, ...], Program | None] = {}
        self._failures = 0
        self._rest = 0
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._is_compilable = engine.compiles and self._obstacle() is None

    async def run(
        self, variables: Mapping[str, Any] | None = None, *, context: Any = None, root: Any = None
    ) -> Outcome:
        """Run a query or a mutation."""
        if not self._is_compilable or self._rests():
            return await self._interpret(variables, context, root)
        coerced = self._variables.coerce(variables)
        program = None if coerced is None else self._program(coerced)
        if coerced is None or program is None:
            return await self._interpret(variables, context, root)
        run = Run(context, root, coerced, replays=self.kind is OperationType.MUTATION)
        data = errors = None
        try:
            try:
                data = await program.run(run)
            except Exception as error:  # noqa: BLE001 (what it means is graphql-core's to say)
                run.failure = error
            if data is not None:
                self._succeeded()
                return Outcome(data)
            # Outside of the handlers, so that no error is chained to the one that led here.
            self._failed()
            await run.send()
            outcome = await self._interpret(variables, context, root, run.memory)
            errors = outcome.errors
            await run.end()
            return outcome
        finally:
            if data is None:
                run.close(errors or ())

    async def subscribe(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        context: Any = None,
        root: Any = None,
        around: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    ) -> AsyncIterator[Outcome] | Outcome:
        """Open a subscription: a stream of outcomes, or the one that tells why there is none.

        `around` makes a block for each event to be answered in; the source waits outside of it.
        """
        return await self.engine.interpreter.subscribe(
            self.document,
            self.name,
            variables=variables,
            context=context,
            root=root,
            around=around,
        )

    def plan(self, conditions: Mapping[str, bool]) -> Plan:
        """Lay out what is asked for when the conditions have these values.

        Raises:
            NotCompilable: the operation is graphql-core's to run; the message says why.
        """
        obstacle = self._obstacle()
        if obstacle is not None:
            raise NotCompilable(obstacle)
        engine = self.engine
        strawberry_schema = engine.surroundings.strawberry_schema
        planner = Planner(engine.schema, strawberry_schema, self.node, self._fragments)
        return planner.plan(VariableValues({}, dict(conditions)))

    def prepare(self) -> list[Program]:
        """Compile every variant now, as far as there are few; return what could be compiled."""
        if not self._is_compilable:
            return []
        ways = list(product((False, True), repeat=len(self.conditions)))[:MAX_VARIANTS]
        found = []
        for way in ways:
            values = dict(zip(self.conditions, way, strict=True))
            program = self._program(VariableValues({}, values))
            if program is not None:
                found.append(program)
        return found

    def _obstacle(self) -> str | None:
        """Say what keeps the whole operation from being compiled, whatever it asks for."""
        if self.kind is OperationType.SUBSCRIPTION:
            return "A subscription."
        if self.node.directives:
            return "Directives on the operation."
        if any(fragment.variable_definitions for fragment in self._fragments.values()):
            return "Fragments with variables."
        return None

    def _program(self, variables: VariableValues) -> Program | None:
        """Return the code for these @skip and @include; None when there can't be any."""
        given = variables.coerced
        way: tuple[Any, ...] = tuple([given.get(name) for name in self.conditions])
        if way in self._programs:
            return self._programs[way]
        if len(self._programs) >= MAX_VARIANTS or not all(type(value) is bool for value in way):
            return None
        self._programs[way] = self._compile(dict(zip(self.conditions, way, strict=True)))
        return self._programs[way]

    def _compile(self, conditions: Mapping[str, bool]) -> Program | None:
        try:
            return compile_plan(self.plan(conditions), self.engine.surroundings)
        except NotCompilable:
            return None
        except Exception:
            # A defect of the compiler costs speed, never an answer.
            log.exception("An operation could not be compiled.", extra={"operation": self.name})
            return None

    def _rests(self) -> bool:
        if self._rest:
            self._rest -= 1
            return True
        return False

    def _succeeded(self) -> None:
        self._failures = 0
        self.figures.compiled += 1
        self.engine.figures.compiled += 1

    def _failed(self) -> None:
        self.figures.fallbacks += 1
        self.engine.figures.fallbacks += 1
        self._failures += 1
        if self._failures >= PATIENCE:
            self._failures = 0
            self._rest = PAUSE

    async def _interpret(
        self,
        variables: Mapping[str, Any] | None,
        context: Any,
        root: Any,
        memory: Memory | None = None,
    ) -> Outcome:
        self.figures.interpreted += 1
        self.engine.figures.interpreted += 1
        return await self.engine.interpreter.run(
            self.document,
            self.name,
            variables=variables,
            context=context,
            root=root,
            memory=memory,
        )


def _conditions(document: DocumentNode) -> list[str]:
    """Return the variables that any @skip or @include of the document looks at."""
    found: dict[str, None] = {}

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value not in ("skip", "include"):
                return
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    found[argument.value.name.value] = None

    visit(document, Conditions())
    return list(found)
