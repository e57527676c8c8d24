"""One PostgreSQL server of our own: made once, started as our child, stopped fast and cleanly."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from cli.embedded.binaries import PostgresPrograms
from cli.embedded.home import Home, ServersUnavailable
from cli.embedded.ports import free_port
from cli.embedded.process import last_lines, owned_by, stop

ROLE = DATABASE = "mall"

# A laptop's share of memory, and every commit on disk before it is answered: what a member was told
# stays true.
_TUNING = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # TCP only: a socket's path holds 107 bytes at most.
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",  # Compiling costs more than our short statements take.
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "log_lock_waits": "on",
}
# For tests alone: a crash of the machine may cost the data, which the next run makes anew.
_THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_START_ATTEMPTS = 3
_START_TIMEOUT_SECONDS = 120  # Crash recovery replays the log before it answers.
_STOP_TIMEOUT_SECONDS = 20
_STATUS_LINE = 7  # Of postmaster.pid, counted from 0 (PostgreSQL 10 and later).


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    process: subprocess.Popen[bytes]
    url: str

    def stop(self) -> None:
        """Stop as `pg_ctl stop -m fast` does: sessions are ended, everything committed is kept."""
        stop(self.process, first=signal.SIGINT, patience_seconds=_STOP_TIMEOUT_SECONDS)


def made_by_major(home: Home) -> int | None:
    """Return the major version that made the data, or None before there is any."""
    version = _data(home) / "PG_VERSION"
    return int(version.read_text()) if version.is_file() else None


def start(programs: PostgresPrograms, home: Home, *, durable: bool) -> Postgres:
    """Start the server on a free port of 127.0.0.1, making its data first if there is none."""
    data, password_file = _data(home), home.path / "postgres.password"
    if not (data / "PG_VERSION").is_file():
        _initialise(programs, home, password_file)
    _clear_leftovers(data)
    options = _TUNING if durable else _TUNING | _THROW_AWAY
    log = home.logs / "postgres.log"
    for _ in range(_START_ATTEMPTS):
        port = free_port()
        process = _spawn(programs, home, log, {**options, "port": str(port)})
        if _answers(process, data):
            password = password_file.read_text()
            return Postgres(process, f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}")
        if "Address already in use" not in last_lines(log):  # Else someone took the port first.
            break
    raise ServersUnavailable(f"PostgreSQL did not start. The end of {log}:\n{last_lines(log)}")


def _data(home: Home) -> Path:
    return home.servers / "postgres"


def _initialise(programs: PostgresPrograms, home: Home, password_file: Path) -> None:
    """Make the cluster beside its place and move it there when whole, so that a kill leaves no
    half-made data.
    """
    unfinished = home.servers / "postgres.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    password = secrets.token_urlsafe(24)
    # For the servers' user, who may not read the file above; it is gone in a second.
    handed_over = home.servers / "password.new"
    handed_over.unlink(missing_ok=True)
    handed_over.touch(mode=0o600)
    handed_over.write_text(password)
    if home.account is not None:
        os.chown(handed_over, home.account.uid, home.account.gid)
    # C.UTF-8 and not C: pg_trgm asks lc_ctype what a letter is, and under C 苹 is none.
    arguments: list[str | Path] = [programs.initdb, "--pgdata", unfinished]
    arguments += ["--username", ROLE, "--auth", "scram-sha-256", "--pwfile", handed_over]
    arguments += ["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"]
    try:
        _run(arguments, home)
    finally:
        handed_over.unlink()
    create = f"CREATE DATABASE {DATABASE}\n".encode()
    _run([programs.postgres, "--single", "-D", unfinished, "postgres"], home, given=create)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    unfinished.rename(_data(home))


def _run(arguments: list[str | Path], home: Home, *, given: bytes = b"") -> None:
    done = subprocess.run(
        arguments,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        cwd=home.servers,
        env=_environment(),
        **owned_by(home.account, dies_by=signal.SIGKILL),
    )
    if done.returncode != 0:
        name, told = Path(arguments[0]).name, done.stdout.decode("utf-8", "replace")
        raise ServersUnavailable(f"{name} failed (exit {done.returncode}):\n{told}")


def _spawn(
    programs: PostgresPrograms, home: Home, log: Path, options: dict[str, str]
) -> subprocess.Popen[bytes]:
    arguments: list[str | Path] = [programs.postgres, "-D", _data(home)]
    for name, value in options.items():
        arguments += ["-c", f"{name}={value}"]
    with log.open("ab") as output:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=home.servers,
            env=_environment(),
            **owned_by(home.account, dies_by=signal.SIGINT),
        )


def _environment() -> dict[str, str]:
    # Nothing of the caller's PG* variables or locale may reach the server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _answers(process: subprocess.Popen[bytes], data: Path) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        lines = _pid_file_lines(data)
        if lines[:1] == [str(process.pid)] and "ready" in "".join(lines[_STATUS_LINE:]):
            return True
        time.sleep(0.02)
    stop(process, first=signal.SIGINT, patience_seconds=_STOP_TIMEOUT_SECONDS)
    return False


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _clear_leftovers(data: Path) -> None:
    """End processes of a server whose keeper was killed, and remove its pid file once nobody works
    on the data.

    PostgreSQL takes a pid file for a running server when any process has that pid: a zombie, or
    after a reboot anyone.
    """
    if not Path("/proc/self/cwd").exists():
        return  # Without /proc we cannot know; PostgreSQL's own check decides.
    deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
    while pids := _working_in(data):
        late = time.monotonic() > deadline
        lines = _pid_file_lines(data)
        first = [pid for pid in pids if lines and str(pid) == lines[0]] or pids
        for pid in pids if late else first:
            _signal(pid, signal.SIGKILL if late else signal.SIGINT)
        time.sleep(0.1)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _working_in(folder: Path) -> list[int]:
    """Return the processes whose working directory is `folder`, as that of every PostgreSQL
    process is its data.
    """
    wanted = folder.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == wanted:
                    found.append(int(entry.name))
            except OSError:
                continue  # A zombie, a process that has just ended, or another user's.
    return found


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
