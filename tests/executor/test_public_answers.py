"""The endpoint with a public cache: heads, conditional requests, and what is never shared."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest
import strawberry
from graphql import GraphQLError

from executor.asgi import Headers, Message, Scope
from executor.documents import Documents
from executor.engine import Engine
from executor.hints import public
from executor.http import GraphQLHTTP
from executor.public_cache import PublicCache
from executor.trusted import DocumentSource
from executor.versions import Versions

URL = "http://graphql.test/"
VARY = "accept, accept-language, authorization, cookie"
RESPONSE_JSON = "application/graphql-response+json"


class World:
    """What the schema's functions read, and how often they did."""

    def __init__(self) -> None:
        self.price = 100
        self.runs = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()


@strawberry.type
class Query:
    @strawberry.field(metadata=public("prices", seconds=30))
    async def price(self, info: strawberry.Info, by: int = 1) -> int:
        world: World = info.context["world"]
        world.runs += 1
        price = world.price
        await world.may_answer.wait()
        if by == 0:
            raise GraphQLError("There is no such price.")
        return price * by

    @strawberry.field(metadata=public(seconds=30))
    def greeting(self, info: strawberry.Info) -> str:
        return "你好" if info.context["language"] == "zh" else "Hello"

    @strawberry.field
    def who(self, info: strawberry.Info) -> str:
        return str(info.context["who"])


@strawberry.type
class Mutation:
    @strawberry.mutation
    def raise_price(self, info: strawberry.Info) -> int:
        info.context["world"].price += 1
        return int(info.context["world"].price)


def language_of(headers: Headers) -> str:
    return "zh" if headers.get(b"accept-language", b"").startswith(b"zh") else "en"


