"""The process that owns the servers of one home: `python -m cli.embedded.keeper '{...}'`, spawned
by `share.acquire`.

It starts the servers as its children, writes their addresses to the state file, says `ready` on its
standard output, and stops them when no user's lock is left. A server that ends by itself ends the
keeper too, which users notice.
"""

import shutil
import signal
import sys
import time
from contextlib import ExitStack

from cli.embedded import binaries, postgres, valkey
from cli.embedded.contract import State, Task, keeper_lock, state_file, users_lock
from cli.embedded.home import ServersUnavailable
from cli.embedded.postgres import Postgres
from cli.embedded.valkey import Valkey

_LOOK_EVERY_SECONDS = 0.1


def main(argument: str) -> int:
    """Keep the servers until the last user has gone; return the exit status."""
    task = Task.from_json(argument)
    # The users decide when to stop; a Ctrl-C or a hang-up in one of their terminals is not for the
    # keeper.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    alone = keeper_lock(task.home)
    alone.take()
    try:
        with ExitStack() as stack:
            _keep(task, stack)
    except ServersUnavailable as error:
        print(error, flush=True)
        return 1
    finally:
        if task.temporary:
            shutil.rmtree(task.path, ignore_errors=True)
    return 0


def _keep(task: Task, stack: ExitStack) -> None:
    home = task.home
    state_file(home).unlink(missing_ok=True)  # Of a keeper that was killed.
    database, cache = _start(task, stack)
    State(database.url if database else "", cache.url if cache else "").write(home)
    stack.callback(state_file(home).unlink, missing_ok=True)
    print("ready", flush=True)
    users = users_lock(home)
    processes = [server.process for server in (database, cache) if server]
    while not users.try_take():
        if any(process.poll() is not None for process in processes):
            return
        time.sleep(_LOOK_EVERY_SECONDS)


def _start(task: Task, stack: ExitStack) -> tuple[Postgres | None, Valkey | None]:
    home, database, cache = task.home, None, None
    if task.with_postgres:
        wanted = postgres.made_by_major(home)
        programs = binaries.find_postgres(home, task.choice, wanted_major=wanted)
        database = postgres.start(programs, home, durable=task.durable)
        stack.callback(database.stop)
    if task.with_valkey:
        program = binaries.find_valkey(home, task.choice)
        cache = valkey.start(program, home.servers, home.logs / "valkey.log", account=home.account)
        stack.callback(cache.stop)
    return database, cache


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
