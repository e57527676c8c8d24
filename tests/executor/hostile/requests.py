"""Hostile requests that only HTTP knows: heads, bodies and connections that lie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from tests.executor.hostile.kinds import HTTP, Kind
from tests.executor.hostile.wire import GONE, SILENT, Seen, Target, head, post

KINDS: list[Kind] = []
GOOD = b'{"query":"{ __typename }"}'
ANSWER: Seen = (200, '{"__typename":"Query"}')
TYPENAME = quote("{ __typename }")
MEGABYTE = 1 << 20

Act = Callable[[Target], Awaitable[Seen]]


def _sent(
    name: str, request: bytes | Callable[[], bytes], expected: Seen, *, waits: bool = False
) -> None:
    """Add a kind that is one request, and its answer."""

    async def act(target: Target) -> Seen:
        return await target.ask(request() if callable(request) else request)

    KINDS.append(Kind(name, HTTP, act, expected, waits=waits))


def _done(name: str, expected: Seen, *, waits: bool = False) -> Callable[[Act], Act]:
    """Add a kind that is more than one request."""

    def add(act: Act) -> Act:
        KINDS.append(Kind(name, HTTP, act, expected, waits=waits))
        return act

    return add


def _get(path: str, method: str = "GET", **headers: str | None) -> bytes:
    return head(f"{method} {path} HTTP/1.1", content_type=None, **headers)


FOLLOWING = 'subscription { orderChanged(orderId: "1") { id } }'

# Methods and parameters.
_sent(
    "a mutation by GET",
    _get(f"/graphql?query={quote('mutation { signOut { userErrors { code } } }')}"),
    (405, "Mutations come by POST."),
)
_sent(
    "a subscription by GET",
    _get(f"/graphql?query={quote(FOLLOWING)}"),
    (400, "Subscriptions come by WebSocket."),
)
_sent(
    "a query twice",
    _get(f"/graphql?query={TYPENAME}&query={TYPENAME}"),
    (400, "`query` is given twice."),
)
_sent("no parameters", _get("/graphql"), (400, "`query` is missing: the text of a document."))
_sent(
    "parameters of bad UTF-8", _get("/graphql?query=%ff%fe"), (400, "The query string is no text.")
)
_sent(
    "parameters with NUL",
    _get("/graphql?query=%00"),
    (400, "Syntax Error: Unexpected character: U+0000."),
)
_sent(
    "variables that are no JSON",
    _get(f"/graphql?query={TYPENAME}&variables=[" + "[" * 5_000),
    (400, "`variables` is no JSON."),
)
_sent(
    "parameters by the thousand",
    _get(f"/graphql?query={TYPENAME}" + "".join(f"&a{n}=1" for n in range(3_000))),
    (400, "A URL has at most 100 parameters."),
)
_sent(
    "a url of a megabyte",
    lambda: _get("/graphql?query=" + "x" * MEGABYTE),
    (431, "Request Header Fields Too Large"),
)
for _method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
    _sent(
        f"the method {_method}", _get("/graphql", _method), (405, "Use POST, or GET for queries.")
    )
_sent("a method that isn't one", _get("/graphql", "STEAL"), (400, "Invalid HTTP request received."))
_sent(
    "CONNECT",
    b"CONNECT mall:443 HTTP/1.1\r\nhost: mall\r\n\r\n",
    (400, "Invalid HTTP request received."),
)

# Content types.
for _type in (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/graphql",
    "application/json; charset=utf-16",
    "application/json, text/plain",
    "",
):
    _sent(
        f"the content type {_type[:40] or 'nothing'}",
        post(GOOD, content_type=_type),
        (415, "The body's content type is application/json, in UTF-8."),
    )
_sent(
    "no content type",
    post(GOOD, content_type=None),
    (415, "The body's content type is application/json, in UTF-8."),
)
_sent(
    "a compressed body",
    post(b"\x1f\x8b" + b"\0" * 100, content_encoding="gzip"),
    (415, "The body isn't compressed."),
)
_sent(
    "an answer that we don't give",
    post(GOOD, accept="text/csv"),
    (406, "The answer is application/graphql-response+json or application/json."),
)
_sent(
    "twenty kilobytes of Accept",
    post(GOOD, accept="text/csv," * 2_500),
    (406, "The answer is application/graphql-response+json or application/json."),
)
_sent("twenty kilobytes of languages", post(GOOD, accept_language="xx;q=0.1," * 2_500), ANSWER)

# Tokens.
_sent(
    "a token of twenty kilobytes",
    post(GOOD, authorization="Bearer " + "x" * 20_000),
    (401, "UNAUTHENTICATED: Please sign in first."),
)
_sent(
    "a token that is signed by nobody",
    post(GOOD, authorization="Bearer eyJhbGciOiJub25lIn0.e30."),
    (401, "UNAUTHENTICATED: Please sign in first."),
)
_sent(
    "a token of dots",
    post(GOOD, authorization="Bearer " + "." * 10_000),
    (401, "UNAUTHENTICATED: Please sign in first."),
)
_sent(
    "another scheme",
    post(GOOD, authorization="Basic eDp5"),
    (401, "UNAUTHENTICATED: Please sign in first."),
)
_sent(
    "a token of raw bytes",
    post(GOOD, authorization="Bearer \xff\xfe\x80"),
    (401, "UNAUTHENTICATED: Please sign in first."),
)

# Heads.
TOO_LARGE: Seen = (431, "Request Header Fields Too Large")
NO_HTTP: Seen = (400, "Invalid HTTP request received.")
_sent("ten thousand headers", lambda: head()[:-2] + b"a: b\r\n" * 10_000 + b"\r\n", TOO_LARGE)
_sent("a hundred and one headers", head()[:-2] + b"a: b\r\n" * 101 + b"\r\n", TOO_LARGE)
_sent("a header of a megabyte", lambda: head(x="y" * MEGABYTE), TOO_LARGE)
_sent(
    "a header's name of a megabyte",
    lambda: head()[:-2] + b"x" * MEGABYTE + b": y\r\n\r\n",
    TOO_LARGE,
)
_sent("a header in two lines", head()[:-2] + b"x: y\r\n z\r\n\r\n", NO_HTTP)
_sent("a header with NUL", head()[:-2] + b"x: \0\r\n\r\n", NO_HTTP)
_sent("a blank before the colon", head()[:-2] + b"x : y\r\n\r\n", NO_HTTP)
_sent("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, NO_HTTP)
_sent("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NO_HTTP)
_sent("HTTP/9.9", b"GET /graphql HTTP/9.9\r\nhost: mall\r\n\r\n", NO_HTTP)
_sent("HTTP/1.0", head("POST /graphql HTTP/1.0", content_length=str(len(GOOD))) + GOOD, ANSWER)

# Lengths.
_sent("a length that is no number", head(content_length="ten") + GOOD, NO_HTTP)
_sent("a length below zero", head(content_length="-1") + GOOD, NO_HTTP)
_sent("a length of thirty digits", head(content_length="9" * 30) + GOOD, NO_HTTP)
_sent("two lengths", head(content_length="26")[:-2] + b"content-length: 5\r\n\r\n" + GOOD, NO_HTTP)
_sent(
    "a length and chunks",
    head(content_length="26", transfer_encoding="chunked") + b"1a\r\n" + GOOD + b"\r\n0\r\n\r\n",
    NO_HTTP,
)
_sent(
    "ten gigabytes are declared",
    head(content_length=str(10 << 30)),
    (413, "The body holds at most 262144 bytes."),
)
_sent(
    "a chunk of an endless size", head(transfer_encoding="chunked") + b"f" * 20 + b"\r\nx", NO_HTTP
)
_sent(
    "a chunk that is larger than it says",
    head(transfer_encoding="chunked") + b"1\r\nxxxx\r\n",
    NO_HTTP,
)
_sent(
    "chunks of ten megabytes",
    lambda: head(transfer_encoding="chunked") + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 160,
    (413, "The body holds at most 262144 bytes."),
)
_sent("an encoding that we don't know", head(transfer_encoding="gzip") + GOOD, NO_HTTP)
_sent(
    "chunks of one byte",
    head(transfer_encoding="chunked")
    + b"".join(b"1\r\n%c\r\n" % each for each in GOOD)
    + b"0\r\n\r\n",
    ANSWER,
)


@_done("the method HEAD", (405, ""))
async def _head(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(_get("/graphql", "HEAD"))
        # The answer tells a length, and has no body.
        return int((await line.reader.readuntil(b"\r\n\r\n")).split()[1]), ""


@_done("more than was declared", GONE)
async def _longer(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(post(GOOD) + b'{"and":"more"}\r\n\r\n')
        assert await line.reply() == ANSWER
        return await line.reply()


@_done("a body in single bytes", ANSWER)
async def _byte_by_byte(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(head(content_length=str(len(GOOD))))
        for byte in GOOD:
            await line.write(bytes((byte,)))
        return await line.reply()


@_done("half a body, and silence", (408, "The body took too long to come in."), waits=True)
async def _half_and_silence(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(head(content_length=str(len(GOOD))) + GOOD[:10])
        return await line.reply()


@_done("half a body, and good-bye", GONE)
async def _half_and_gone(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(head(content_length=str(len(GOOD))) + GOOD[:10])
        line.writer.write_eof()
        return await line.reply()


@_done("a head, and good-bye", SILENT)
async def _head_and_gone(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(head(content_length=str(len(GOOD))))
    return SILENT


@_done("a connection, and good-bye", SILENT)
async def _nothing_and_gone(target: Target) -> Seen:
    async with target.line():
        return SILENT


@_done("a question, and good-bye before the answer", SILENT)
async def _asked_and_gone(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(post(GOOD))
    return SILENT


@_done("ten megabytes after the answer", ANSWER)
async def _body_after_refusal(target: Target) -> Seen:
    async with target.line() as line:
        body = b"x" * (10 * MEGABYTE)
        await line.write(post(body))
        assert (await line.reply())[0] == 413
        await line.write(post(GOOD))
        return await line.reply()


@_done("five thousand requests at once", GONE)
async def _pipelined(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(_get(f"/graphql?query={TYPENAME}") * 5_000)
        seen = await line.reply()
        while seen == ANSWER:
            seen = await line.reply()
        return seen


@_done("a few requests at once", ANSWER)
async def _few_pipelined(target: Target) -> Seen:
    async with target.line() as line:
        await line.write(post(GOOD) * 5)
        assert [await line.reply() for _ in range(4)] == [ANSWER] * 4
        return await line.reply()


@_done(
    "a hundred hashes that nobody knows", (400, "PERSISTED_QUERY_NOT_FOUND: PersistedQueryNotFound")
)
async def _hashes(target: Target) -> Seen:
    async with target.line() as line:
        for number in range(100):
            await line.write(
                post(
                    b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"%064x"}}}' % number
                )
            )
            seen = await line.reply()
        return seen


@_done("a hundred documents that differ by a comment", ANSWER)
async def _comments(target: Target) -> Seen:
    async with target.line() as line:
        for number in range(100):
            await line.write(post(b'{"query":"{ __typename } # %d %d"}' % (number, id(line))))
            seen = await line.reply()
        return seen
