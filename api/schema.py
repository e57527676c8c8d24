"""The member schema, put together from the areas."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter, ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from resolvers.common.scalars import SCALARS
from resolvers.member.schema import Mutation, Query

MAX_TOKENS = 1_500
"""The largest page of ours has some 250; a document beyond is refused before it is parsed.

Validation compares fields of one name with each other: the worst document of this length takes a
core for 0.4 s, one of twice the length more than a second.
"""
CACHED_OPERATIONS = 128
"""Ours are some fifty. The largest documents take 0.6 MB each, and anybody may send them."""


class MemberSchema(strawberry.Schema):
    """The schema; errors are told and logged by the endpoint, once, with the request's id."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave the logging to the endpoint."""


def _extensions() -> list[Callable[[], SchemaExtension]]:
    return [
        lambda: ParserCache(maxsize=CACHED_OPERATIONS),
        lambda: ValidationCache(maxsize=CACHED_OPERATIONS),
        lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
    ]


@cache
def member_schema() -> MemberSchema:
    """Return the one schema of this process."""
    return MemberSchema(
        query=Query,
        mutation=Mutation,
        extensions=_extensions(),
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=False),
    )
