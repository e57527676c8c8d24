"""Hostile variables, and bodies that are hardly JSON: over HTTP and WebSocket alike."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import orjson

from tests.executor.hostile.kinds import Kind, asked
from tests.executor.hostile.wire import Seen

KINDS: list[Kind] = []
PRODUCTS = """
query ($first: Int, $filter: ProductFilter) {
  products(first: $first, filter: $filter) { nodes { id } }
}
"""
PRODUCT = "query ($id: ID!) { product(id: $id) { id } }"
QUOTE = "query ($draft: OrderDraftInput!) { quoteOrder(input: $draft) { payable } }"
MEGABYTE = 1 << 20


def _variables(name: str, text: str, told: str, *, status: int = 400, **values: Any) -> None:
    body = orjson.dumps({"query": text, "variables": values})
    KINDS.extend(asked(name, lambda: body, (status, told)))


def _body(
    name: str,
    body: bytes | Callable[[], bytes],
    over_http: Seen,
    over_websocket: Seen | None = None,
) -> None:
    made = body if callable(body) else lambda: body
    KINDS.extend(asked(name, made, over_http, over_websocket))


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]}
    return value


def _extensions(name: str, told: str, extensions: Any, **members: Any) -> None:
    body = orjson.dumps({**members, "extensions": extensions})
    KINDS.extend(asked(name, lambda: body, (400, told)))


# Values.
_variables(
    "a variable too many bits wide",
    PRODUCTS,
    "Variable '$first' has invalid value: Int cannot represent no…",
    first=2**31,
)
_variables(
    "a variable of 64 bits",
    PRODUCTS,
    "Variable '$first' has invalid value: Int cannot represent no…",
    first=2**64 - 1,
)
_variables(
    "a fraction for a whole",
    PRODUCTS,
    "Variable '$first' has invalid value: Int cannot represent non-integer value: 1.5",
    first=1.5,
)
_variables(
    "a text for a number",
    PRODUCTS,
    "Variable '$first' has invalid value: Int cannot represent non-integer value: '1'",
    first="1",
)
_variables(
    "a truth for a number",
    PRODUCTS,
    "Variable '$first' has invalid value: Int cannot represent non-integer value: True",
    first=True,
)
_variables("an id that is a huge number", PRODUCT, '{"product":null}', status=200, id=2**63)
_variables(
    "an id of two hundred kilobytes", PRODUCT, '{"product":null}', status=200, id="x" * 200_000
)
_variables(
    "an id that is a list",
    PRODUCT,
    "Variable '$id' has invalid value: ID cannot represent value: ['x']",
    id=["x"],
)
_variables(
    "a variable that isn't there",
    PRODUCT,
    "Variable '$id' has invalid value: Expected a value of non-nu…",
)
_variables(
    "NUL in a variable", PRODUCTS, '{"products":{"nodes":[]}}', status=200, filter={"keyword": "\0"}
)
_variables(
    "words by the thousand",
    PRODUCTS,
    "filter.keyword: at most 64 characters are expected.",
    status=200,
    filter={"keyword": "a " * 50_000},
)
_variables(
    "an input of a hundred levels",
    PRODUCTS,
    "Variable '$filter' has invalid value: Expected value of type…",
    filter=_deep(100),
)
_variables(
    "unknown members by the thousand",
    PRODUCTS,
    "Variable '$filter' has invalid value: Expected value of type…",
    filter={f"a{n}": n for n in range(5_000)},
)
_variables(
    "a list of seven thousand inputs",
    QUOTE,
    "UNAUTHENTICATED: Please sign in first.",
    status=200,
    draft={"lines": [{"skuId": "x", "quantity": 1}] * 7_000},
)
_variables(
    "a list of ten thousand nulls",
    QUOTE,
    "Variable '$draft' has invalid value at .couponIds[0]: Expect…",
    draft={"couponIds": [None] * 10_000},
)
_variables(
    "a list of ten thousand ids",
    QUOTE,
    "UNAUTHENTICATED: Please sign in first.",
    status=200,
    draft={"couponIds": ["x"] * 10_000},
)
_variables(
    "ten thousand variables that nobody asked for",
    "{ __typename }",
    '{"__typename":"Query"}',
    status=200,
    **{f"v{n}": n for n in range(10_000)},
)
_variables(
    "a variable named like Python's insides",
    PRODUCTS,
    '{"products":{"nodes":[]}}',
    status=200,
    filter={"keyword": "zzz"},
    __class__=1,
    self=2,
)

# Hashes instead of documents.
HASH = sha256(b"{ __typename }").hexdigest()
_extensions(
    "a hash that nobody knows",
    "PERSISTED_QUERY_NOT_FOUND: PersistedQueryNotFound",
    {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}},
)
_extensions(
    "a hash of another document",
    "The hash is not the one of the document.",
    {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}},
    query="{ __typename }",
)
_extensions(
    "a hash of a later version",
    "`persistedQuery` has no version 1.",
    {"persistedQuery": {"version": 2, "sha256Hash": HASH}},
    query="{ __typename }",
)
_extensions(
    "a hash that is a number",
    "`persistedQuery` has no text `sha256Hash`.",
    {"persistedQuery": {"version": 1, "sha256Hash": 1}},
)
_extensions(
    "a hash of a hundred kilobytes",
    "PERSISTED_QUERY_NOT_FOUND: PersistedQueryNotFound",
    {"persistedQuery": {"version": 1, "sha256Hash": "a" * 100_000}},
)
_extensions(
    "hashes by the list", "`persistedQuery` has no version 1.", {"persistedQuery": [HASH] * 1_000}
)
_extensions(
    "an id that nobody knows",
    "PERSISTED_QUERY_NOT_FOUND: No document is known by the id 's…",
    {},
    documentId="sha256:" + "0" * 64,
)
_extensions(
    "an id that is a path",
    "PERSISTED_QUERY_NOT_FOUND: No document is known by the id '../../etc/passwd'.",
    {},
    documentId="../../etc/passwd",
)

# JSON.
NO_JSON = (400, "The body is no JSON.")
NO_MESSAGE = (4400, "A message is JSON.")
_body("no JSON", b"{", NO_JSON, NO_MESSAGE)
_body("nothing", b"", NO_JSON, NO_MESSAGE)
_body("blanks", b" " * 100_000, NO_JSON, NO_MESSAGE)
_body("a hundred thousand brackets", b"[" * 100_000, NO_JSON, NO_MESSAGE)
_body("forty thousand braces", b'{"a":' * 40_000, NO_JSON, NO_MESSAGE)
_body(
    "an infinite number", b'{"query":"{ __typename }","variables":{"a":1e999}}', NO_JSON, NO_MESSAGE
)
_body(
    "a number of ten thousand digits in JSON",
    b'{"query":"{ __typename }","variables":{"a":' + b"9" * 10_000 + b"}}",
    NO_JSON,
    NO_MESSAGE,
)
_body("not a number", b'{"query":"{ __typename }","variables":{"a":NaN}}', NO_JSON, NO_MESSAGE)
_body("half a surrogate pair in JSON", b'{"query":"{ __typename } # \\ud800"}', NO_JSON, NO_MESSAGE)
_body(
    "a NUL escaped in JSON",
    b'{"query":"{ __typename } # \\u0000"}',
    (200, '{"__typename":"Query"}'),
)
_body("a byte order mark", b'\xef\xbb\xbf{"query":"{ __typename }"}', NO_JSON, NO_MESSAGE)
_body("bad UTF-8", b'{"query":"{ __typename } # \xff\xfe"}', NO_JSON, (1007, "…"))
_body(
    "UTF-8 of half a surrogate pair",
    b'{"query":"{ __typename } # \xed\xa0\x80"}',
    NO_JSON,
    (1007, "…"),
)
_body("UTF-16", '{"query":"{ __typename }"}'.encode("utf-16"), NO_JSON, (1007, "…"))
_body(
    "one member twice",
    b'{"query":"{ nothing }","query":"{ __typename }"}',
    (200, '{"__typename":"Query"}'),
)
_body(
    "twenty thousand members",
    b'{"query":"{ __typename }"' + b"".join(b',"%d":0' % n for n in range(20_000)) + b"}",
    (200, '{"__typename":"Query"}'),
)
_body(
    "a batch",
    b'[{"query":"{ __typename }"}]',
    (400, "One object is expected; there is no batching."),
    (4400, "`payload` is an object."),
)
_body(
    "a batch of five thousand",
    b"[" + b",".join([b'{"query":"{ __typename }"}'] * 5_000) + b"]",
    (400, "One object is expected; there is no batching."),
    (4400, "`payload` is an object."),
)
_body(
    "a text",
    b'"{ __typename }"',
    (400, "One object is expected; there is no batching."),
    (4400, "`payload` is an object."),
)
_body(
    "null",
    b"null",
    (400, "One object is expected; there is no batching."),
    (4400, "`payload` is missing."),
)
_body(
    "a query that is a list",
    b'{"query":["{ __typename }"]}',
    (400, "`query` is the text of a document."),
    (4400, "`query` is the text of a document."),
)
_body(
    "no query",
    b'{"variables":{}}',
    (400, "`query` is missing: the text of a document."),
    (4400, "`query` is missing: the text of a document."),
)
_body(
    "variables that are a list",
    b'{"query":"{ __typename }","variables":[]}',
    (400, "`variables` is an object."),
    (4400, "`variables` is an object."),
)
_body(
    "extensions that are a text",
    b'{"query":"{ __typename }","extensions":"x"}',
    (400, "`extensions` is an object."),
    (4400, "`extensions` is an object."),
)
_body(
    "an operation's name that is an object",
    b'{"query":"{ __typename }","operationName":{}}',
    (400, "`operationName` is a text."),
    (4400, "`operationName` is a text."),
)
_body(
    "two hundred and fifty-six kilobytes",
    lambda: b'{"query":"{ __typename } #' + b"x" * 261_000 + b'"}',
    (400, "The document has 261,016 characters; the limit is 20,000."),
)
_body(
    "a megabyte",
    lambda: b'{"query":"' + b"x" * MEGABYTE + b'"}',
    (413, "The body holds at most 262144 bytes."),
    (1009, "…"),
)
_body(
    "ten megabytes",
    lambda: b'{"query":"' + b"x" * (10 * MEGABYTE) + b'"}',
    (413, "The body holds at most 262144 bytes."),
    (1009, "…"),
)
