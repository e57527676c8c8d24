"""`mall up`: the whole mall on one machine, as `make run` starts it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from typing import TypeVar

import typer

from cli.children import ChildFailed, Household
from cli.embedded.home import Home, ServersUnavailable
from cli.embedded.locks import FileLock
from cli.embedded.ports import is_free
from cli.environment import Plan, Prepared, is_dev, plan
from cli.panels import RUN

T = TypeVar("T")
_LOOK_AT_SERVERS_EVERY_SECONDS = 1.0
_LAST_PORT = 65_535


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=RUN)(up)


def up() -> None:
    """Run everything here: servers, simulator, web and worker, until Ctrl-C.

    Needs nothing but this checkout. PORT (8000) is the web server's, PORT+1 the simulator's;
    MALL_HOME (.mall) keeps the data.
    """
    if not is_dev():
        typer.echo("mall: `up` is for development; use serve, worker and migrate.", err=True)
        raise typer.Exit(2)
    sys.exit(asyncio.run(_until_stopped()))


async def _until_stopped() -> int:
    """Run until a signal, which cancels us wherever we are; every step undoes itself then."""
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    assert running is not None  # We are inside it.
    stopping = _Stopping(running)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.ask)
    try:
        return await _run()
    except asyncio.CancelledError:
        if not stopping.asked:
            raise
        with suppress(BrokenPipeError):
            print("Stopped.", flush=True)
        return 0


class _Stopping:
    """Turns the first signal into a cancellation. Later ones change nothing: it is on its way."""

    def __init__(self, task: "asyncio.Task[int]") -> None:
        self._task = task
        self.asked = False

    def ask(self) -> None:
        if not self.asked:
            self.asked = True
            with suppress(BrokenPipeError):
                print("\nStopping ...", flush=True)
            # What is cut off half-way, like a connection being made, has nothing to tell any more.
            self._task.get_loop().set_exception_handler(lambda _loop, _context: None)
            self._task.cancel()


async def _run() -> int:
    port = os.environ.get("PORT") or "8000"
    simulator = f"http://127.0.0.1:{int(port) + 1}" if port.isdecimal() else ""
    checked = plan(SIMULATOR_URL=simulator, SMS_SENDER="simulator", PORT=port)
    assert checked.home is not None  # As it is in the dev profile.
    try:
        with _alone(checked, checked.home):
            print("Starting PostgreSQL and Valkey ...", flush=True)
            async with _in_thread(checked.started()) as ready:
                await _run_all(ready, checked.home)
    except (ChildFailed, _Refused, ServersUnavailable) as failure:
        print(f"mall: {failure}", file=sys.stderr, flush=True)
        return 1
    return 0


class _Refused(Exception):
    """`mall up` cannot start here and now; the message says why."""


@contextmanager
def _alone(checked: Plan, home: Home) -> Iterator[None]:
    """Hold this home and find both ports free, or refuse before anything is started."""
    lock, note = FileLock(home.path / "up.lock"), home.path / "up.json"
    if not lock.try_take():
        running = json.loads(note.read_text()) if note.exists() else {}
        where = f" as process {running['pid']} at {running['url']}" if running else ""
        raise _Refused(
            f"The mall of {home.path} runs already{where}."
            " Stop that one first, or start another with MALL_HOME=... PORT=... make run."
        )
    try:
        port = checked.settings.port
        if port == _LAST_PORT:
            raise _Refused(f"PORT is at most {_LAST_PORT - 1}: the simulator takes the next one.")
        for each, what in ((port, "web server"), (port + 1, "simulator")):
            if not is_free(each):
                raise _Refused(
                    f"Port {each} (for the {what}) is in use. Choose another: make run PORT=8100"
                )
        note.write_text(json.dumps({"pid": os.getpid(), "url": checked.settings.base_url}))
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


async def _run_all(ready: Prepared, home: Home) -> None:
    """Start the rest in the order in which one needs the other, then wait for an end."""
    household = Household(home.logs, {**os.environ, **ready.additions})
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(household.first_death())
            group.create_task(_watch_servers(ready, home))
            group.create_task(_start_and_tell(household, ready, home))
    except* (ChildFailed, ServersUnavailable) as failures:
        raise failures.exceptions[0] from None
    finally:
        await household.stop()


async def _watch_servers(ready: Prepared, home: Home) -> None:
    while ready.servers is not None:
        if not ready.servers.live():
            raise ServersUnavailable(
                f"PostgreSQL or Valkey has ended. Their logs are in {home.logs}."
            )
        await asyncio.sleep(_LOOK_AT_SERVERS_EVERY_SECONDS)


async def _start_and_tell(household: Household, ready: Prepared, home: Home) -> None:
    # Imported here: the database's and HTTP's libraries take longer to load than the servers.
    from cli.migrations import apply_migrations
    from cli.ready import simulator_settings, wait_for_web, welcome

    settings = ready.settings
    port = settings.port
    state = home.path / "simulator"
    print("Starting the WeChat simulator ...", flush=True)
    await household.start("simulator", ["wxsim", "--port", str(port + 1), "--state", str(state)])
    for name in await apply_migrations(settings.postgres_url):
        print(f"Applied migration {name}.", flush=True)
    household.environment |= await simulator_settings(settings.simulator_url)
    print("Starting the web server and the worker ...", flush=True)
    await household.start("web", ["cli.main", "serve"])
    await household.start("worker", ["cli.main", "worker"])
    await household.run("seed", ["cli.main", "seed"])
    await wait_for_web(settings.base_url)
    print(await welcome(settings, home.path), flush=True)


@asynccontextmanager
async def _in_thread(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a blocking context manager in a thread; a start under way is seen through."""
    entering = asyncio.create_task(asyncio.to_thread(manager.__enter__))
    try:
        value = await asyncio.shield(entering)
    except asyncio.CancelledError:
        await entering
        await asyncio.to_thread(manager.__exit__, None, None, None)
        raise
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
