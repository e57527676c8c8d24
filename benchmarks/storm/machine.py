"""The mall and its servers, each of which a storm may break: by name, for a while.

`open_machine` brings servers of its own, every commit on disk; `machine_on` stands on servers that
run already, as the tests' do, and leaves PostgreSQL itself alone.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr
from redis.asyncio import Redis

from benchmarks.storm.faults import Break, Fault, Kind
from benchmarks.storm.processes import Process
from benchmarks.storm.proxy import Proxy, open_proxy
from cli.embedded import binaries, postgres, prepare_home
from cli.embedded.home import Home
from cli.embedded.ports import free_port
from cli.migrations import apply_migrations
from models import database
from settings import Profile, Settings, SmsSender, load
from tests.support.application import TEST_SECRETS
from tests.support.redis import RedisServer
from tests.support.simulator import running_simulator

T = TypeVar("T")
SLOW_SECONDS = 0.3
ONE_COMMIT_IN = 4
"""Of so many commits one loses its reply while that is asked for."""

_LATE_MS = 1_000
_MALL = ("cli.main",)


class OwnPostgres:
    """A durable server that may be killed; it answers somewhere else when it is back."""

    def __init__(self, home: Home) -> None:
        # A child dies with the thread that started it: one thread does it all, and stays.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postgres")
        self._home = home
        self._server: postgres.Postgres | None = None

    @property
    def url(self) -> str:
        """Return where it answers now."""
        assert self._server is not None, "it was started"
        return self._server.url

    async def start(self) -> None:
        """Start it, with whatever it had committed before."""
        programs = binaries.find_postgres(
            self._home, "auto", wanted_major=postgres.made_by_major(self._home)
        )
        self._server = await self._do(lambda: postgres.start(programs, self._home, durable=True))

    async def kill(self) -> None:
        """End it at once, as a power cut would: the next start recovers from its log."""
        assert self._server is not None, "it was started"
        process = self._server.process
        process.send_signal(signal.SIGQUIT)
        await self._do(process.wait)

    async def close(self) -> None:
        """Stop it for good."""
        if self._server is not None:
            await self._do(self._server.stop)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@dataclass(slots=True)
class Machine:
    """A running mall. `database_url` leads to PostgreSQL past the door that the mall uses."""

    settings: Settings
    database_url: str
    proxy: Proxy
    redis: RedisServer
    webs: list[Process]
    worker: Process
    tickets: Process | None
    postgres: OwnPostgres | None

    @property
    def ports(self) -> list[int]:
        """Return where the web processes answer."""
        return [web.settings.port for web in self.webs]

    @asynccontextmanager
    async def books(self) -> AsyncIterator[None]:
        """Have the pool of `models.database` open on PostgreSQL itself while the block runs.

        The tests' pool is open already.
        """
        if self.postgres is None:
            yield
            return
        await database.connect(self.database_url, statement_timeout_seconds=60)
        try:
            yield
        finally:
            await database.close()

    def breaks(self) -> Mapping[Kind, Break]:
        """Return what each kind of fault does here."""
        ways: dict[Kind, Break] = {
            Kind.WEB_KILLED: lambda fault: _restarted(self.webs[0], fault),
            Kind.WORKER_KILLED: lambda fault: _restarted(self.worker, fault),
            Kind.REDIS_KILLED: self._lose_redis,
            Kind.REDIS_FLUSHED: self._flush,
            Kind.REDIS_PAUSED: self._pause,
            Kind.REDIS_OLD: self._remember_old,
            Kind.POSTGRES_SLOW: self._slow,
            Kind.POSTGRES_CUT: self._cut,
            Kind.POSTGRES_SILENT: self._silent,
            Kind.CALLBACKS: self._late_callbacks,
        }
        if self.tickets is not None:
            tickets = self.tickets
            ways[Kind.TICKETS_KILLED] = lambda fault: _restarted(tickets, fault)
        if self.postgres is not None:
            ways[Kind.POSTGRES_KILLED] = self._kill_postgres
        return ways

    async def _lose_redis(self, fault: Fault) -> None:
        self.redis.kill()
        await asyncio.sleep(fault.for_seconds)
        self.redis.start()

    async def _flush(self, _fault: Fault) -> None:
        async with Redis.from_url(self.redis.url) as client:
            await client.flushall()

    async def _pause(self, fault: Fault) -> None:
        self.redis.pause()
        await asyncio.sleep(fault.for_seconds)
        self.redis.resume()

    async def _remember_old(self, fault: Fault) -> None:
        self.redis.remember()
        await asyncio.sleep(fault.for_seconds)
        self.redis.kill()
        self.redis.start_with_old_data()

    async def _kill_postgres(self, fault: Fault) -> None:
        assert self.postgres is not None, "this machine has its own"
        await self.postgres.kill()
        self.proxy.cut()
        await asyncio.sleep(fault.for_seconds)
        await self.postgres.start()
        self.database_url = self.postgres.url
        self.proxy.lead_to(self.database_url)

    async def _slow(self, fault: Fault) -> None:
        self.proxy.delay_seconds = SLOW_SECONDS
        await asyncio.sleep(fault.for_seconds)
        self.proxy.delay_seconds = 0.0

    async def _cut(self, fault: Fault) -> None:
        self.proxy.is_shut = True
        self.proxy.cut()
        await asyncio.sleep(fault.for_seconds)
        self.proxy.is_shut = False

    async def _silent(self, fault: Fault) -> None:
        self.proxy.lose_commits(ONE_COMMIT_IN)
        await asyncio.sleep(fault.for_seconds)
        self.proxy.lose_commits(0)

    async def _late_callbacks(self, fault: Fault) -> None:
        faults = f"{self.settings.simulator_url}/_sim/faults"
        some = {"probability": 0.5}
        async with httpx.AsyncClient(trust_env=False) as http:
            for each in (
                {"kind": "notify.delay", "ms": _LATE_MS, "match": some},
                {"kind": "notify.duplicate", "n": 3, "match": some},
            ):
                (await http.post(faults, json=each)).raise_for_status()
            await asyncio.sleep(fault.for_seconds)
            (await http.delete(faults)).raise_for_status()


async def _restarted(process: Process, fault: Fault) -> None:
    await process.kill()
    await asyncio.sleep(fault.for_seconds)
    await process.start()


@asynccontextmanager
async def machine_on(
    settings: Settings,
    redis: RedisServer,
    folder: Path,
    *,
    webs: int = 2,
    with_tickets: bool = False,
    seed: int = 0,
    own_postgres: OwnPostgres | None = None,
) -> AsyncIterator[Machine]:
    """Start the mall's processes on servers that run; the settings lead to PostgreSQL itself."""
    database_url = settings.postgres_url
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(open_proxy(database_url, seed=seed))

        def made(name: str, *arguments: str, ready: str = "", **others: Any) -> Process:
            own = settings.model_copy(
                update={"database_url": SecretStr(proxy.url), "port": free_port(), **others}
            )
            process = Process(name, arguments, ready, own, folder / f"{name}.log")
            stack.push_async_callback(process.stop)
            return process

        # The worker leaves tickets alone where a process of their own turns them into orders.
        alone = {"worker_tickets": False} if with_tickets else {}
        serving = [made(f"web-{number}", *_MALL, "serve") for number in range(webs)]
        worker = made("worker", *_MALL, "worker", ready="worker_ready", **alone)
        tickets = None
        if with_tickets:
            tickets = made("tickets", *_MALL, "tickets", ready="tickets_ready")
        everybody = [*serving, worker, *([tickets] if tickets else [])]
        await asyncio.gather(*(process.start() for process in everybody))
        yield Machine(
            settings,
            database_url,
            proxy,
            redis,
            serving,
            worker,
            tickets,
            own_postgres,
        )


