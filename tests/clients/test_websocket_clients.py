"""The library that WebSocket clients use, graphql-ws: on the mall, and on a schema with events."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

from cli.embedded.ports import free_port
from settings import Settings
from tests.clients.test_http_clients import NAMES, REFUSED, RENAMED
from tests.executor.sockets import World, endpoint_of
from tests.factories.members import signed_in_member
from tests.support.application import serving
from tests.support.node import SECONDS, printed_by

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
