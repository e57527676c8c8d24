"""Failures as the API tells them: `userErrors` for a refusal, `errors` for a broken request."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLError

from domain.errors import DomainError, ErrorCode
from resolvers.common.messages import Language, translate

strawberry.enum(
    ErrorCode, name="UserErrorCode", description="What went wrong; clients branch by it."
)


@strawberry.type(description="An expected refusal, fit to show to a person.")
class UserError:
    code: ErrorCode = strawberry.field(description="What went wrong; clients branch by it.")
    message: str = strawberry.field(
        description="Shown to a person: Chinese unless Accept-Language prefers English."
    )
    path: list[str] | None = strawberry.field(
        default=None, description='Path into the input, e.g. ["lines", "0", "quantity"].'
    )
    retry_after_seconds: int | None = strawberry.field(
        default=None, description="When to come back, where waiting helps."
    )

    @classmethod
    def of(cls, error: DomainError, language: Language) -> UserError:
        """Tell a refusal in the caller's language."""
        return cls(
            code=error.code,
            message=translate(error.message, language, **error.facts),
            path=list(error.path) or None,
            retry_after_seconds=error.retry_after_seconds,
        )


class ApiError(GraphQLError):
    """A broken request, told in the top-level `errors` with `extensions.code`; not masked."""

    def __init__(self, code: str, message: str, **extensions: Any) -> None:
        super().__init__(message, extensions={"code": code, **extensions})


def unauthenticated() -> ApiError:
    """Return the error of a missing, wrong or revoked token."""
    return ApiError("UNAUTHENTICATED", "Please sign in first.")


def bad_request(message: str, *, argument: str | None = None) -> ApiError:
    """Return the error of an argument that can't be taken; `argument` names it."""
    return ApiError("BAD_REQUEST", message, **({"argument": argument} if argument else {}))
