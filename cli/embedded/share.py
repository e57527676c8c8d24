"""The users' side: have the servers of a home run as long as we need them."""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.embedded.binaries import Choice
from cli.embedded.contract import State, Task, keeper_lock, state_file, users_lock
from cli.embedded.home import Home, ServersUnavailable
from cli.embedded.locks import FileLock
from cli.embedded.process import last_lines

_START_TIMEOUT_SECONDS = 180
_STOP_TIMEOUT_SECONDS = 30
_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class SharedServers:
    """A share in the running servers.

    Give it back with `release`, or use it as a context manager.
    """

    home: Home
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    _users: FileLock = field(repr=False)

    def live(self) -> bool:
        """Say whether the servers are still kept; False means that one of them has died."""
        return not _keeper_is_gone(self.home)

    def release(self) -> bool:
        """Give the share back.

        Return True once the servers are down, False when others still use them.
        """
        self._users.release()
        deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
        try:
            while not _keeper_is_gone(self.home):
                if _others_share(self.home) or time.monotonic() > deadline:
                    return False
                time.sleep(0.02)
        except FileNotFoundError:  # A temporary home is removed when its servers are down.
            return True
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def acquire(
    home: Home,
    *,
    choice: Choice = "auto",
    with_postgres: bool = True,
    with_valkey: bool = True,
    durable: bool = True,
) -> SharedServers:
    """Return a share in the servers of `home`, starting them when nobody else has.

    Raises `ServersUnavailable` when they cannot be started, or run already but not as asked.
    """
    task = Task(
        path=str(home.path),
        account=home.account,
        temporary=home.temporary,
        choice=choice,
        with_postgres=with_postgres,
        with_valkey=with_valkey,
        durable=durable,
    )
    starting, users = FileLock(home.path / "start.lock"), users_lock(home)
    try:
        _expect(
            starting.take_within(_START_TIMEOUT_SECONDS), home, "have been starting for too long"
        )
        stopped = users.take_within(_STOP_TIMEOUT_SECONDS, shared=True)
        _expect(stopped, home, "have been stopping for too long")
        state = _join_or_start(home, task)
        _expect(
            bool(state.database_url) >= with_postgres and bool(state.redis_url) >= with_valkey,
            home,
            "run with other settings (DATABASE_URL or REDIS_URL); stop them first",
        )
    except BaseException:
        users.release()
        raise
    finally:
        starting.release()
    return SharedServers(home, state.database_url, state.redis_url, users)


def _expect(holds: bool, home: Home, otherwise: str) -> None:
    if not holds:
        raise ServersUnavailable(f"The servers of {home.path} {otherwise}.")


def _join_or_start(home: Home, task: Task) -> State:
    """Read where the present keeper's servers answer, or spawn a keeper.

    Call it with both locks held.
    """
    while not _keeper_is_gone(home):
        # A keeper without a state file is ending because a server died, or its starter was killed
        # half-way.
        if state_file(home).exists():
            return State.read(home)
        time.sleep(0.02)
    _spawn_keeper(home, task)
    return State.read(home)


def _spawn_keeper(home: Home, task: Task) -> None:
    log = home.logs / "keeper.log"
    with log.open("ab") as errors:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "cli.embedded.keeper", task.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=_PROJECT,
            start_new_session=True,  # It may outlive us: the last user decides, not the first.
        )
    assert keeper.stdout is not None  # It was asked for.
    with keeper.stdout as answers:
        first = answers.readline().decode()
        if first == "ready\n":
            return
        told = first + answers.read().decode()
    keeper.wait()
    raise ServersUnavailable(
        told.strip() or f"The servers did not start. The end of {log}:\n{last_lines(log)}"
    )


def _keeper_is_gone(home: Home) -> bool:
    probe = keeper_lock(home)
    try:
        return probe.try_take(shared=True)
    finally:
        probe.release()


def _others_share(home: Home) -> bool:
    """Say whether users are left: then the lock can be had shared, but not alone."""
    probe = users_lock(home)
    try:
        return not probe.try_take() and probe.try_take(shared=True)
    finally:
        probe.release()
