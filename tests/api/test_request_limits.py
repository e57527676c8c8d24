"""Requests that take too long or ask for too much, told as the mall tells them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from settings import Settings
from tests.support.graphql import GraphQLClient

RESPONSE_JSON = "application/graphql-response+json"


@pytest.fixture
async def settings(settings: Settings) -> Settings:
    given = {"request_timeout_seconds": 0.05, "graphql_introspection": False}
    return settings.model_copy(update=given)


@pytest.mark.parametrize("accept", ["application/json", RESPONSE_JSON])
async def test_a_run_that_takes_too_long_is_given_up(
    client: GraphQLClient, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    calls = []

    async def wait(*_: object, **__: object) -> None:
        calls.append("begun")
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr("services.rules.in_force", wait)
    answer = await client.gql("{ tiers { code } }", headers={"accept": accept})
    assert answer.status == 503
    [error] = answer.errors
    assert error["extensions"] == {
        "code": "INTERNAL",
        "requestId": answer.headers["x-request-id"],
    }
    assert "data" not in answer.body
    assert calls == ["begun"]


async def test_the_schema_is_not_told_where_it_should_not_be(client: GraphQLClient) -> None:
    answer = await client.gql("{ __schema { queryType { name } } }")
    assert answer.error_codes == ["BAD_REQUEST"]
    assert (await client.gql("{ __typename }")).data == {"__typename": "Query"}


SPREADS = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(30))


@pytest.mark.parametrize(
    ("document", "limit"),
    [
        ("{ " + "a " * 4_000 + "}", "tokens"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(60)) + " }", "aliases"),
        ("{ __typename " + "@skip(if: false) " * 50 + "}", "directives"),
        ("{ products(first: 1000000) { nodes { id } } }", "cost"),
        (f"query {{ ...f0 }} {SPREADS} fragment f30 on Query {{ __typename }}", "fields"),
        ("{ __typename } #" + "x" * 60_000, "characters"),
    ],
    ids=lambda given: given[:20],
)
async def test_a_document_is_held_to_the_limits(
    client: GraphQLClient, document: str, limit: str
) -> None:
    for headers in ({}, {"accept": RESPONSE_JSON}):
        answer = await client.gql(document, headers=headers)
        assert answer.status == (400 if headers else 200)
        told: list[dict[str, Any]] = [error["extensions"] for error in answer.errors]
        assert {each["code"] for each in told} == {"BAD_REQUEST"}
        assert limit in [each.get("limit") for each in told]
