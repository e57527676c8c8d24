"""The application under test: in this process, on a socket of it, or as a process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Scope

from cli.embedded.process import die_with_parent
from settings import Settings
from tests.support.graphql import GraphQLClient

PROJECT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_PAUSE_SECONDS = 0.02

TEST_SECRETS = {
    "secret_key": "test-only-secret-that-signs-access-tokens",
    "personal_data_key": "test-only-secret-that-encrypts-phones",
    "phone_index_key": "test-only-secret-that-finds-phones",
}


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment from which a process reads these very settings."""
    names = {name: (field.alias or name).upper() for name, field in Settings.model_fields.items()}
    values = {names[name]: _text(value) for name, value in settings if value not in (None, ())}
    return {**os.environ, **values}


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(str(each) for each in value)
    return str(value)


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Run an application's start before the block and its stop after it, as a server does."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def run() -> None:
        await app(scope, inbox.get, outbox.put)

    running = asyncio.create_task(run())
    await _phase("startup", running, inbox, outbox)
    try:
        yield
    finally:
        await _phase("shutdown", running, inbox, outbox)
        await running


async def _phase(
    name: str,
    running: "asyncio.Task[None]",
    inbox: "asyncio.Queue[Message]",
    outbox: "asyncio.Queue[Message]",
) -> None:
    await inbox.put({"type": f"lifespan.{name}"})
    answer = asyncio.create_task(outbox.get())
    await asyncio.wait({answer, running}, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        await running  # It raised, and so do we.
    told = await answer
    assert told["type"] == f"lifespan.{name}.complete", told


@asynccontextmanager
async def serving(app: ASGIApp, port: int, **options: Any) -> AsyncIterator[str]:
    """Serve an application, whose lifespan runs already, from this loop; yield its URL.

    The options are uvicorn's.
    """
    quiet = {"log_config": None, "access_log": False, "lifespan": "off"}
    config = uvicorn.Config(app, port=port, **(quiet | options))
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.001)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


class _QuietServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave Ctrl-C to pytest."""
        yield


class ServerProcess:
    """`mall serve` as a process of its own, which a test may kill."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.http = httpx.AsyncClient(
            base_url=url,
            timeout=_START_SECONDS,
            trust_env=False,
            verify=False,  # noqa: S501 (plain http; loading certificates takes 20 ms)
        )
        self.client = GraphQLClient(self.http)
        self._process = process

    @classmethod
    async def start(cls, settings: Settings, log: Path) -> "ServerProcess":
        """Start it with these settings and wait until it is ready."""
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "cli.main",
                "serve",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                env=environment_of(settings),
                preexec_fn=die_with_parent(),
            )
        server = cls(process, f"http://127.0.0.1:{settings.port}", log)
        await server._wait_until_ready()
        return server

    async def kill(self) -> None:
        """End it as a power cut would: no clean-up runs."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """End it as an operator would, if it still runs."""
        await self.http.aclose()
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)

    async def _wait_until_ready(self) -> None:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                assert self._process.returncode is None, self.log.read_text()
                try:
                    if (await self.http.get("/readyz")).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(_PAUSE_SECONDS)
