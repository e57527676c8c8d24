"""What a schema asks of its executor is done, or the engine says that it isn't."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import strawberry
from strawberry.directive import DirectiveLocation, DirectiveValue
from strawberry.extensions import (
    MaskErrors,
    ParserCache,
    QueryDepthLimiter,
    SchemaExtension,
    ValidationCache,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from executor.engine import Engine
from executor.unsupported import UnsupportedSchema


@strawberry.type
class Query:
    name: str = "Ann"


class Timed(SchemaExtension):
    """Says how long it took."""

    async def on_execute(self) -> AsyncIterator[None]:
        yield

    def get_results(self) -> dict[str, Any]:
        return {"seconds": 1}


class Loud(SchemaExtension):
    """Changes values."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        return str(_next(root, info, *args, **kwargs)).upper()


class Old(SchemaExtension):
    """Has a hook that is no generator."""

    def on_operation(self) -> Iterator[None]:
        return iter([])


class Marks(SchemaExtension):
    """Has no hook: nothing is lost without it."""

    colour = "green"


@strawberry.directive(locations=[DirectiveLocation.FIELD], description="In capitals.")
def shout_it(value: DirectiveValue[str]) -> str:
    return value.upper()


class OwnContext(StrawberryGraphQLCoreExecutionContext):
    """Runs operations in its own way."""


def refused(schema: strawberry.Schema, **options: Any) -> list[str]:
    with pytest.raises(UnsupportedSchema) as caught:
        Engine(schema, **options)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("compiles", [True, False])
def test_all_that_would_not_be_run_is_named(compiles: bool) -> None:
    schema = strawberry.Schema(
        Query,
        extensions=[Timed, Loud, lambda: QueryDepthLimiter(5), Marks, Old, MaskErrors],
        directives=[shout_it],
    )
    assert refused(schema, compiles=compiles) == [
        "The executor doesn't run what this schema has:",
        "- the schema extension Timed (on_execute, get_results)",
        "- the schema extension Loud (resolve)",
        "- the schema extension QueryDepthLimiter: Limits.depth does its work",
        "- the schema extension Old (on_operation)",
        "- the schema extension MaskErrors: `tell` of the endpoint does its work",
        "- the operation directive @shoutIt",
    ]


def test_a_subclass_is_known_by_what_it_overrides() -> None:
    class Milder(MaskErrors):
        """Masks less."""

    assert refused(strawberry.Schema(Query, extensions=[Milder])) == [
        "The executor doesn't run what this schema has:",
        "- the schema extension Milder (on_operation, on_stream_result)",
    ]


def test_a_subclass_of_a_cache_may_do_more() -> None:
    class Counting(ParserCache):
        """Counts what it keeps."""

    assert refused(strawberry.Schema(Query, extensions=[Counting])) == [
        "The executor doesn't run what this schema has:",
        "- the schema extension Counting (on_parse)",
    ]


def test_a_schema_that_hears_of_errors_itself() -> None:
    class Logged(strawberry.Schema):
        """Logs errors in its own way."""

        def process_errors(self, errors: Any, execution_context: Any = None) -> None:
            raise AssertionError

    assert refused(Logged(Query)) == [
        "The executor doesn't run what this schema has:",
        "- its own `process_errors`: `tell` of the endpoint hears of errors",
    ]


def test_extensions_without_which_nothing_changes_are_let_be() -> None:
    extensions: list[Any] = [Marks, lambda: ParserCache(maxsize=10), ValidationCache]
    Engine(strawberry.Schema(Query, extensions=extensions))


def test_compiled_code_knows_no_execution_context_of_ones_own() -> None:
    schema = strawberry.Schema(Query, execution_context_class=OwnContext)
    assert refused(schema) == [
        "The executor doesn't run what this schema has:",
        "- the execution context OwnContext: only `compiles=False` uses it",
    ]
    engine = Engine(schema, compiles=False)
    assert issubclass(engine.interpreter._executor_class, OwnContext)
