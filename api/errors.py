"""How clients are told of top-level errors.

Expected refusals are data (`userErrors`); what stands in `errors` always carries `extensions.code`,
and an unexpected failure is masked and logged with the request's id.
"""

from __future__ import annotations

from typing import Any

import structlog
from graphql import GraphQLError

from domain.errors import Busy, DomainError
from executor.telling import cause_of
from resolvers.common.context import Context
from resolvers.common.messages import translate

OURS = ("INTERNAL", "TIMEOUT")
"""Codes by which the executor says that a request failed, and not by its sender's fault."""

log = structlog.get_logger(__name__)


class ErrorTelling:
    """Returns errors as clients see them. With `debug`, unexpected ones with their text."""

    def __init__(self, *, debug: bool) -> None:
        self._debug = debug

    def __call__(self, error: GraphQLError, context: Context | None) -> dict[str, Any]:
        """Tell one error; there is no context yet when a request is refused before it."""
        told: dict[str, Any] = dict(error.formatted)
        cause = cause_of(error)
        if isinstance(cause, DomainError):
            told |= _refusal(cause, error, context)
        elif cause is None or isinstance(cause, GraphQLError):
            extensions = {"code": "BAD_REQUEST", **(error.extensions or {})}
            if extensions["code"] in OURS:
                log.warning("graphql_request_failed", code=extensions["code"])
                extensions |= {"code": "INTERNAL", "requestId": _request_id(context)}
            told["extensions"] = extensions
        else:
            log.error("graphql_field_failed", path=error.path, exc_info=cause)
            shown = repr(cause) if self._debug else "Something went wrong on our side."
            told["message"] = shown
            told["extensions"] = {"code": "INTERNAL", "requestId": _request_id(context)}
        return told


def _refusal(refused: DomainError, error: GraphQLError, context: Context | None) -> dict[str, Any]:
    language = context.language if context is not None else "zh"
    extensions: dict[str, Any] = {"code": "BAD_REQUEST", "userErrorCode": refused.code.value}
    if isinstance(refused, Busy):
        # A mutation says so in its userErrors; a read has none, and the fault is ours.
        log.warning("graphql_field_busy", path=error.path, cause=repr(refused.__cause__))
        extensions["code"] = "INTERNAL"
        extensions["retryAfterSeconds"] = refused.retry_after_seconds
        extensions["requestId"] = _request_id(context)
        if context is not None:
            context.was_busy = True
    message = translate(refused.message, language, **refused.facts)
    return {"message": message, "extensions": extensions}


def _request_id(context: Context | None) -> str:
    if context is not None:
        return context.request_id
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
