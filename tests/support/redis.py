"""A Redis of its own for each test worker, which tests may pause, stop and start again."""

import signal
from pathlib import Path

from cli.embedded import binaries, valkey
from cli.embedded.home import Home


class RedisServer:
    """A server on a port of 127.0.0.1 that stays the same over restarts.

    It starts empty each time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = binaries.find_valkey(Home(folder, account=None), "auto")
        self._server = self._start()

    @property
    def url(self) -> str:
        return self._server.url

    def pause(self) -> None:
        """Let connections hang: the server takes them and never answers."""
        self._server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._server.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        """Start it again after `stop`; what it held is gone."""
        self._server = self._start(self._server.port, self._server.password)

    def recover(self) -> None:
        """Bring it back to running, whatever a test did to it."""
        if self._server.process.poll() is None:
            self.resume()
        else:
            self.start()

    def _start(self, port: int = 0, password: str = "") -> valkey.Valkey:
        log = self._folder / "redis.log"
        return valkey.start(
            self._program, self._folder, log, account=None, port=port, password=password
        )
