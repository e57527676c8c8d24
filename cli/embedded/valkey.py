"""One Valkey (or Redis) server of our own. It keeps nothing on disk: no fact lives in it alone."""

import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.embedded.home import Account, ServersUnavailable
from cli.embedded.ports import free_port
from cli.embedded.process import last_lines, owned_by, stop

_START_ATTEMPTS = 3
_START_TIMEOUT_SECONDS = 20
_STOP_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Valkey:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.send_signal(
            signal.SIGCONT
        )  # A paused server would not hear that it should stop.
        stop(self.process, first=signal.SIGTERM, patience_seconds=_STOP_TIMEOUT_SECONDS)


def start(
    program: Path,
    folder: Path,
    log: Path,
    *,
    account: Account | None,
    port: int = 0,
    password: str = "",
    options: Sequence[str] = (),
) -> Valkey:
    """Start the server on 127.0.0.1: on a free port and with a new password unless they are
    given. `options` are further lines of its configuration.
    """
    password = password or secrets.token_urlsafe(24)
    for _ in range(1 if port else _START_ATTEMPTS):
        chosen = port or free_port()
        configuration = _configuration(folder, chosen, password, options)
        process = _spawn(program, folder, log, account, configuration)
        if _answers(process, chosen, password):
            return Valkey(process, chosen, password)
    raise ServersUnavailable(f"{program.name} did not start. The end of {log}:\n{last_lines(log)}")


def _configuration(folder: Path, port: int, password: str, options: Sequence[str]) -> str:
    # Given on standard input, for arguments can be read by everyone on the machine.
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    further = "\n".join(options)
    return f"""
bind 127.0.0.1
port {port}
requirepass {password}
dir "{quoted}"
save ""
appendonly no
databases 16
maxmemory-policy noeviction
daemonize no
{further}
"""


def _spawn(
    program: Path, folder: Path, log: Path, account: Account | None, configuration: str
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, "-"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            **owned_by(account, dies_by=signal.SIGTERM),
        )
    assert process.stdin is not None  # It was asked for.
    process.stdin.write(configuration.encode())
    process.stdin.close()
    return process


def _answers(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _knows(port, password):
            return True
        time.sleep(0.01)
    stop(process, first=signal.SIGTERM, patience_seconds=_STOP_TIMEOUT_SECONDS)
    return False


def _knows(port: int, password: str) -> bool:
    """Say whether the server at `port` takes our password, as no one else's would."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\n".encode())
            return connection.recv(64).startswith(b"+OK")
    except OSError:
        return False
