"""Relay connections over keyset pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from executor.hints import public
from resolvers.common.errors import bad_request
from services.pages import Page, PageRequest, PageRequestInvalid, page_request

Node = TypeVar("Node")
Row = TypeVar("Row")

First = Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The cursor to go on from.")]


@strawberry.type(description="Where a page of a list stands.")
class PageInfo:
    page: strawberry.Private[Page[Any]]

    @strawberry.field(description="Whether more follows.")
    def has_next_page(self) -> bool:
        return self.page.has_next

    @strawberry.field(description="Whether something came before.")
    def has_previous_page(self) -> bool:
        return self.page.has_previous

    @strawberry.field(description="The first node's cursor.")
    def start_cursor(self) -> str | None:
        rows = self.page.rows
        return self.page.cursor(rows[0]) if rows else None

    @strawberry.field(description="The last node's cursor: the next `after`.")
    def end_cursor(self) -> str | None:
        rows = self.page.rows
        return self.page.cursor(rows[-1]) if rows else None


@strawberry.type(description="A node and its cursor.")
class Edge(Generic[Node]):
    node: Node = strawberry.field(description="The node.")
    cursor: str = strawberry.field(description="Where the node stands in the list.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    nodes: list[Node] = strawberry.field(description="The nodes of the page.")
    page: strawberry.Private[Page[Any]]

    @strawberry.field(description="Where the page stands.")
    def page_info(self) -> PageInfo:
        return PageInfo(page=self.page)

    @strawberry.field(description="The nodes with their cursors.")
    def edges(self) -> list[Edge[Node]]:
        return [
            Edge(node=node, cursor=self.page.cursor(row))
            for node, row in zip(self.nodes, self.page.rows, strict=True)
        ]

    @strawberry.field(
        metadata=public(), description="How many there are in all; computed only when asked for."
    )
    async def total_count(self) -> int:
        return await self.page.count()

    @classmethod
    def of(cls, page: Page[Row], node: Callable[[Row], Node]) -> Connection[Node]:
        """Build the connection from a page of rows."""
        return cls(nodes=[node(row) for row in page.rows], page=page)


def read_page(
    first: int | None, after: str | None, *kinds: type[Any], default: int = 20
) -> PageRequest:
    """Check a list's arguments; a wrong one is a BAD_REQUEST that names it."""
    try:
        return page_request(default if first is None else first, after, *kinds)
    except PageRequestInvalid as error:
        raise bad_request(str(error), argument=error.argument) from error
