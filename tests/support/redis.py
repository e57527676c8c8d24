"""A Redis of its own for each test worker, which tests may pause, kill and start again."""

import signal
from pathlib import Path

from redis import Redis

from cli.embedded import binaries, valkey
from cli.embedded.home import Home

_DUMP = "dump.rdb"


class RedisServer:
    """A server on a port of 127.0.0.1 that stays the same over restarts.

    It starts empty each time, unless it is asked for what it once held.
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

    def kill(self) -> None:
        """End it as a power cut would."""
        self._server.process.kill()
        self._server.process.wait()

    def start(self) -> None:
        """Start it again after `stop` or `kill`; what it held is gone."""
        (self._folder / _DUMP).unlink(missing_ok=True)
        self._server = self._start(self._server.port, self._server.password)

    def remember(self) -> None:
        """Write down what it holds now, for `start_with_old_data`."""
        with Redis.from_url(self.url) as client:
            client.save()

    def start_with_old_data(self) -> None:
        """Start it again after `kill`, with what it held when it was told to remember."""
        assert (self._folder / _DUMP).exists(), "it was told to remember"
        self._server = self._start(self._server.port, self._server.password)
        (self._folder / _DUMP).unlink()

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
