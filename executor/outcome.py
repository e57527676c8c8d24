"""What running an operation gives."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphql import GraphQLError


class Outcome(NamedTuple):
    """Data and errors of one run, or the errors of a request that was never run.

    `was_run` is False when the request was refused before any resolver ran: syntax, validation,
    limits, variables. Such an answer has no `data` at all (GraphQL, section 7.1.2 "Data"). A tuple,
    since one is made for each run.
    """

    data: dict[str, Any] | None
    errors: list[GraphQLError] | None = None
    was_run: bool = True

    @classmethod
    def refused(cls, *errors: GraphQLError) -> Outcome:
        """Return the outcome of a request that nothing was run for."""
        return cls(data=None, errors=list(errors), was_run=False)
