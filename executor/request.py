"""A GraphQL request as HTTP carries it: a JSON body, or the parameters of a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from graphql import GraphQLError

MAX_PARAMETERS = 100
"""Of a URL. Ours are five; a quarter of a megabyte of others takes 50 ms to read."""

_TEXTS = {
    "query": "`query` is the text of a document.",
    "documentId": "`documentId` is a text.",
    "operationName": "`operationName` is a text.",
}
_OBJECTS = {
    "variables": "`variables` is an object.",
    "extensions": "`extensions` is an object.",
}


class Request(NamedTuple):
    """What a client asks to run, well-formed.

    The document is given by `query`, named by `document_id`, or named by
    `extensions["persistedQuery"]` as Apollo's clients do; or both given and named. A tuple, since
    one is made for each request: a frozen dataclass takes three times as long.
    """

    query: str | None = None
    document_id: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class BadRequest(Exception):
    """This is no GraphQL request: one error for each thing that is wrong with it."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def bad_request(message: str, **extensions: Any) -> GraphQLError:
    """Return the error of a request that can't be taken."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST", **extensions})


def from_json(body: bytes) -> Request:
    """Read a request from a JSON body (GraphQL over HTTP, section "JSON Encoding").

    Raises:
        BadRequest: the body is no JSON object, or a member of it is of a wrong type.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Text that isn't UTF-8 comes here too.
        raise BadRequest(bad_request("The body is no JSON.")) from error
    if type(given) is not dict:
        raise BadRequest(bad_request("One object is expected; there is no batching."))
    return from_members(given)


def from_parameters(query_string: bytes) -> Request:
    """Read a request from a URL's parameters (GraphQL over HTTP, section "GET").

    Raises:
        BadRequest: a parameter can't be read, stands there twice, or is of a wrong type, or there
            are too many.
    """
    if query_string.count(b"&") >= MAX_PARAMETERS:
        raise BadRequest(bad_request(f"A URL has at most {MAX_PARAMETERS} parameters."))
    try:
        pairs = parse_qsl(query_string.decode("ascii"), errors="strict")
    except ValueError as error:  # No ASCII, or no UTF-8 behind the per cent signs.
        raise BadRequest(bad_request("The query string is no text.")) from error
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given and (name in _TEXTS or name in _OBJECTS):
            # Whoever reads along, a proxy or a cache, might believe in the other one.
            raise BadRequest(bad_request(f"`{name}` is given twice.", member=name))
        given[name] = _parsed(name, value) if name in _OBJECTS else value
    return from_members(given)


def _parsed(name: str, value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadRequest(bad_request(f"`{name}` is no JSON.", member=name)) from error


def from_members(given: Mapping[str, Any]) -> Request:
    """Check the members of a request; others than ours are left to the future.

    Raises:
        BadRequest: some are of a wrong type, or none says which document is meant.
    """
    query = given.get("query")
    document_id = given.get("documentId")
    variables = given.get("variables")
    operation_name = given.get("operationName")
    extensions = given.get("extensions")
    if not (
        (query is None or type(query) is str)
        and (document_id is None or type(document_id) is str)
        and (variables is None or type(variables) is dict)
        and (operation_name is None or type(operation_name) is str)
        and (extensions is None or type(extensions) is dict)
        and (query or document_id or (extensions and "persistedQuery" in extensions))
    ):
        raise BadRequest(*_faults(given))
    # An empty text stands for none (section "GET"; clients send it in bodies, too).
    return Request(
        query or None, document_id or None, variables, operation_name or None, extensions
    )


def _faults(given: Mapping[str, Any]) -> list[GraphQLError]:
    """Name each wrong member of a request that isn't sound."""
    faults = [
        bad_request(message, member=name)
        for kind, messages in ((str, _TEXTS), (dict, _OBJECTS))
        for name, message in messages.items()
        if not isinstance(given.get(name), kind | None)
    ]
    return faults or [bad_request("`query` is missing: the text of a document.", member="query")]
