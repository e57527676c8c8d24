"""A library's books: a small schema that reads a field in every way there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import Enum
from typing import Any

import strawberry
from strawberry.permission import BasePermission

from executor.costs import cost
from executor.fields import BatchInfo, batched, item, selected
from executor.hints import public


@strawberry.enum
class Genre(Enum):
    POETRY = "poetry"
    PROSE = "prose"


@strawberry.interface
class Titled:
    title: str


@strawberry.type
class Author:
    name: str

    @strawberry.field
    def initial(self) -> str:
        return self.name[0]

    @batched()
    @staticmethod
    async def born(authors: Sequence[Author], info: BatchInfo) -> list[int]:
        note(info, "born", [author.name for author in authors])
        return [YEARS[author.name] for author in authors]


class IsReader(BasePermission):
    """Lets those pass who have a card."""

    message = "Readers only."

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return bool(info.context.get("card"))


@strawberry.type
class Book(Titled):
    title: str
    row: strawberry.Private[dict[str, Any]]
    genre: Genre = Genre.PROSE
    isbn: str | None = item("isbn", of="row")
    pages: int = item("pages", of="row", convert=int)

    @strawberry.field
    def is_thick(self) -> bool:
        return int(self.row["pages"]) > 400

    @batched(metadata=public("authors"))
    @staticmethod
    async def authors(
        books: Sequence[Book], info: BatchInfo, first: int = 10
    ) -> list[list[Author]]:
        note(info, "authors", [book.title for book in books], first)
        return [[Author(name=name) for name in book.row["authors"][:first]] for book in books]

    @strawberry.field
    async def stars(self, info: strawberry.Info, out_of: int = 5) -> float | None:
        return None if self.isbn is None else out_of / 2

    @strawberry.field(permission_classes=[IsReader])
    def shelf(self) -> str:
        return "A1"


@strawberry.type
class Magazine(Titled):
    title: str
    issue: int


@strawberry.type
class Query:
    @strawberry.field(metadata={**public("books", seconds=60), **cost(items=20)})
    def books(self, info: strawberry.Info, genre: Genre | None = None) -> list[Book]:
        note(info, "books", sorted(selected(info)))
        return [book for book in BOOKS if genre in (None, book.genre)]

    @strawberry.field
    async def book(self, id: strawberry.ID) -> Book | None:
        return BOOKS[int(id)] if int(id) < len(BOOKS) else None

    @strawberry.field
    def titled(self) -> list[Titled]:
        return [BOOKS[0], Magazine(title="Monthly", issue=7)]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def lend(self, info: strawberry.Info, id: strawberry.ID) -> Book | None:
        note(info, "lend", id)
        return BOOKS[int(id)]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def returned(self) -> AsyncIterator[str]:
        yield "Moon"


def note(info: Any, *what: Any) -> None:
    """Remember a call in the request's context, if it keeps notes."""
    notes = info.context.get("notes") if isinstance(info.context, dict) else None
    if notes is not None:
        notes.append(what)


YEARS = {"Li": 1901, "Du": 1902, "Bai": 1903}
BOOKS = [
    Book(
        title="Moon",
        genre=Genre.POETRY,
        row={"isbn": "1-1", "pages": "120", "authors": ["Li", "Bai"]},
    ),
    Book(title="Spring", row={"isbn": None, "pages": "512", "authors": ["Du"]}),
]

SCHEMA = strawberry.Schema(Query, Mutation, Subscription, types=[Book, Magazine])
