"""GraphQL over HTTP: methods, media types, statuses and what is told of errors."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from graphql import GraphQLError

from executor.asgi import Receive, Scope, Send
from executor.documents import Documents
from executor.limits import Limits
from executor.manifest import document_hash
from executor.operation import Operation
from executor.outcome import Outcome
from executor.trusted import DocumentSource
from tests.executor.calls import (
    ENGINE,
    GONE,
    RESPONSE_JSON,
    Answer,
    Context,
    World,
    ask,
    attempt,
    endpoint,
    pieces,
)

JSON = "application/json"
HELLO = {"query": "{ hello }"}
BOTH = pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])


def as_query(**parameters: str) -> bytes:
    return urlencode(parameters).encode()


def refusal(answer: Answer) -> tuple[int, str]:
    """Return the status and the one message of a request that was refused."""
    [error] = answer.errors
    assert error["extensions"]["code"] == "BAD_REQUEST"
    return answer.status, error["message"]


@BOTH
async def test_a_query(accept: str) -> None:
    body = {
        "query": "query A($n: String!) { hello(name: $n) } query B { viewer }",
        "variables": {"n": "Li"},
        "operationName": "A",
    }
    answer = await ask(endpoint(), json=body, headers={"accept": accept})
    assert answer == Answer(
        200,
        {
            "content-type": f"{accept}; charset=utf-8",
            "content-length": "31",
            "cache-control": "no-store",
        },
        b'{"data":{"hello":"Hello, Li!"}}',
    )


async def test_a_mutation() -> None:
    world = World()
    answer = await ask(endpoint(world), json={"query": 'mutation { note(text: "a") }'})
    assert (answer.status, answer.json) == (200, {"data": {"note": "a"}})
    assert world.done == ["a"]


async def test_a_query_by_get() -> None:
    query_string = as_query(
        query="query ($n: String!) { hello(name: $n) }",
        variables='{"n": "苹果"}',
        extensions="{}",
    )
    answer = await ask(endpoint(), method="GET", query_string=query_string)
    assert (answer.status, answer.json) == (200, {"data": {"hello": "Hello, 苹果!"}})


async def test_a_mutation_by_get_is_not_run() -> None:
    world = World()
    for document in ('mutation { note(text: "a") }', "query A { hello } mutation B { wait }"):
        query_string = as_query(query=document, operationName="B" if "B" in document else "")
        answer = await ask(endpoint(world), method="GET", query_string=query_string)
        assert refusal(answer) == (405, "Mutations come by POST.")
        assert answer.headers["allow"] == "POST"
    assert world.done == []
    query_string = as_query(query="query A { hello } mutation B { wait }", operationName="A")
    answer = await ask(endpoint(world), method="GET", query_string=query_string)
    assert answer.json == {"data": {"hello": "Hello, you!"}}


@BOTH
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_is_not_for_http(method: str, accept: str) -> None:
    document = "subscription { ticks }"
    answer = await ask(
        endpoint(),
        method=method,
        json={"query": document},
        query_string=as_query(query=document),
        headers={"accept": accept},
    )
    assert refusal(answer) == (400, "Subscriptions come by WebSocket.")


@pytest.mark.parametrize("method", ["PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "QUERY"])
async def test_other_methods(method: str) -> None:
    answer = await ask(endpoint(), method=method, json=HELLO)
    assert refusal(answer) == (405, "Use POST, or GET for queries.")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/*"],
)
async def test_only_json_is_read(content_type: str) -> None:
    answer = await ask(endpoint(), json=HELLO, headers={"content-type": content_type, "x": "y"})
    assert refusal(answer) == (415, "The body's content type is application/json, in UTF-8.")


async def test_a_header_in_two_parts_is_one() -> None:
    body = [(b"content-type", b"application/json"), (b"content-type", b"text/plain")]
    assert (await ask(endpoint(), json=HELLO, headers=body)).status == 415
    accept = [
        (b"content-type", b"application/json"),
        (b"accept", b"image/png"),
        (b"accept", RESPONSE_JSON.encode()),
    ]
    answer = await ask(endpoint(), json=HELLO, headers=accept)
    assert answer.headers["content-type"] == f"{RESPONSE_JSON}; charset=utf-8"


async def test_a_compressed_body_is_not_read() -> None:
    answer = await ask(endpoint(), json=HELLO, headers={"content-encoding": "gzip"})
    assert refusal(answer) == (415, "The body isn't compressed.")
    assert answer.headers["accept-encoding"] == "identity"
    answer = await ask(endpoint(), json=HELLO, headers={"content-encoding": "identity"})
    assert answer.status == 200


async def test_who_takes_neither_type_gets_none() -> None:
    world = World()
    answer = await ask(
        endpoint(world),
        json={"query": 'mutation { note(text: "a") }'},
        headers={"accept": "text/event-stream"},
    )
    assert refusal(answer) == (406, f"The answer is {RESPONSE_JSON} or {JSON}.")
    assert answer.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert world.done == []


@BOTH
async def test_every_wrong_member_is_told(accept: str) -> None:
    body = {"query": "{ hello }", "variables": [7], "operationName": 1}
    answer = await ask(endpoint(), json=body, headers={"accept": accept})
    assert answer.status == 400
    assert answer.errors == [
        {
            "message": f"`{member}` is {what}.",
            "extensions": {"code": "BAD_REQUEST", "member": member},
        }
        for member, what in (("operationName", "a text"), ("variables", "an object"))
    ]


@BOTH
@pytest.mark.parametrize("body", [b"", b"NONSENSE", b"\xff", b"[" + orjson.dumps(HELLO) + b"]"])
async def test_what_is_no_request(body: bytes, accept: str) -> None:
    answer = await ask(endpoint(), body=body, headers={"accept": accept})
    assert answer.status == 400
    assert answer.errors[0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("query_string", [b"", b"query=%FF", b"query=\xff", b"variables=%7B"])
async def test_what_is_no_request_by_get(query_string: bytes) -> None:
    answer = await ask(endpoint(), method="GET", query_string=query_string)
    assert answer.status == 400
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (RESPONSE_JSON, 400)])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"query": "{"}, "Syntax Error: Expected Name, found <EOF>."),
        ({"query": "{ nothing }"}, "Cannot query field 'nothing' on type 'Query'."),
        (
            {"query": "{ hello }" * 2},
            "This anonymous operation must be the only defined operation.",
        ),
        ({**HELLO, "operationName": "A"}, "Unknown operation named 'A'."),
        (
            {"query": "query A { hello } query B { hello }"},
            "Must provide operation name if query contains multiple operations.",
        ),
        ({"query": "fragment f on Query { hello }"}, 'Fragment "f" is never used.'),
        (
            {"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": 1}},
            "Variable '$n' has invalid value: String cannot represent a non string value: 1",
        ),
        ({"query": "{ a: hello b: hello }"}, "The document has 2 aliases; the limit is 1."),
        ({"documentId": "sha256:00"}, "No document is known by the id 'sha256:00'."),
    ],
    ids=str,
)
async def test_what_cant_be_run(
    body: dict[str, Any], message: str, accept: str, status: int
) -> None:
    app = endpoint(documents=DocumentSource(Documents(ENGINE, Limits(aliases=1))))
    answer = await ask(app, json=body, headers={"accept": accept})
    assert answer.status == status
    assert answer.errors[0]["message"].replace('"', "'") == message.replace('"', "'")


@BOTH
async def test_an_error_of_a_field_leaves_the_rest(
    accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ask(endpoint(), json={"query": "{ hello secret }"}, headers={"accept": accept})
    assert answer.status == 200
    assert answer.json == {
        "errors": [
            {
                "message": "Something went wrong on our side.",
                "locations": [{"line": 1, "column": 9}],
                "path": ["secret"],
                "extensions": {"code": "INTERNAL"},
            }
        ],
        "data": {"hello": "Hello, you!", "secret": None},
    }
    [record] = caplog.records
    assert (record.name, record.levelno) == ("executor.telling", logging.ERROR)
    assert record.getMessage() == "a field failed: ['secret']"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "the secret of the house"


@BOTH
async def test_data_may_be_null(accept: str) -> None:
    answer = await ask(endpoint(), json={"query": "{ refusal }"}, headers={"accept": accept})
    assert answer.status == 200
    assert answer.json["data"] is None
    assert [(error["message"], error["extensions"]) for error in answer.json["errors"]] == [
        ("Not today.", {"code": "FORBIDDEN"})
    ]


async def test_errors_are_told_as_the_application_wants() -> None:
    told = []

    def tell(error: GraphQLError, context: Context | None) -> dict[str, str]:
        told.append((error.message, context and context.viewer))
        return {"message": "no"}

    app = endpoint(tell=tell)
    answers = [
        await ask(app, json={"query": "{ secret }"}, headers={"authorization": "Li"}),
        await ask(app, json={"query": "{ nothing }"}, headers={"authorization": "Li"}),
        await ask(app, json={"query": 1}, headers={"authorization": "Li"}),
        await ask(app, json=HELLO, headers={"authorization": "refused FORBIDDEN"}),
    ]
    assert [answer.json["errors"] for answer in answers] == [[{"message": "no"}]] * 4
    assert told == [
        ("the secret of the house", "Li"),
        ("Cannot query field 'nothing' on type 'Query'.", "Li"),
        ("`query` is the text of a document.", None),
        ("Who are you?", None),
    ]


@pytest.mark.parametrize(
    ("code", "status"),
    [("UNAUTHENTICATED", 401), ("FORBIDDEN", 403), ("RATE_LIMITED", 429), ("OTHER", 400)],
)
async def test_a_request_without_a_context_is_refused(code: str, status: int) -> None:
    world = World()
    body = {"query": 'mutation { note(text: "a") }'}
    for accept, expected in ((JSON, 200), (RESPONSE_JSON, status)):
        headers = {"accept": accept, "authorization": f"refused {code}"}
        answer = await ask(endpoint(world), json=body, headers=headers)
        assert answer.status == expected
        assert answer.errors == [{"message": "Who are you?", "extensions": {"code": code}}]
        challenge = "Bearer" if expected == 401 else None
        assert answer.headers.get("www-authenticate") == challenge
    assert world.done == []


@pytest.mark.parametrize(
    ("body", "headers", "error"),
    [
        (HELLO, {"authorization": "broken"}, RuntimeError),
        ({"query": "{ halfAPair }"}, {}, orjson.JSONEncodeError),
    ],
    ids=["context", "answer"],
)
async def test_who_fails_answers_all_the_same(
    body: dict[str, Any], headers: dict[str, str], error: type[Exception]
) -> None:
    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    given = {"content-type": JSON, **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    with pytest.raises(error):  # Whoever serves the endpoint logs it.
        await endpoint()(scope, pieces(orjson.dumps(body)), send)
    assert answers[0]["status"] == 500
    assert orjson.loads(answers[1]["body"]) == {
        "errors": [
            {"message": "Something went wrong on our side.", "extensions": {"code": "INTERNAL"}}
        ]
    }


async def test_runs_are_heard_of() -> None:
    heard: list[tuple[str | None, bool, bool]] = []

    def on_run(operation: Operation, outcome: Outcome, seconds: float) -> None:
        heard.append((operation.name, outcome.was_run, seconds >= 0))

    app = endpoint(on_run=on_run)
    await ask(app, json={"query": "query A { hello }"})
    await ask(app, json={"query": "{ secret }"})
    await ask(app, json={"query": "query C($n: String!) { hello(name: $n) }"})
    await ask(app, json={"query": "{ nothing }"})
    assert heard == [("A", True, True), (None, True, True), ("C", False, True)]


async def test_an_operation_runs_inside_what_is_put_around_it() -> None:
    world = World()

    @asynccontextmanager
    async def around(operation: Operation) -> AsyncIterator[None]:
        world.done.append(f"before {operation.name}")
        yield
        world.done.append(f"after {operation.name}")

    app = endpoint(world, around=around)
    await ask(app, json={"query": 'mutation A { note(text: "a") }'})
    await ask(app, json={"query": "{ nothing }"})
    assert world.done == ["before A", "a", "after A"]


async def test_a_document_is_found_by_its_hash() -> None:
    text = "query A { hello }"
    documents = DocumentSource(Documents(ENGINE), registers=True)
    app = endpoint(documents=documents)
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": document_hash(text)}}}
    answer = await ask(app, json=named)
    assert answer.errors == [
        {
            "message": "PersistedQueryNotFound",
            "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
        }
    ]
    assert (await ask(app, json={**named, "query": text})).json == {
        "data": {"hello": "Hello, you!"}
    }
    assert (await ask(app, json=named)).json == {"data": {"hello": "Hello, you!"}}
    query_string = as_query(documentId=f"sha256:{document_hash(text)}")
    answer = await ask(app, method="GET", query_string=query_string)
    assert answer.json == {"data": {"hello": "Hello, you!"}}


@pytest.mark.parametrize(
    ("method", "accept", "query_string", "shown"),
    [
        ("GET", "text/html,*/*;q=0.8", b"", True),
        ("GET", "text/html,*/*;q=0.8", b"theme=dark", True),
        ("GET", "text/html,*/*;q=0.8", b"query=%7Bhello%7D", False),
        ("GET", "text/html,*/*;q=0.8", b"documentId=sha256:00", False),
        ("GET", "text/html", b"extensions=%7B%7D", False),
        ("GET", "*/*", b"", False),
        ("POST", "text/html,*/*;q=0.8", b"", False),
    ],
)
async def test_a_page_for_people(
    method: str, accept: str, query_string: bytes, shown: bool
) -> None:
    async def page(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    answer = await ask(
        endpoint(page=page),
        method=method,
        json=HELLO,
        query_string=query_string,
        headers={"accept": accept},
    )
    assert (answer.body == b"") is shown
    answer = await ask(endpoint(), method="GET", headers={"accept": accept})
    assert answer.status == (406 if accept == "text/html" else 400)


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        (str(101), [b"{}"]),
        ("9" * 5_000, [b"{}"]),
        (None, [b"x" * 101]),
        (None, [b"x" * 50, b"x" * 51, b"x"]),
        ("3", [b"x" * 101]),
    ],
    ids=["declared", "absurd", "at once", "in pieces", "more than declared"],
)
async def test_a_body_is_bounded(declared: str | None, sent: list[bytes]) -> None:
    headers = {} if declared is None else {"content-length": declared}
    answer = await ask(endpoint(max_body_bytes=100), headers=headers, receive=pieces(*sent))
    assert refusal(answer) == (413, "The body holds at most 100 bytes.")
    # Of a body that says how long it is, the rest may come and be forgotten.
    is_endless = declared is None or declared == "3"
    assert answer.headers.get("connection") == ("close" if is_endless else None)


async def test_a_query_string_is_bounded() -> None:
    app = endpoint(max_body_bytes=100)
    query_string = as_query(query="{ hello }").ljust(100, b"&")
    assert (await ask(app, method="GET", query_string=query_string)).status == 200
    answer = await ask(app, method="GET", query_string=query_string + b"&")
    assert refusal(answer) == (414, "The query string holds at most 100 bytes.")


async def test_no_more_is_read_than_is_taken() -> None:
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    answer = await ask(endpoint(max_body_bytes=100), receive=receive)
    assert (answer.status, taken) == (413, 2)


async def test_a_body_of_just_that_size_in_any_pieces() -> None:
    body = orjson.dumps(HELLO)
    app = endpoint(max_body_bytes=len(body))
    headers = {"content-length": str(len(body))}
    for sent in ([body], [body[:1], body[1:]], [body, b""], [b"", *[bytes([b]) for b in body]]):
        answer = await ask(app, headers=headers, receive=pieces(*sent))
        assert answer.json == {"data": {"hello": "Hello, you!"}}


async def test_a_client_that_goes_before_it_has_asked_is_not_answered() -> None:
    world = World()
    body = orjson.dumps({"query": 'mutation { note(text: "a") }'})
    for receive in (pieces(then=GONE), pieces(body, ends=False, then=GONE)):
        assert await attempt(endpoint(world), receive=receive) is None
    assert world.done == []
