"""What stands around Strawberry's resolvers: permissions, extensions, exception handlers."""

import asyncio
from typing import Any, cast

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.field_extensions import InputMutationExtension
from strawberry.permission import BasePermission, PermissionExtension

from tests.executor.cases.check import Case, both, check, error, run, table

# Permissions.


class IsKnown(BasePermission):
    """Lets those pass who are known; says with what it was asked."""

    message = "Not known."

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        info.context["asked"].append(("known", info.path.as_list(), kwargs))
        return bool(info.context["known"])


class IsKnownLater(IsKnown):
    """The same, which has to be waited for."""

    message = "Not known, later."

    async def has_permission(  # type: ignore[override]
        self, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> bool:
        await asyncio.sleep(0)
        return super().has_permission(source, info, **kwargs)


class Forbidden(GraphQLError):
    """An error class of the project's own."""


class IsOwner(BasePermission):
    """Looks at the object, and refuses with a code."""

    message = "Not yours."
    error_class = Forbidden
    error_extensions = {"code": "FORBIDDEN"}  # noqa: RUF012 (Strawberry reads it from the class)

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return bool(source.owner == info.context["known"])


class Odd(BasePermission):
    """Answers with what is no boolean."""

    message = "Odd."

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return cast("bool", "yes")


@strawberry.type
class Secret:
    owner: str
    word: str = strawberry.field(permission_classes=[IsOwner])
    silent: str | None = strawberry.field(
        default="silence", extensions=[PermissionExtension([IsOwner()], fail_silently=True)]
    )
    silent_list: list[str] = strawberry.field(
        default_factory=lambda: ["a"],
        extensions=[PermissionExtension([IsOwner()], fail_silently=True)],
    )

    @strawberry.field(permission_classes=[IsKnown, IsOwner])
    def both(self) -> str | None:
        return f"both of {self.owner}"

    @strawberry.field(permission_classes=[IsKnownLater])
    async def later(self, n: int = 3) -> int | None:
        return n

    @strawberry.field(permission_classes=[IsKnownLater])
    def sooner(self) -> str | None:
        return "sooner"

    @strawberry.field(permission_classes=[Odd])
    def odd(self) -> str | None:
        return "odd"


@strawberry.type
class PermissionQuery:
    @strawberry.field
    def secret(self, owner: str = "ann") -> Secret | None:
        return Secret(owner=owner, word=f"word of {owner}")

    @strawberry.field
    def secrets(self) -> list[Secret]:
        return [Secret(owner=owner, word=owner) for owner in ("ann", "bob")]


@strawberry.type
class PermissionMutation:
    @strawberry.mutation(permission_classes=[IsKnown])
    def change(self, info: strawberry.Info, to: int) -> int | None:
        info.context["asked"].append(("changed", to))
        return to


GUARDED = strawberry.Schema(PermissionQuery, PermissionMutation)
ODD = (
    "Permission 'Odd' returned a value of type 'str' from `has_permission`, but permissions must"
    " return a boolean. Return `True` to grant access or `False` to deny it."
)


def ann(**others: Any) -> dict[str, Any]:
    return {"known": "ann", "asked": [], **others}


def nobody() -> dict[str, Any]:
    return {"known": "", "asked": []}


NOT_YOURS = {"code": "FORBIDDEN"}


@both
@table(
    Case(
        "granted",
        "{ secret { word both later(n: 5) sooner silent silentList } }",
        {
            "secret": {
                "word": "word of ann",
                "both": "both of ann",
                "later": 5,
                "sooner": "sooner",
                "silent": "silence",
                "silentList": ["a"],
            }
        },
        context=ann(),
    ),
    Case(
        "refused by the object, with a code, where a value must be",
        '{ secret(owner: "bob") { owner word } }',
        {"secret": None},
        (error("Not yours.", "secret", "word", extensions=NOT_YOURS),),
        context=ann(),
    ),
    Case(
        "refused one of two",
        '{ secret(owner: "bob") { both } }',
        {"secret": {"both": None}},
        (error("Not yours.", "secret", "both", extensions=NOT_YOURS),),
        context=ann(),
    ),
    Case(
        "the first that refuses speaks",
        '{ secret(owner: "bob") { both } }',
        {"secret": {"both": None}},
        (error("Not known.", "secret", "both"),),
        context=nobody(),
    ),
    Case(
        "refused later, before resolvers of both kinds",
        "{ secret { later sooner } }",
        {"secret": {"later": None, "sooner": None}},
        (
            error("Not known, later.", "secret", "later"),
            error("Not known, later.", "secret", "sooner"),
        ),
        context=nobody(),
    ),
    Case(
        "refused silently",
        "{ secrets { silent silentList } }",
        {
            "secrets": [
                {"silent": "silence", "silentList": ["a"]},
                {"silent": None, "silentList": []},
            ]
        },
        context=ann(),
    ),
    Case(
        "refused for one of a list",
        "{ secrets { both } }",
        {"secrets": [{"both": "both of ann"}, {"both": None}]},
        (error("Not yours.", "secrets", 1, "both", extensions=NOT_YOURS),),
        context=ann(),
    ),
    Case(
        "a permission that doesn't say yes or no",
        "{ secret { odd } }",
        {"secret": {"odd": None}},
        (error(ODD, "secret", "odd"),),
        context=ann(),
    ),
)
async def test_permissions(case: Case, compiles: bool) -> None:
    await check(GUARDED, case, compiles=compiles)


@both
async def test_a_refused_mutation_changes_nothing(compiles: bool) -> None:
    context = nobody()
    query = "mutation { a: change(to: 1) b: change(to: 2) }"
    outcome = await run(GUARDED, query, compiles=compiles, context=context)
    assert outcome.data == {"a": None, "b": None}
    assert context["asked"] == [("known", ["a"], {"to": 1}), ("known", ["b"], {"to": 2})]
    context = ann()
    outcome = await run(GUARDED, query, compiles=compiles, context=context)
    assert outcome.data == {"a": 1, "b": 2}
    assert context["asked"][1::2] == [("changed", 1), ("changed", 2)]


# Field extensions.


class Shouts(FieldExtension):
    """Changes arguments on the way in and the answer on the way out."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        if "text" in kwargs:
            kwargs["text"] += self.mark
        return str(next_(source, info, **kwargs)).upper() + self.mark

    async def resolve_async(
        self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        return str(await next_(source, info, **kwargs)).upper() + self.mark


class LaterOnly(FieldExtension):
    """Can only wait."""

    async def resolve_async(
        self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        await asyncio.sleep(0)
        return await next_(source, info, **kwargs)


class Stops(FieldExtension):
    """Never asks the resolver."""

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        if info.context == "raise":
            raise ValueError("stopped")
        return None


@strawberry.type
class Extended:
    plain: str = strawberry.field(default="plain", extensions=[Shouts("?")])

    @strawberry.field(extensions=[Shouts("!"), Shouts("?")])
    def now(self, text: str = "now") -> str:
        return text

    @strawberry.field(extensions=[Shouts("!"), LaterOnly()])
    async def later(self, text: str) -> str:
        return text

    @strawberry.field(extensions=[Stops()])
    def stopped(self) -> str | None:
        raise AssertionError

    @strawberry.field
    def again(self) -> "Extended":
        return Extended()


@strawberry.type
class ExtendedMutation:
    @strawberry.mutation(extensions=[InputMutationExtension()])
    def add(self, first: int, second: int = 4) -> int:
        return first + second


EXTENDED = strawberry.Schema(Extended, ExtendedMutation)


@both
@table(
    Case(
        "around resolvers and plain fields",
        '{ plain now again { plain now(text: "x") } later(text: "y") }',
        {
            "plain": "PLAIN?",
            "now": "NOW?!!?",
            "again": {"plain": "PLAIN?", "now": "X?!!?"},
            "later": "Y!",
        },
        root=Extended,
    ),
    Case("that never ask", "{ stopped }", {"stopped": None}, root=Extended),
    Case(
        "that fail",
        "{ again { stopped } }",
        {"again": {"stopped": None}},
        (error("stopped", "again", "stopped"),),
        root=Extended,
        context="raise",
    ),
    Case(
        "that make an input of the arguments",
        "mutation { a: add(input: {first: 1, second: 2}) b: add(input: {first: 1}) }",
        {"a": 3, "b": 5},
    ),
)
async def test_field_extensions(case: Case, compiles: bool) -> None:
    await check(EXTENDED, case, compiles=compiles)


# Exceptions that become types of the schema.


@strawberry.type
class NotFound:
    what: str


@strawberry.type
class Found:
    what: str


class Missing(Exception):
    """There is no such thing."""


class MissingToType(strawberry.ExceptionHandler[Missing, NotFound]):
    """Turns it into a type, unless it has nothing to say."""

    def handle(self, exception: Missing, *, field: Any, info: Any) -> NotFound | None:
        if not exception.args:
            return None
        return NotFound(what=f"{exception.args[0]} at {info.path.key}")


@strawberry.type
class HandledQuery:
    @strawberry.field
    def find(self, what: str) -> Found | NotFound | None:
        if what == "silent":
            raise Missing
        if what == "other":
            raise ValueError("other")
        if what != "book":
            raise Missing(what)
        return Found(what=what)

    @strawberry.field
    async def find_later(self, what: str) -> Found | NotFound | None:
        raise Missing(what)

    @strawberry.field
    def plain(self) -> Found | None:
        raise Missing("unhandled")


HANDLED = strawberry.Schema(HandledQuery, exception_handlers=[MissingToType()])


@both
@table(
    Case(
        "into a type",
        """{
          a: find(what: "book") { ...F } b: find(what: "hat") { ...F }
          c: findLater(what: "hat") { ...F }
        }
        fragment F on FoundNotFound {
          __typename ... on Found { what } ... on NotFound { what }
        }""",
        {
            "a": {"__typename": "Found", "what": "book"},
            "b": {"__typename": "NotFound", "what": "hat at b"},
            "c": {"__typename": "NotFound", "what": "hat at c"},
        },
        root=HandledQuery,
    ),
    Case(
        "but not all of them, and not everywhere",
        """{
          a: find(what: "silent") { __typename } b: find(what: "other") { __typename }
          plain { what }
        }""",
        {"a": None, "b": None, "plain": None},
        (error("", "a"), error("other", "b"), error("unhandled", "plain")),
        root=HandledQuery,
    ),
)
async def test_exception_handlers(case: Case, compiles: bool) -> None:
    await check(HANDLED, case, compiles=compiles)
