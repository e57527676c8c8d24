"""The embedded servers: started once, shared, and gone when nobody is left, however they left."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from cli.embedded import ServersUnavailable, SharedServers, acquire, binaries, prepare_home
from cli.embedded import home as home_module
from cli.embedded.contract import keeper_lock
from cli.embedded.home import Account, Home, reachable

PROJECT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 20.0
_USER = """
import sys
from pathlib import Path
from cli.embedded import acquire, prepare_home
with acquire(prepare_home(Path(sys.argv[1])), durable=False) as servers:
    print(servers.database_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' user can reach, with a long name that has spaces and Chinese."""
    base = Path(tempfile.mkdtemp(prefix="mall test "))
    base.chmod(0o711)
    yield base / ("a very long name " * 6) / "商城"
    shutil.rmtree(base)


@pytest.fixture
def home(folder: Path) -> Home:
    folder.parent.mkdir(mode=0o711)
    return prepare_home(folder)


def ask(servers: SharedServers, question: str) -> object:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        answer = connection.execute(question.encode())
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def nobody_keeps(home: Home) -> bool:
    lock = keeper_lock(home)
    free = lock.try_take()
    lock.release()
    return free


def processes_in(home: Home) -> list[str]:
    """Return pid and command line of those that name this home."""
    command = ["ps", "-eww", "-o", "pid=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(home.path) in line]


def other_user(home: Home) -> subprocess.Popen[str]:
    """Start another process that uses the servers of `home` until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", _USER, str(home.path)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_servers_start_keep_their_data_and_stop(home: Home) -> None:
    with acquire(home) as servers:
        assert redis.Redis.from_url(servers.redis_url).ping() is True
        ask(servers, "CREATE TABLE kept (answer) AS VALUES (7)")
        # Of the laptop's tuning: what was told stays true, and Chinese letters are letters.
        assert ask(servers, "SHOW fsync") == "on"
        assert ask(servers, "SELECT datctype FROM pg_database WHERE datname = 'mall'") == "C.UTF-8"
    assert nobody_keeps(home)
    assert processes_in(home) == []
    with acquire(home) as servers:
        assert ask(servers, "SELECT answer FROM kept") == 7


def test_strangers_need_the_password(home: Home) -> None:
    with acquire(home, durable=False) as servers:
        url = servers.database_url.replace("@", "x@")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(servers.redis_url.replace("@", "x@")).ping()
    assert home.servers.stat().st_mode & 0o077 == 0


def test_the_last_user_stops_the_servers(home: Home) -> None:
    first = acquire(home, durable=False)
    second = other_user(home)
    assert second.stdout is not None
    assert second.stdout.readline().strip() == first.database_url
    assert first.release() is False
    with acquire(home, durable=False) as third:
        assert third.database_url == first.database_url
        second.communicate()
        assert ask(third, "SELECT 1") == 1
    assert nobody_keeps(home)


def test_servers_stop_when_their_user_is_killed(home: Home) -> None:
    user = other_user(home)
    assert user.stdout is not None
    assert user.stdout.readline().startswith("postgresql://")
    user.kill()
    user.communicate()
    eventually(lambda: nobody_keeps(home))
    assert processes_in(home) == []


def test_servers_come_back_after_their_keeper_was_killed(home: Home) -> None:
    servers = acquire(home, durable=False)
    ask(servers, "CREATE TABLE kept (answer) AS VALUES (7)")
    keeper = next(line for line in processes_in(home) if "cli.embedded.keeper" in line)
    os.kill(int(keeper.split()[0]), signal.SIGKILL)
    eventually(lambda: not servers.live())
    with acquire(home, durable=False) as again:
        assert ask(again, "SELECT answer FROM kept") == 7
    servers.release()
    assert processes_in(home) == []


def test_a_pid_file_of_a_dead_server_is_no_obstacle(home: Home) -> None:
    """After a reboot the pid in it may be anybody's: here it is our own."""
    with acquire(home, durable=False):
        stale = (home.servers / "postgres" / "postmaster.pid").read_text().splitlines()
    (home.servers / "postgres" / "postmaster.pid").write_text(
        "\n".join([str(os.getpid()), *stale[1:]])
    )
    with acquire(home, durable=False) as servers:
        assert ask(servers, "SELECT 1") == 1


def test_a_start_that_was_killed_half_way_is_made_anew(home: Home) -> None:
    (home.servers / "postgres.new" / "base").mkdir(parents=True)
    with acquire(home, durable=False) as servers:
        assert ask(servers, "SELECT 1") == 1


def test_a_dead_server_is_noticed(home: Home) -> None:
    with acquire(home, durable=False) as servers:
        pid = (home.servers / "postgres" / "postmaster.pid").read_text().splitlines()[0]
        os.kill(int(pid), signal.SIGKILL)
        eventually(lambda: not servers.live())


def test_servers_of_another_kind_are_not_joined(home: Home) -> None:
    with (
        acquire(home, with_valkey=False, durable=False),
        pytest.raises(ServersUnavailable, match="run with other settings"),
    ):
        acquire(home, durable=False)


def test_missing_programs_name_the_three_ways(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_postgres_candidates", lambda _choice: iter(()))
    monkeypatch.setattr(binaries, "_valkey_candidates", lambda _choice: iter(()))
    for find in (
        lambda: binaries.find_postgres(home, "auto", wanted_major=None),
        lambda: binaries.find_valkey(home, "auto"),
    ):
        with pytest.raises(ServersUnavailable) as caught:
            find()
        for way in ("DATABASE_URL and REDIS_URL", "make setup", "apt-get install"):
            assert way in str(caught.value)


def test_data_of_another_version_is_told_apart(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    only = binaries.PostgresPrograms(Path("/opt"), 15)
    monkeypatch.setattr(binaries, "_postgres_candidates", lambda _choice: iter([only]))
    with pytest.raises(
        ServersUnavailable, match="was made by PostgreSQL 18, but found was only 15"
    ):
        binaries.find_postgres(home, "auto", wanted_major=18)


def test_reach_is_judged_by_every_folder_above(folder: Path) -> None:
    inside = folder.parent / "closed" / "home"
    inside.mkdir(parents=True)
    folder.parent.chmod(0o711)
    stranger = Account("nobody", uid=65_533, gid=65_533)
    assert reachable(inside, stranger)
    (folder.parent / "closed").chmod(0o700)
    assert not reachable(inside, stranger)
    assert reachable(folder.parent / "closed", stranger)


def test_root_keeps_data_elsewhere_when_the_checkout_is_closed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_module, "server_account", lambda: Account("nobody", 65_533, 65_533))
    monkeypatch.setattr(home_module, "_make_closed", lambda _home: None)
    folder.parent.mkdir(mode=0o700)
    chosen = prepare_home(folder / ".mall")
    assert chosen.path.parent == home_module.SYSTEM_BASE
    assert chosen.path.name.startswith("商城-")
    assert prepare_home(folder / ".mall") == chosen
    assert prepare_home(folder / "other").path != chosen.path
