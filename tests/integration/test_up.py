"""`mall up` as a developer meets it: it opens, it stops, and it leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cli.embedded.ports import is_free
from tests.support.free_ports import two_free_ports

PROJECT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 90.0
_STOP_SECONDS = 30.0

pytestmark = pytest.mark.xdist_group("up")


class Up:
    """One `mall up` in a process of its own."""

    def __init__(self, home: Path, port: int, **environment: str) -> None:
        self.home, self.port, self.printed = home, port, ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up"],
            cwd=PROJECT,
            env={**os.environ, "MALL_HOME": str(home), "PORT": str(port), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    def read_until(self, text: str) -> str:
        """Read what it prints up to a line with `text`; return all of it so far."""
        assert self.process.stdout is not None
        while text not in self.printed and (line := self.process.stdout.readline()):
            self.printed += line
        assert text in self.printed, self.printed
        return self.printed

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, read the rest, and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        rest, _ = self.process.communicate(timeout=_STOP_SECONDS)
        self.printed += rest
        return self.process.returncode


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mall up "))
    folder.chmod(0o711)
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture
def port() -> int:
    """The web server's; the next one is the simulator's."""
    return two_free_ports()


@pytest.fixture
def up(home: Path, port: int) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(**environment: str) -> Up:
        started.append(Up(home, port, **environment))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end()


def left_of(home: Path) -> list[str]:
    """Return pid and command line of processes that name this home."""
    command = ["ps", "-eww", "-o", "pid=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in listed.splitlines() if str(home) in line]


def test_it_opens_stops_and_finds_its_data_again(up: Callable[..., Up], home: Path) -> None:
    first = up()
    block = first.read_until("Started again")
    web = f"http://127.0.0.1:{first.port}"
    assert f"{web}/graphql" in block
    assert f"http://127.0.0.1:{first.port + 1}/_sim/" in block
    assert str(home) in block
    assert httpx.get(f"{web}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{web}/readyz").json() == {"status": "ok"}
    assert "mall_http_requests_total" in httpx.get(f"{web}/metrics").text
    note = json.loads((home / "up.json").read_text())
    assert note == {"pid": first.process.pid, "url": web}
    member = asked(web, token_in(block), "{ me { id } }")["me"]["id"]
    assert first.end() == 0
    assert first.printed.endswith("Stopped.\n")
    assert left_of(home) == []
    assert not (home / "up.json").exists()

    again = up()
    block = again.read_until("Started again")
    assert "Applied migration" not in block
    assert asked(web, token_in(block), "{ me { id } }")["me"]["id"] == member
    assert again.end(signal.SIGINT) == 0
    assert left_of(home) == []


def token_in(block: str) -> str:
    found = re.search(r'"Bearer ([^"]+)"', block)
    assert found, block
    return found[1]


def asked(web: str, token: str, question: str) -> dict[str, dict[str, str]]:
    head = {"authorization": f"Bearer {token}"}
    answer = httpx.post(f"{web}/graphql", json={"query": question}, headers=head)
    data: dict[str, dict[str, str]] = answer.json()["data"]
    return data


def test_a_second_one_is_told_about_the_first(up: Callable[..., Up], home: Path) -> None:
    first = up()
    first.read_until("Started again")
    second = up()
    assert second.wait() == 1
    assert second.printed == (
        f"mall: The mall of {home} runs already as process {first.process.pid}"
        f" at http://127.0.0.1:{first.port}."
        " Stop that one first, or start another with MALL_HOME=... PORT=... make run.\n"
    )


def test_a_port_in_use_is_told_before_anything_starts(
    up: Callable[..., Up], home: Path, port: int
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port + 1)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while is_free(port + 1):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        refused = up()
        assert refused.wait() == 1
    finally:
        holder.kill()
        holder.wait()
    assert refused.printed == (
        f"mall: Port {port + 1} (for the simulator) is in use. Choose another: make run PORT=8100\n"
    )
    assert not (home / "servers" / "postgres").exists()


def test_wrong_settings_are_told_at_once(up: Callable[..., Up], home: Path) -> None:
    refused = up(WEB_CONCURRENCY="many", REDIS_TIMEOUT_SECONDS="0")
    assert refused.wait() == 2
    assert refused.printed.splitlines() == [
        "mall: REDIS_TIMEOUT_SECONDS: is out of range; expected more than 0.0",
        "mall: WEB_CONCURRENCY: is not a whole number; expected a number",
    ]


def test_a_child_that_dies_ends_the_whole_and_is_named(up: Callable[..., Up], home: Path) -> None:
    running = up()
    running.read_until("Started again")
    web = next(line for line in children_of(running) if "cli.main serve" in line)
    os.kill(int(web.split()[0]), signal.SIGKILL)
    assert running.wait() == 1
    assert f"mall: web was killed by signal 9. The end of {home}/logs/web.log:" in running.printed
    assert left_of(home) == []


def test_nothing_survives_when_it_is_killed_itself(up: Callable[..., Up], home: Path) -> None:
    running = up()
    running.read_until("Started again")
    children = [int(line.split()[0]) for line in children_of(running)]
    assert len(children) == 4
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + _STOP_SECONDS
    while left_of(home) or any(map(is_running, children)):
        assert time.monotonic() < deadline, left_of(home)
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Tell whether a process has not ended; one that nobody has asked about is but a name."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def children_of(running: Up) -> list[str]:
    command = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(running.process.pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in listed.splitlines()]


def test_it_is_for_development_alone(up: Callable[..., Up]) -> None:
    refused = up(MALL_PROFILE="production")
    assert refused.wait() == 2
    assert refused.printed == "mall: `up` is for development; use serve, worker and migrate.\n"