class Site:
    """An endpoint with a public cache, and a client of it."""

    def __init__(self, **options: Any) -> None:
        self.world = World()
        self.versions = Versions()
        self.cache = PublicCache(self.versions, vary=language_of, vary_headers=["accept-language"])
        source = DocumentSource(Documents(Engine(strawberry.Schema(Query, Mutation))))
        self.endpoint = GraphQLHTTP(source, self._context, cache=self.cache, **options)
        transport = httpx.ASGITransport(app=self.endpoint)
        self.http = httpx.AsyncClient(transport=transport, base_url=URL)

    async def _context(self, _scope: Scope, headers: Headers) -> dict[str, Any]:
        who = headers.get(b"authorization", b"nobody").decode()
        return {"world": self.world, "language": language_of(headers), "who": who}

    async def post(self, query: str, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("", json={"query": query}, headers=sent)

    async def get(self, query: str, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get("", params={"query": query}, headers=sent)


@pytest.fixture
def site() -> Site:
    return Site()


async def settled() -> None:
    """Let every task go as far as it can by itself."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_the_same_bytes_are_answered_from_memory(site: Site) -> None:
    first, second = await site.post("{ price }"), await site.post("{ price }")
    assert first.content == second.content == b'{"data":{"price":100}}'
    assert dict(first.headers) == dict(second.headers)
    assert dict(second.headers) == {
        "content-type": "application/json; charset=utf-8",
        "content-length": "22",
        "cache-control": second.headers["cache-control"],
        "etag": second.headers["etag"],
        "vary": VARY,
    }
    assert second.headers["cache-control"] in ("public, max-age=30", "public, max-age=29")
    assert site.world.runs == 1


async def test_until_something_changes(site: Site) -> None:
    assert (await site.post("{ price }")).json() == {"data": {"price": 100}}
    site.world.price = 90
    assert (await site.post("{ price }")).json() == {"data": {"price": 100}}
    site.versions.bump("prices")
    assert (await site.post("{ price }")).json() == {"data": {"price": 90}}


async def test_languages_and_media_types_are_apart(site: Site) -> None:
    for _ in range(2):
        chinese = await site.post("{ greeting }", accept_language="zh-CN")
        english = await site.post("{ greeting }", accept_language="en")
        other = await site.post("{ greeting }", accept_language="en", accept=RESPONSE_JSON)
        assert chinese.json() == {"data": {"greeting": "你好"}}
        assert english.json() == other.json() == {"data": {"greeting": "Hello"}}
        assert other.headers["content-type"] == f"{RESPONSE_JSON}; charset=utf-8"
    assert len({answer.headers["etag"] for answer in (chinese, english, other)}) == 3


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("{ who }", {}),
        ("{ price who }", {}),
        ("{ price }", {"authorization": "Bearer me"}),
        ("{ price }", {"authorization": ""}),
        ("{ price }", {"cookie": "session=1"}),
        ("{ price(by: 0) }", {}),
        ("{ prices }", {}),
        ("{ price", {}),
        ("{ __schema { types { name } } price }", {}),
        ("mutation { raisePrice }", {}),
    ],
)
async def test_everything_else_is_stored_by_nobody(
    site: Site, query: str, headers: dict[str, str]
) -> None:
    for _ in range(2):
        answer = await site.post(query, **headers)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
    assert len(site.cache) == 0
    assert site.cache.statistics.hits == 0


async def test_credentials_never_get_what_others_share(site: Site) -> None:
    await site.post("{ price }")
    site.world.price = 80
    own = await site.post("{ price }", authorization="Bearer me")
    assert own.json() == {"data": {"price": 80}}
    assert (await site.post("{ price }")).json() == {"data": {"price": 100}}


async def test_a_get_is_conditional(site: Site) -> None:
    first = await site.get("{ price }")
    assert (first.status_code, first.json()) == (200, {"data": {"price": 100}})
    etag = first.headers["etag"]
    again = await site.get("{ price }", if_none_match=etag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert again.headers["vary"] == VARY
    assert again.headers["cache-control"].startswith("public, max-age=")
    # A post is none, and shares the answer all the same.
    posted = await site.post("{ price }", if_none_match=etag)
    assert (posted.status_code, posted.headers["etag"]) == (200, etag)
    assert site.world.runs == 1


async def test_who_has_the_latest_answer_gets_none_even_after_a_run(site: Site) -> None:
    etag = (await site.get("{ price }")).headers["etag"]
    site.versions.bump("prices")
    assert (await site.get("{ price }", if_none_match=etag)).status_code == 304
    site.world.price = 70
    site.versions.bump("prices")
    changed = await site.get("{ price }", if_none_match=etag)
    assert (changed.status_code, changed.json()) == (200, {"data": {"price": 70}})
    assert site.world.runs == 3


async def test_fifty_at_once_run_once(site: Site) -> None:
    site.world.may_answer.clear()
    asking = [asyncio.create_task(site.post("{ price }")) for _ in range(50)]
    await settled()
    site.world.may_answer.set()
    answers = await asyncio.gather(*asking)
    assert {answer.content for answer in answers} == {b'{"data":{"price":100}}'}
    assert site.world.runs == 1


async def test_who_waits_is_told_when_the_time_is_up() -> None:
    site = Site(run_seconds=0.05)
    site.world.may_answer.clear()
    answers = await asyncio.gather(*[site.post("{ price }") for _ in range(3)])
    assert [answer.status_code for answer in answers] == [503] * 3
    assert {answer.json()["errors"][0]["extensions"]["code"] for answer in answers} == {"TIMEOUT"}
    site.world.may_answer.set()
    assert (await site.post("{ price }")).json() == {"data": {"price": 100}}


async def test_when_who_asked_first_is_gone_another_runs() -> None:
    site = Site(looks_after_seconds=0)
    site.world.may_answer.clear()
    body = orjson.dumps({"query": "{ price }"})
    messages: list[Message] = [
        {"type": "http.request", "body": body, "more_body": False},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    gone = asyncio.create_task(site.endpoint(scope, receive, send))
    await asyncio.sleep(0)
    others = [
        asyncio.create_task(
            site.http.post("", content=body, headers={"content-type": "application/json"})
        )
        for _ in range(2)
    ]
    await gone
    assert sent == []
    await settled()
    site.world.may_answer.set()
    answers = await asyncio.gather(*others)
    assert [answer.json() for answer in answers] == [{"data": {"price": 100}}] * 2
    assert site.world.runs == 2
