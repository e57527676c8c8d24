"""Which media types are read and written."""

from __future__ import annotations

import pytest

from executor.media_types import JSON, RESPONSE_JSON, answer_type, is_json


@pytest.mark.parametrize(
    "given",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON ; Charset="utf-8"',
        "application/json; charset=utf8; q=1",
        "application/json; profile=x",
    ],
)
def test_json_is_read(given: str) -> None:
    assert is_json(given.encode())


@pytest.mark.parametrize(
    "given",
    [
        "",
        "text/plain",
        "text/plain; application/json",
        "text/plain;charset=application/json",
        "application/json, text/plain",
        "application/jsonp",
        "application/graphql",
        "application/graphql+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json\xff",
    ],
)
def test_nothing_else_is_read(given: str) -> None:
    assert not is_json(given.encode("latin-1"))


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        (" , ,", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", RESPONSE_JSON),
        ("APPLICATION/GraphQL-Response+JSON; Charset=utf-8", RESPONSE_JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        # Of what is wanted alike, the first; what is named goes before what is only included.
        ("application/json, application/graphql-response+json", JSON),
        ("application/graphql-response+json, application/json", RESPONSE_JSON),
        ("*/*, application/graphql-response+json", RESPONSE_JSON),
        # Qualities: these two are what Apollo's and urql's clients send.
        ("application/graphql-response+json,application/json;q=0.9", RESPONSE_JSON),
        (
            "application/graphql-response+json, application/graphql+json, application/json, *",
            RESPONSE_JSON,
        ),
        ("application/json;q=0.9, application/graphql-response+json;q=0.8", JSON),
        ("application/json;q=0.5, */*;q=0.6", RESPONSE_JSON),
        ("application/json;q=0, */*", RESPONSE_JSON),
        ("application/graphql-response+json;q=0.0, */*;q=0.1", JSON),
        ("application/json;q=x, application/graphql-response+json;q=0.1", RESPONSE_JSON),
        ("text/html", None),
        ("image/png, text/*", None),
        ("application/json;q=0", None),
        ("application/json;q=nan", None),
        ("*/*;q=0", None),
        ("application", None),
    ],
)
def test_the_answer_is_what_the_client_wants(accept: str, chosen: str | None) -> None:
    assert answer_type(accept.encode()) == chosen
