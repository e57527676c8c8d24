"""POST and GET /graphql as HTTP, and what stands beside it."""

from typing import Any

import httpx
import pytest

from models.connections import DatabaseBusy
from tests.support.graphql import GraphQLClient

RESPONSE_JSON = "application/graphql-response+json"


@pytest.fixture
def http(client: GraphQLClient) -> httpx.AsyncClient:
    return client.http


async def post(http: httpx.AsyncClient, **request: Any) -> httpx.Response:
    return await http.post("/graphql", **request)


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["errors"][0]["extensions"]["code"]
    return code


async def test_an_answer_names_its_type_and_its_request(http: httpx.AsyncClient) -> None:
    answer = await post(http, json={"query": "{ __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert answer.headers["content-type"].startswith("application/json")
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("given", "kept"), [("abcdefgh-1234", True), ("x", False), ("a b c d e f g h", False)]
)
async def test_a_request_id_of_a_proxy_is_kept(
    http: httpx.AsyncClient, given: str, kept: bool
) -> None:
    answer = await post(http, json={"query": "{ __typename }"}, headers={"x-request-id": given})
    assert (answer.headers["x-request-id"] == given) is kept


async def test_the_media_type_that_is_asked_for(http: httpx.AsyncClient) -> None:
    answer = await post(http, json={"query": "{ __typename }"}, headers={"accept": RESPONSE_JSON})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(RESPONSE_JSON)


@pytest.mark.parametrize("query", ["{ nothing }", "{", "query ($a: Int!) { __typename }"])
async def test_a_broken_document_is_400_only_for_the_new_media_type(
    http: httpx.AsyncClient, query: str
) -> None:
    old = await post(http, json={"query": query})
    new = await post(http, json={"query": query}, headers={"accept": RESPONSE_JSON})
    assert (old.status_code, new.status_code) == (200, 400)
    assert code_of(old) == code_of(new) == "BAD_REQUEST"
    assert "data" not in new.json()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
        ({"content": b"{}"}, 415),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"\xff", "headers": {"content-type": "application/json"}}, 400),
        ({"json": []}, 400),
        ({"json": [{"query": "{ __typename }"}]}, 400),
        ({"json": {}}, 400),
        ({"json": {"query": 1}}, 400),
        ({"json": {"query": "{ __typename }", "variables": "x"}}, 400),
        ({"json": {"query": "{ __typename }", "operationName": 1}}, 400),
        ({"json": {"query": "{ __typename }", "extensions": 1}}, 400),
        ({"json": {"query": "{ __typename }" + " " * 300_000}}, 413),
        ({"json": {"query": "{ __typename }"}, "headers": {"accept": "image/png"}}, 406),
    ],
    ids=str,
)
async def test_what_is_no_graphql_over_http(
    http: httpx.AsyncClient, request_: dict[str, Any], status: int
) -> None:
    answer = await post(http, **request_)
    assert answer.status_code == status
    assert code_of(answer) == "BAD_REQUEST"


async def test_queries_come_by_get_and_mutations_do_not(http: httpx.AsyncClient) -> None:
    query = await http.get("/graphql", params={"query": "{ __typename }"})
    assert query.json() == {"data": {"__typename": "Query"}}
    mutation = await http.get("/graphql", params={"query": "mutation { clearCart { __typename } }"})
    assert mutation.status_code == 405
    other = await http.put("/graphql", json={"query": "{ __typename }"})
    assert (other.status_code, other.headers["allow"]) == (405, "GET, POST")


async def test_a_document_beyond_its_bounds_is_refused(http: httpx.AsyncClient) -> None:
    answer = await post(http, json={"query": "{ " + "a " * 4_000 + "}"})
    assert code_of(answer) == "BAD_REQUEST"


async def test_an_unexpected_failure_is_masked(
    client: GraphQLClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("services.rules.in_force", fail)
    answer = await client.gql("{ tiers { code } }")
    assert answer.error_codes == ["INTERNAL"]
    assert "secret" not in str(answer.body)
    assert answer.errors[0]["extensions"]["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("language", [None, "zh-CN,zh;q=0.9,en;q=0.8", "fr", "en;q=0.1,zh;q=0.9"])
async def test_chinese_is_the_default(client: GraphQLClient, language: str | None) -> None:
    headers = {"accept-language": language} if language else {}
    answer = await client.gql("{ tiers { name } }", headers=headers)
    assert [tier["name"] for tier in answer.data["tiers"]] == ["普卡", "银卡", "金卡"]


@pytest.mark.parametrize("language", ["en", "en-GB,zh;q=0.5", "de;q=0.9,en;q=0.8,zh;q=0.1"])
async def test_english_where_it_is_preferred(client: GraphQLClient, language: str) -> None:
    answer = await client.gql("{ tiers { name } }", headers={"accept-language": language})
    assert [tier["name"] for tier in answer.data["tiers"]] == ["Regular", "Silver", "Gold"]


async def test_health_readiness_and_figures(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"status": "ok"}
    figures = await http.get("/metrics")
    assert figures.status_code == 200
    assert "mall_http_requests_total" in figures.text


async def test_it_is_not_ready_while_redis_is_away(
    http: httpx.AsyncClient, redis_server: Any
) -> None:
    redis_server.stop()
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"][0].startswith("Redis: ")
    assert (await http.get("/healthz")).status_code == 200


async def test_a_busy_database_is_told_as_busy(
    client: GraphQLClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise DatabaseBusy

    monkeypatch.setattr("services.rules.in_force", fail)
    answer = await client.gql("{ tiers { code } }", headers={"accept-language": "en"})
    [error] = answer.errors
    assert error["message"] == "We are very busy. Please try again in a moment."
    assert error["extensions"] == {
        "code": "INTERNAL",
        "userErrorCode": "BUSY",
        "retryAfterSeconds": 2,
        "requestId": answer.headers["x-request-id"],
    }


async def test_a_busy_database_is_503_beside_graphql(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise DatabaseBusy

    monkeypatch.setattr("api.codes.find_scene", fail)
    answer = await http.get("/codes/ABCDEFGH.png")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["code"] == "BUSY"