@asynccontextmanager
async def open_machine(
    *, webs: int = 2, with_tickets: bool = False, seed: int = 0
) -> AsyncIterator[Machine]:
    """Bring PostgreSQL (every commit on disk), Valkey, the simulator and the mall."""
    folder = _throw_away_folder()
    home = prepare_home(folder / "home")
    own, redis = OwnPostgres(home), RedisServer(folder)
    try:
        await own.start()
        await apply_migrations(own.url)
        with running_simulator() as simulator:
            settings = await _settings(own.url, redis.url, simulator, folder)
            async with machine_on(
                settings,
                redis,
                folder,
                webs=webs,
                with_tickets=with_tickets,
                seed=seed,
                own_postgres=own,
            ) as machine:
                yield machine
    finally:
        redis.recover()
        redis.stop()
        await own.close()
        shutil.rmtree(folder, ignore_errors=True)


def _throw_away_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="membermall-storm-"))
    folder.chmod(0o755)  # As root, PostgreSQL runs as another user, who walks down to the data.
    return folder


async def _settings(postgres_url: str, redis_url: str, simulator: str, folder: Path) -> Settings:
    async with httpx.AsyncClient(trust_env=False) as http:
        wechat = (await http.get(f"{simulator}/_sim/config.json")).json()
    return load(
        MALL_PROFILE=Profile.TEST,
        MALL_HOME=folder,
        port=free_port(),
        database_url=postgres_url,
        redis_url=redis_url,
        simulator_url=simulator,
        sms_sender=SmsSender.SIMULATOR,
        public_cache_max_bytes=0,
        # Everybody comes from an address of their own, as a proxy in front of the mall says.
        trusted_proxies="127.0.0.0/8",
        **TEST_SECRETS,
        **{name.lower(): value for name, value in wechat.items()},
    )
