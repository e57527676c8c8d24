"""Sockets behind the server that production has, and Python's gql on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from gql import Client, gql
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.server import BoundedHTTP, BoundedWebSocket
from cli.embedded.ports import free_port
from executor.websocket import GraphQLWebSocket
from tests.executor.sockets import PATIENT, Context, World, endpoint_of
from tests.support.application import serving

FAILS_AFTER_SECONDS = 10.0
INIT = '{"type":"connection_init","payload":{"name":"alice"}}'
BULK = '{"id":"1","type":"subscribe","payload":{"query":"subscription { bulk(upto: 10000) }"}}'


@asynccontextmanager
async def served(
    world: World, **limits: Any
) -> AsyncIterator[tuple[str, GraphQLWebSocket[str, Context]]]:
    """Serve the small schema; afterwards no task of it may be left."""
    endpoint = endpoint_of(world, replace(PATIENT, **limits))
    before = asyncio.all_tasks()
    port = free_port()
    options: dict[str, Any] = {"http": BoundedHTTP, "ws": BoundedWebSocket}
    options["ws_per_message_deflate"] = False  # What is sent is to be as large as it looks.
    async with serving(cast("Any", endpoint), port, **options):
        yield f"ws://127.0.0.1:{port}/", endpoint
    assert asyncio.all_tasks() <= before
    assert endpoint.tally.operations == endpoint.tally.subscriptions == 0


def client(url: str, name: str = "alice") -> Client:
    transport = AIOHTTPWebsocketsTransport(url, init_payload={"name": name}, ping_interval=60)
    return Client(transport=transport, fetch_schema_from_transport=False)


async def test_gql_asks_changes_and_subscribes() -> None:
    world = World()
    async with served(world) as (url, _), client(url) as session:
        assert await session.execute(gql("{ hello }")) == {"hello": "Hello, world! This is alice."}
        written = await session.execute(gql('mutation { write(what: "x") }'))
        assert (written, world.done) == ({"write": "x"}, ["x"])
        heard = [each async for each in session.subscribe(gql("subscription { count(upto: 3) }"))]
        assert heard == [{"count": 1}, {"count": 2}, {"count": 3}]


async def test_gql_leaves_a_subscription() -> None:
    world = World()
    async with served(world) as (url, endpoint), client(url) as session:
        events = cast("Any", session.subscribe(gql("subscription { watch }")))
        assert await anext(events) == {"watch": "open"}
        assert endpoint.tally.subscriptions == 1
        await events.aclose()
        assert await session.execute(gql("{ hello }"))
        assert endpoint.tally.subscriptions == 0
        assert world.done == ["watch is closed"]


async def test_gql_is_told_of_errors_and_refusals() -> None:
    async with served(World()) as (url, _):
        async with client(url) as session:
            with pytest.raises(TransportQueryError) as refused:
                await session.execute(gql("{ nothing }"))
        assert refused.value.errors is not None
        assert [each["extensions"]["code"] for each in refused.value.errors] == ["BAD_REQUEST"]
        with pytest.raises(TransportConnectionFailed, match="Connection was closed"):
            async with client(url, "mallory"):
                pass


async def test_a_reader_who_never_reads_is_left() -> None:
    world = World()
    async with (
        served(world, send_seconds=0.05) as (url, endpoint),
        connect(
            url, subprotocols=[Subprotocol("graphql-transport-ws")], max_queue=1, proxy=None
        ) as connection,
    ):
        await connection.send(INIT)
        await connection.recv()
        connection.transport.pause_reading()
        await connection.send(BULK)
        async with asyncio.timeout(FAILS_AFTER_SECONDS):
            while endpoint.tally.sockets or not world.events:  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0)
        assert world.events < 1_000  # A gigabyte was asked for, and the network holds some MB.
        connection.transport.abort()
