"""A Strawberry type in a module of its own, which others name without importing it."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from tests.executor.test_core_cases_strawberry_types import Book


@strawberry.type
class Author:
    name: str

    @strawberry.field
    def books(
        self,
    ) -> list[
        Annotated["Book", strawberry.lazy("tests.executor.test_core_cases_strawberry_types")]
    ]:
        from tests.executor.test_core_cases_strawberry_types import Book

        return [Book(title=f"{self.name}'s", author=self)]
