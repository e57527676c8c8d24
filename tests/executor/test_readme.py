"""The README of the executor: what it shows runs, what it says is so."""

import asyncio
import re
from html import unescape
from typing import Any

import orjson
import pytest

from executor import operation as operations
from executor.engine import Engine
from executor.explain import explain
from executor.plan import MAX_PLANNED_FIELDS
from tests.executor import picture
from tests.executor.calls import Answer, ask
from tests.executor.readme import FOLDER, README, blocks, program
from tests.executor.sockets import Socket

TEXT = README.read_text(encoding="utf-8")
PLAIN = " ".join(TEXT.split())
"""However its lines are broken."""
ANN = {"authorization": "Bearer ann"}


async def post(json: Any, headers: dict[str, str] | None = None) -> Answer:
    return await ask(program().app, json=json, headers=headers or {})


async def test_the_first_operation_is_answered_and_compiled() -> None:
    operation = program().documents.get(picture.SHELF).operation()
    before = operation.figures.compiled
    await program().first_operation()
    assert (operation.figures.compiled, operation.figures.interpreted) == (before + 1, 0)


async def test_graphql_core_answers_alike() -> None:
    document = program().documents.get(picture.SHELF)
    ours = await document.operation().run(context={})
    schema = program().documents.engine.surroundings.strawberry_schema
    reference = Engine(schema, compiles=False).operation(document.ast)
    assert (await reference.run(context={})).data == ours.data


async def test_what_the_shell_sends_is_answered_as_shown() -> None:
    [shell] = blocks("sh")
    [shown] = blocks("json")
    sent = re.search(r"-d '(.*?)'", shell)
    assert sent is not None
    answer = await ask(program().app, body=sent[1].encode())
    assert (answer.status, answer.json) == (200, orjson.loads(shown))
    assert answer.headers["cache-control"].startswith("public, max-age=")


async def test_public_answers_last_until_a_change_and_are_nobody_elses() -> None:
    asked = {"query": "query Kept { offers { title } basket }"}
    first = await post(asked)
    before = program().PRICES.copy()
    program().PRICES["Night Rain"] = 700
    try:
        assert (await post(asked)).body == first.body
        member = (await post(asked, ANN)).json["data"]
        assert [offer["title"] for offer in member["offers"]] == list(program().PRICES)
        assert member["basket"] == ["Spring View"]
        program().versions.bump("offers")
        assert len((await post(asked)).json["data"]["offers"]) == 3
    finally:
        program().PRICES.clear()
        program().PRICES.update(before)
        program().versions.bump("offers")


async def test_a_token_that_does_not_hold_and_what_a_field_costs() -> None:
    told = await post({"query": "{ basket }"}, {"authorization": "Bearer bob"})
    assert told.errors[0]["extensions"] == {"code": "UNAUTHENTICATED"}
    document = program().source.documents.get("{ offers { title price } }")
    [(_, measure)] = document.report.operations
    assert measure.cost == 1 + 50 * 2


async def test_the_price_is_fetched_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    async def prices_of(titles: list[str]) -> list[int]:
        asked.append(titles)
        return [1_000_000 for _ in titles]  # Out of the exact range: the scalar writes it.

    monkeypatch.setattr(program(), "prices_of", prices_of)
    await post({"query": "query Unpriced { offers { title } }"}, ANN)
    assert asked == []
    answer = await post({"query": "query Priced { offers { price } }"}, ANN)
    assert answer.json["data"] == {"offers": [{"price": 1_000_000}] * 2}
    assert asked == [["Quiet Night", "Spring View"]]


async def test_the_socket_answers_too() -> None:
    socket = Socket()
    serving = asyncio.create_task(program().app(socket.scope, socket.receive, socket.send))
    socket.knock()
    assert (await socket.event())["type"] == "websocket.accept"
    socket.say({"type": "connection_init", "payload": {"authorization": "Bearer ann"}})
    assert await socket.hear() == {"type": "connection_ack"}
    socket.subscribe("1", "{ basket }")
    assert await socket.hear() == {
        "id": "1",
        "type": "next",
        "payload": {"data": {"basket": ["Spring View"]}},
    }
    assert await socket.hear() == {"id": "1", "type": "complete"}
    socket.leave()
    await serving


async def test_trusted_documents_are_the_only_ones_that_are_run() -> None:
    http = program().GraphQLHTTP(program().trusted, program().context_of)
    answer = await ask(http, json={"documentId": program().document_id})
    assert answer.json["data"]["offers"][0] == {"title": "Quiet Night"}
    refused = await ask(http, json={"query": "{ basket }"})
    assert refused.errors[0]["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}


def test_numbers_are_those_of_the_code() -> None:
    assert (operations.PATIENCE, operations.PAUSE) == (5, 1_000)
    assert "five fallbacks in a row" in PLAIN
    assert "a thousand runs" in PLAIN
    assert f"{operations.MAX_VARIANTS} programs for an operation" in PLAIN
    assert f"{MAX_PLANNED_FIELDS:,} fields in a program" in PLAIN


def test_every_module_is_told_of() -> None:
    told = re.findall(r"`(\w+\.py)`", TEXT[TEXT.index("## How it works") :])
    there = {path.name for path in FOLDER.glob("*.py")} - {"__init__.py"}
    assert set(told) == there


def test_the_picture_shows_what_the_compiler_writes() -> None:
    drawn = picture.FILE.read_text(encoding="utf-8")
    assert drawn == picture.svg(), "draw it anew: python -m tests.executor.picture"
    assert picture.SHELF in TEXT
    [variant] = explain(program().documents.get(picture.SHELF)).variants
    assert variant.code is not None
    lines = [line.partition("  #")[0].strip() for line in variant.code.splitlines()]
    texts = [unescape(text) for text in re.findall(r">([^<]*)</text>", drawn)]
    code = texts[texts.index("async def operation(run):") :]
    assert [text for text in code if text in lines] == [line for line in lines if line]
