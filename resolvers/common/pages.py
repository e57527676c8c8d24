"""Relay connections over keyset pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from resolvers.common.errors import bad_request
from services.pages import Page, PageRequest, PageRequestInvalid, page_request

Node = TypeVar("Node")
Row = TypeVar("Row")

First = Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The cursor to go on from.")]


@strawberry.type(description="Where a page of a list stands.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows.")
    has_previous_page: bool = strawberry.field(description="Whether something came before.")
    start_cursor: str | None = strawberry.field(description="The first node's cursor.")
    end_cursor: str | None = strawberry.field(
        description="The last node's cursor: the next `after`."
    )


@strawberry.type(description="A node and its cursor.")
class Edge(Generic[Node]):
    node: Node = strawberry.field(description="The node.")
    cursor: str = strawberry.field(description="Where the node stands in the list.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    nodes: list[Node] = strawberry.field(description="The nodes of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    cursors: strawberry.Private[Sequence[str]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="The nodes with their cursors.")
    def edges(self) -> list[Edge[Node]]:
        return [
            Edge(node=node, cursor=cursor)
            for node, cursor in zip(self.nodes, self.cursors, strict=True)
        ]

    @strawberry.field(description="How many there are in all; computed only when asked for.")
    async def total_count(self) -> int:
        return await self.count()

    @classmethod
    def of(cls, page: Page[Row], node: Callable[[Row], Node]) -> Connection[Node]:
        """Build the connection from a page of rows."""
        return cls(
            nodes=[node(row) for row in page.rows],
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=page.cursors[0] if page.cursors else None,
                end_cursor=page.cursors[-1] if page.cursors else None,
            ),
            cursors=page.cursors,
            count=page.count,
        )


def read_page(
    first: int | None, after: str | None, *kinds: type[Any], default: int = 20
) -> PageRequest:
    """Check a list's arguments; a wrong one is a BAD_REQUEST that names it."""
    try:
        return page_request(default if first is None else first, after, *kinds)
    except PageRequestInvalid as error:
        raise bad_request(str(error), argument=error.argument) from error
