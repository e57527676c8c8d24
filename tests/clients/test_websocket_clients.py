"""The library that WebSocket clients use, graphql-ws: on the mall, and on a schema with events."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from cli.embedded.ports import free_port
from gateways.redis.connection import RedisClient
from gateways.redis.news import NewsLine
from models import database as db
from services import news, sessions
from settings import Settings
from tests.clients.test_http_clients import NAMES, REFUSED, RENAMED
from tests.executor.sockets import World, endpoint_of
from tests.factories.members import signed_in_member
from tests.factories.orders import pay, placed
from tests.factories.shop import a_sku, an_address
from tests.support.application import ServerProcess, serving
from tests.support.node import SECONDS, printed_by
from wiring.tokens import tokens_of

HERE = Path(__file__).parent
HAPPY = ["connected"]


async def test_operations_on_the_mall(live: str, settings: Settings) -> None:
    member = await signed_in_member(settings)
    url = f"{live}/graphql".replace("http", "ws", 1)
    assert await printed_by(HERE / "graphql_ws.js", url, member.token) == [
        {"name": "query", "data": NAMES, "events": HAPPY},
        {"name": "mutation", "data": RENAMED, "events": HAPPY},
        {"name": "refusal", "data": REFUSED, "events": HAPPY},
        {"name": "nobody's mutation", "data": None, "events": HAPPY},
        {"name": "broken document", "codes": ["BAD_REQUEST"], "events": HAPPY},
        {"name": "bad token", "refused": [4403, "Please sign in first."], "events": [4403]},
    ]


async def test_an_order_of_the_mall_is_followed_through_restarts_and_a_new_token(
    database: str, settings: Settings, redis: RedisClient, tmp_path: Path
) -> None:
    member = await signed_in_member(settings)
    await an_address(member.id)
    order_id = await placed(member.id, (await a_sku(), 1), now=datetime.now(UTC))
    line, log = NewsLine(redis), tmp_path / "server.log"
    process = await ServerProcess.start(settings, log)
    script = await Script.start(
        HERE / "graphql_ws_orders.js",
        f"{process.url}/graphql".replace("http", "ws", 1),
        str(order_id),
        "5",
        *(member.token, member.token, await another_token(member.id, settings)),
    )
    await script.expect(CONNECTED, order_event("AWAITING_PAYMENT"))
    await pay(order_id, now=datetime.now(UTC))
    await news.relay_due(line, now=datetime.now(UTC))
    await script.expect(order_event("AWAITING_SHIPMENT"))
    await process.stop()
    await script.expect({"name": "closed", "code": 1012})
    # What happens while nobody is there is the first that the client hears afterwards.
    await db.execute("UPDATE sales_order SET status = 'COMPLETED' WHERE id = $1", order_id)
    await news.relay_due(line, now=datetime.now(UTC))
    process = await ServerProcess.start(settings, log)
    await script.expect(CONNECTED, order_event("COMPLETED"))
    await process.client.gql("mutation { signOut { userErrors { code } } }", token=member.token)
    await script.expect({"name": "closed", "code": 4403}, CONNECTED, order_event("COMPLETED"))
    await db.execute("UPDATE sales_order SET status = 'REFUNDED' WHERE id = $1", order_id)
    await news.relay_due(line, now=datetime.now(UTC))
    await script.expect(order_event("REFUNDED"), CLOSED)
    await script.end()
    await process.stop()


async def another_token(member_id: UUID, settings: Settings) -> str:
    """Open a second session of a member's; returns its access token."""
    now = datetime.now(UTC)
    async with db.in_transaction():
        session_id = await sessions.open_session(
            member_id, appid=None, lifetime=timedelta(days=30), now=now
        )
    return tokens_of(settings).access_token(member_id, session_id, now=now).text


class Script:
    """The running script, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, *arguments: str | Path) -> Script:
        """Start it."""
        return cls(
            await asyncio.create_subprocess_exec("node", *arguments, stdout=asyncio.subprocess.PIPE)
        )

    async def line(self) -> Any:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        async with asyncio.timeout(SECONDS):
            return json.loads(await self._process.stdout.readline())

    async def expect(self, *lines: dict[str, Any]) -> None:
        """Check the next lines."""
        assert [await self.line() for _ in lines] == list(lines)

    async def end(self) -> None:
        """Wait for its end."""
        async with asyncio.timeout(SECONDS):
            assert await self._process.wait() == 0


CONNECTED = {"name": "connected"}
CLOSED = {"name": "closed", "code": 1000}
OVER = {"name": "over"}


def order_event(status: str) -> dict[str, Any]:
    return event(orderChanged={"status": status})


def event(**data: Any) -> dict[str, Any]:
    return {"name": "event", "data": data}


async def test_subscriptions() -> None:
    port, world = free_port(), World()
    async with serving(cast("Any", endpoint_of(world)), port):
        script = await Script.start(HERE / "graphql_ws_subscriptions.js", f"ws://127.0.0.1:{port}")
        await script.expect(CONNECTED, *(event(count=n) for n in (1, 2, 3)), OVER, CLOSED)
        await script.expect(CONNECTED, event(watch="open"), OVER, CLOSED)
        masked = {"name": "failed", "errors": ["Something went wrong on our side."]}
        await script.expect(CONNECTED, event(fail=1), masked, CLOSED)
        unknown = "Cannot query field 'nothing' on type 'Subscription'."
        await script.expect(CONNECTED, {"name": "failed", "errors": [unknown]}, CLOSED)
        refused = {"name": "closed", "code": 4403}
        await script.expect(refused, {"name": "failed", "errors": 4403})
        hello = event(hello="Hello, world! This is bob.")
        await script.expect(refused, refused, CONNECTED, hello, OVER, CLOSED)
        await script.expect(CONNECTED, event(watch="open"))
        assert world.done == ["left is closed"]
    assert world.done == ["left is closed", "restarted is closed"]
    await script.expect({"name": "closed", "code": 1012})
    again = World()
    again.gate.set()
    async with serving(cast("Any", endpoint_of(again)), port):
        await script.expect(CONNECTED, event(watch="open"), event(watch="gate"), OVER, CLOSED)
        await script.end()
    assert again.done == ["restarted is closed"]
