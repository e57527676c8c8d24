"""One operation of a document, ready to run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from graphql import DocumentNode, OperationDefinitionNode, OperationType

from executor.outcome import Outcome

if TYPE_CHECKING:
    from executor.engine import Engine


class Operation:
    """An operation: run it as often as you like, from as many tasks as you like."""

    def __init__(
        self, engine: Engine, document: DocumentNode, node: OperationDefinitionNode
    ) -> None:
        self.engine = engine
        self.document = document
        self.node = node
        self.kind: OperationType = node.operation
        self.name: str | None = node.name.value if node.name else None

    async def run(
        self, variables: Mapping[str, Any] | None = None, *, context: Any = None, root: Any = None
    ) -> Outcome:
        """Run a query or a mutation."""
        return await self.engine.interpreter.run(
            self.document, self.name, variables=variables, context=context, root=root
        )

    async def subscribe(
        self, variables: Mapping[str, Any] | None = None, *, context: Any = None, root: Any = None
    ) -> AsyncIterator[Outcome] | Outcome:
        """Open a subscription: a stream of outcomes, or the one that tells why there is none."""
        return await self.engine.interpreter.subscribe(
            self.document, self.name, variables=variables, context=context, root=root
        )
