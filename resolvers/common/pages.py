"""Relay connections over keyset pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, cast

import strawberry

from executor.fields import derived
from executor.hints import public
from resolvers.common.errors import bad_request
from services.pages import Page, PageRequest, PageRequestInvalid, page_request

Node = TypeVar("Node")
Row = TypeVar("Row")

First = Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The cursor to go on from.")]


def _has_next(page: Page[Any], _context: object) -> bool:
    return page.has_next


def _has_previous(page: Page[Any], _context: object) -> bool:
    return page.has_previous


def _start_cursor(page: Page[Any], _context: object) -> str | None:
    return page.cursor(page.rows[0]) if page.rows else None


def _end_cursor(page: Page[Any], _context: object) -> str | None:
    return page.cursor(page.rows[-1]) if page.rows else None


@strawberry.type(description="Where a page of a list stands.")
class PageInfo:
    """Its source is the page."""

    has_next_page: bool = derived(_has_next, metadata=public(), description="Whether more follows.")
    has_previous_page: bool = derived(
        _has_previous, metadata=public(), description="Whether something came before."
    )
    start_cursor: str | None = derived(
        _start_cursor, metadata=public(), description="The first node's cursor."
    )
    end_cursor: str | None = derived(
        _end_cursor, metadata=public(), description="The last node's cursor: the next `after`."
    )


def _page(connection: Connection[Any], _context: object) -> Page[Any]:
    return connection.page


class EdgeView(NamedTuple):
    """A node, and what its cursor is made from when it is asked for."""

    node: Any
    page: Page[Any]
    row: Any


def _cursor(edge: EdgeView, _context: object) -> str:
    return edge.page.cursor(edge.row)


@strawberry.type(description="A node and its cursor.")
class Edge(Generic[Node]):
    """Its source is an `EdgeView`."""

    node: Node = strawberry.field(description="The node.")
    cursor: str = derived(
        _cursor, metadata=public(), description="Where the node stands in the list."
    )


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    nodes: list[Node] = strawberry.field(description="The nodes of the page.")
    page: strawberry.Private[Page[Any]]
    page_info: PageInfo = derived(_page, metadata=public(), description="Where the page stands.")

    @strawberry.field(description="The nodes with their cursors.")
    def edges(self) -> list[Edge[Node]]:
        edges = [
            EdgeView(node, self.page, row)
            for node, row in zip(self.nodes, self.page.rows, strict=True)
        ]
        return cast("list[Edge[Node]]", edges)

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
