"""The mall on servers of its own in a throw-away home, and what each part of it uses of the CPU."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.documents import MANIFEST
from cli.embedded.process import die_with_parent, last_lines
from cli.environment import Prepared, plan
from cli.migrations import apply_migrations
from cli.ready import simulator_settings
from settings import Settings
from tests.support.free_ports import two_free_ports

PROJECT = Path(__file__).resolve().parents[1]
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
EVERYTHING = "everything"
"""All that runs on the machine, ours or not."""

WITHOUT_CACHE = {"PUBLIC_CACHE_MAX_BYTES": "0"}
"""Have the mall make every answer anew: what it takes is what is measured."""

_NOT_OURS = ("DATABASE_URL", "REDIS_URL", "MALL_PROFILE", "PUBLIC_BASE_URL")
"""What the caller's shell may have set for another mall."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A running mall: where it answers, and its processes by name."""

    settings: Settings
    environment: dict[str, str]
    """What a process of this mall is started with."""
    home: Path
    pids: dict[str, int]

    @property
    def simulator(self) -> str:
        """Return where the simulator answers."""
        return self.settings.simulator_url

    @property
    def postgres_log(self) -> Path:
        """Return the log of the database."""
        return self.home / "logs" / "postgres.log"

    @asynccontextmanager
    async def running(self, name: str, *arguments: str, ready: str = "") -> AsyncIterator[None]:
        """Have `python -m <arguments>` run as long as the block; it answers at `ready` first."""
        log = self.home / "logs" / f"{name}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                env=dict(self.environment),
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self.pids[name] = process.pid
        try:
            if ready:
                await _answering(ready, process, log)
            yield
        finally:
            del self.pids[name]
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), _STOP_SECONDS)
                except TimeoutError:
                    process.kill()
                    await process.wait()

    @contextmanager
    def with_environment(self, **variables: str) -> Iterator[None]:
        """Start processes with these variables too while the block runs."""
        before = dict(self.environment)
        self.environment.update(variables)
        try:
            yield
        finally:
            self.environment.clear()
            self.environment.update(before)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU that each process has used so far, with its children, and all together.

        What a hypervisor has taken away counts as used: nobody here could use it.
        """
        tree = _tree()
        parts = {name: _cpu_of(pid, tree) for name, pid in self.pids.items()}
        return parts | {EVERYTHING: _cpu_of_everything()}


@asynccontextmanager
async def open_machine(*, web_processes: int) -> AsyncIterator[Machine]:
    """Start PostgreSQL (every commit on disk), Valkey, the simulator and the web server."""
    folder = _throw_away_folder()
    port = two_free_ports()
    for name in _NOT_OURS:
        os.environ.pop(name, None)
    os.environ |= {
        "MALL_HOME": str(folder / "home"),
        "PORT": str(port),
        "WEB_CONCURRENCY": str(web_processes),
    }
    try:
        simulator = f"http://127.0.0.1:{port + 1}"
        with plan(SIMULATOR_URL=simulator, SMS_SENDER="simulator").started() as ready:
            async with _mall(ready) as machine:
                yield machine
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _mall(ready: Prepared) -> AsyncIterator[Machine]:
    settings = ready.settings
    assert ready.servers is not None, "nothing but our own servers is measured"
    home = ready.servers.home.path
    manifest = home / "documents.json"
    manifest.write_bytes(MANIFEST.dump())
    environment = {
        **os.environ,
        **ready.additions,
        **WITHOUT_CACHE,
        "TRUSTED_DOCUMENTS": str(manifest),
    }
    machine = Machine(settings, environment, home, {})
    machine.pids["postgres"] = _pid_in(home / "servers" / "postgres" / "postmaster.pid")
    machine.pids["valkey"] = _sibling(machine.pids["postgres"])
    await apply_migrations(settings.postgres_url)
    port = str(settings.port + 1)
    state = str(home / "simulator")
    async with machine.running("simulator", "wxsim", "--port", port, "--state", state):
        environment |= await simulator_settings(settings.simulator_url)
        ready_at = f"{settings.base_url}/readyz"
        async with machine.running("web", "cli.main", "serve", ready=ready_at):
            yield machine


async def _answering(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(_READY_SECONDS), httpx.AsyncClient(trust_env=False) as http:
        while True:
            if process.returncode is not None:
                raise SystemExit(f"A server did not start:\n{last_lines(log)}")
            try:
                if (await http.get(url)).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


def _throw_away_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="membermall-bench-"))
    folder.chmod(0o755)  # As root, the servers run as another user, who walks down to the data.
    return folder


def facts() -> dict[str, str]:
    """Return what a reader must know of the machine to judge the figures."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _pid_in(file: Path) -> int:
    return int(file.read_text().splitlines()[0])


def _sibling(pid: int) -> int:
    """Return the other child of a process's parent: the keeper has PostgreSQL and Valkey."""
    stat = _stat(pid)
    [other] = [child for child in _tree()[int(stat[1])] if child != pid]
    return other


def _tree() -> dict[int, list[int]]:
    """Return every process's children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    return children


def _cpu_of(pid: int, tree: dict[int, list[int]]) -> float:
    """Add up a process, its children that have ended, and those that live."""
    stat = _stat(pid)
    own = sum(int(ticks) for ticks in stat[11:15]) / _TICKS_A_SECOND if stat else 0.0
    return own + sum(_cpu_of(child, tree) for child in tree.get(pid, ()))


def _cpu_of_everything() -> float:
    """Add up what /proc/stat says of all processors, but for idling and waiting for disks."""
    user, nice, system, _idle, _wait, irq, softirq, steal = (
        int(ticks) for ticks in Path("/proc/stat").read_text().split(None, 9)[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS_A_SECOND


def _stat(pid: int) -> list[str]:
    """Return /proc/<pid>/stat from the state on; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
