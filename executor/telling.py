"""How clients are told of errors: what nobody expected is logged, and says nothing of its cause."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from graphql import GraphQLError

from executor.tracebacks import drop_tracebacks

ContextT = TypeVar("ContextT")

log = logging.getLogger(__name__)


def cause_of(error: GraphQLError) -> Exception | None:
    """Return the exception that a resolver raised; None for an error of GraphQL's own.

    A GraphQLError that a resolver raised is meant for the client: it is its own cause.
    """
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def masked(error: GraphQLError, _context: object) -> dict[str, Any]:
    """Return an error as a client may see it: as it is if it was meant for the client."""
    told: dict[str, Any] = dict(error.formatted)
    cause = cause_of(error)
    if cause is not None and not isinstance(cause, GraphQLError):
        log.error("a field failed: %s", error.path, exc_info=cause)
        told["message"] = "Something went wrong on our side."
        told["extensions"] = {"code": "INTERNAL"}
    return told


def tell_all(
    errors: Iterable[GraphQLError],
    tell: Callable[[GraphQLError, ContextT], Mapping[str, Any]],
    context: ContextT,
) -> list[Mapping[str, Any]]:
    """Return errors as `tell` has clients see them. Nobody looks at their tracebacks after that."""
    errors = tuple(errors)
    told = [tell(error, context) for error in errors]
    drop_tracebacks(errors)
    return told
