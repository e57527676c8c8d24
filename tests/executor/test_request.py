"""What is a request and what isn't: JSON bodies and parameters of a URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest

from executor.request import BadRequest, Request, from_json, from_parameters

QUERY = "{ hello }"
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": "00"}}


def told(bad: pytest.ExceptionInfo[BadRequest]) -> list[tuple[str, str | None]]:
    """Return each error's message and the member that it names."""
    for error in bad.value.errors:
        assert (error.extensions or {})["code"] == "BAD_REQUEST"
    return [(error.message, (error.extensions or {}).get("member")) for error in bad.value.errors]


def test_all_members() -> None:
    body = {
        "query": QUERY,
        "documentId": "sha256:00",
        "variables": {"a": [1, None]},
        "operationName": "A",
        "extensions": PERSISTED,
        "something": "else",
    }
    expected = Request(QUERY, "sha256:00", {"a": [1, None]}, "A", PERSISTED)
    assert from_json(orjson.dumps(body)) == expected
    parameters = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in body.items()
    }
    assert from_parameters(urlencode(parameters).encode()) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"query": QUERY, "variables": None, "operationName": None, "extensions": None},
        {"query": QUERY, "documentId": None},
        {"query": QUERY, "operationName": "", "documentId": ""},
    ],
    ids=str,
)
def test_null_and_empty_texts_stand_for_nothing(given: dict[str, Any]) -> None:
    assert from_json(orjson.dumps(given)) == Request(QUERY)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"documentId": "sha256:00"}, Request(document_id="sha256:00")),
        ({"query": "", "documentId": "x"}, Request(document_id="x")),
        ({"extensions": PERSISTED}, Request(extensions=PERSISTED)),
    ],
    ids=str,
)
def test_a_document_may_be_named_instead(given: dict[str, Any], expected: Request) -> None:
    assert from_json(orjson.dumps(given)) == expected


@pytest.mark.parametrize("member", ["query", "documentId", "operationName"])
@pytest.mark.parametrize("value", [0, 1, False, True, [], ["a"], {}, {"a": "b"}], ids=str)
def test_texts_are_texts(member: str, value: Any) -> None:
    with pytest.raises(BadRequest) as bad:
        from_json(orjson.dumps({"query": QUERY, member: value}))
    meant = "the text of a document" if member == "query" else "a text"
    assert told(bad) == [(f"`{member}` is {meant}.", member)]


@pytest.mark.parametrize("member", ["variables", "extensions"])
@pytest.mark.parametrize("value", [0, 1, False, True, "", "{}", [], [{}]], ids=str)
def test_objects_are_objects(member: str, value: Any) -> None:
    with pytest.raises(BadRequest) as bad:
        from_json(orjson.dumps({"query": QUERY, member: value}))
    assert told(bad) == [(f"`{member}` is an object.", member)]


def test_every_wrong_member_is_named() -> None:
    body = {"query": 1, "documentId": 2, "variables": 3, "operationName": 4, "extensions": 5}
    with pytest.raises(BadRequest) as bad:
        from_json(orjson.dumps(body))
    assert [member for _, member in told(bad)] == [
        "query",
        "documentId",
        "operationName",
        "variables",
        "extensions",
    ]


@pytest.mark.parametrize(
    "given",
    [{}, {"query": ""}, {"query": None}, {"qeury": QUERY}, {"extensions": {"other": 1}}],
    ids=str,
)
def test_some_document_must_be_meant(given: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as bad:
        from_json(orjson.dumps(given))
    assert told(bad) == [("`query` is missing: the text of a document.", "query")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NONSENSE",
        b'{"query":',
        b"\xff\xfe",
        '{"query": "{ hello }"}'.encode("utf-16"),
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b'{"query": NaN}',
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_is_json_in_utf_8(body: bytes) -> None:
    with pytest.raises(BadRequest) as bad:
        from_json(body)
    assert told(bad) == [("The body is no JSON.", None)]


@pytest.mark.parametrize("body", [b"[]", b'[{"query": "{ hello }"}]', b"null", b"1", b'"text"'])
def test_a_body_is_one_object(body: bytes) -> None:
    with pytest.raises(BadRequest) as bad:
        from_json(body)
    assert told(bad) == [("One object is expected; there is no batching.", None)]


@pytest.mark.parametrize("text", ['{ hello(name: "苹果") }', "{ hello }#+ &=%", "{\n hello\t}"])
def test_parameters_are_percent_encoded_utf_8(text: str) -> None:
    assert from_parameters(f"query={quote(text, safe='')}".encode()) == Request(text)


def test_empty_parameters_stand_for_nothing() -> None:
    given = b"query=%7Bhello%7D&operationName=&variables=&extensions=&documentId="
    assert from_parameters(given) == Request("{hello}")


@pytest.mark.parametrize("given", [b"query=\xe8", b"query=%FF", b"query=%E8%8B"])
def test_parameters_are_text(given: bytes) -> None:
    with pytest.raises(BadRequest) as bad:
        from_parameters(given)
    assert told(bad) == [("The query string is no text.", None)]


@pytest.mark.parametrize("member", ["variables", "extensions"])
def test_objects_of_a_url_are_json(member: str) -> None:
    with pytest.raises(BadRequest) as bad:
        from_parameters(f"query=%7Bhello%7D&{member}=%7B".encode())
    assert told(bad) == [(f"`{member}` is no JSON.", member)]
    with pytest.raises(BadRequest) as bad:
        from_parameters(f"query=%7Bhello%7D&{member}=7".encode())
    assert told(bad) == [(f"`{member}` is an object.", member)]


@pytest.mark.parametrize("member", ["query", "documentId", "variables", "extensions"])
def test_a_parameter_stands_once(member: str) -> None:
    with pytest.raises(BadRequest) as bad:
        from_parameters(f"{member}=%7B%7D&other=1&other=2&{member}=%7B%7D".encode())
    assert told(bad) == [(f"`{member}` is given twice.", member)]


def test_parameters_of_others_may_stand_twice() -> None:
    assert from_parameters(b"from=a&query=%7Bhello%7D&from=b") == Request("{hello}")


def test_a_url_has_so_many_parameters() -> None:
    others = b"".join(b"&p%d=1" % number for number in range(99))
    assert from_parameters(b"query=%7Bhello%7D" + others) == Request("{hello}")
    with pytest.raises(BadRequest) as bad:
        from_parameters(b"query=%7Bhello%7D&" + others)
    assert told(bad) == [("A URL has at most 100 parameters.", None)]
