"""The processes that `mall up` runs beside each other: their logs, their deaths, their end."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping
from pathlib import Path

from cli.embedded.process import die_with_parent, last_lines

PROJECT = Path(__file__).resolve().parents[1]
_TROUBLE = re.compile(r"\b(warning|error|critical|exception)\b|^Traceback", re.IGNORECASE)
_LONGEST_LINE_BYTES = 1 << 20
_LAST_LINES = 12
_PATIENCE_SECONDS = 10.0
"""What a child may take to stop: the grace of its requests and jobs, and a little more."""


class ChildFailed(Exception):
    """A child ended by itself; the message says which, how, and its last words."""


class Child:
    """One process. What it prints goes to its log, and warnings and errors to the terminal too."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log
        self._printing = asyncio.create_task(self._print())

    @classmethod
    async def start(
        cls, name: str, arguments: list[str], environment: Mapping[str, str], logs: Path
    ) -> "Child":
        """Run `python -m <arguments>`. A Ctrl-C in the terminal does not reach it; we stop it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=PROJECT,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            limit=_LONGEST_LINE_BYTES,
            process_group=0,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        return cls(name, process, logs / f"{name}.log")

    async def ended(self) -> int:
        """Wait until it has ended and its output is written; return the exit status."""
        status = await self._process.wait()
        await self._printing
        return status

    async def stop(self, patience_seconds: float) -> None:
        """Ask it to end, and kill it with all its own children when it has not ended in time."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), patience_seconds)
        except TimeoutError:
            print(f"{self.name} did not stop in {patience_seconds:.0f} s and was killed.")
        self._kill_group()
        await self.ended()

    def obituary(self, status: int) -> str:
        """Say how it ended, with the end of its log."""
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        told = last_lines(self._log, _LAST_LINES)
        return f"{self.name} {how}. The end of {self._log}:\n{told}"

    def _kill_group(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # Nobody is left.

    async def _print(self) -> None:
        output = self._process.stdout
        assert output is not None  # It was asked for.
        with self._log.open("ab", buffering=0) as log:
            while line := await _read_line(output):
                log.write(line)
                text = line.decode("utf-8", "replace").rstrip()
                if _TROUBLE.search(text):
                    print(f"{self.name} | {text}", flush=True)


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # Longer than the limit: the reader has dropped it.
        return b"(a line too long to show)\n"


class Household:
    """The children of one `mall up`, which live and end together."""

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self.environment = environment
        """What every child started from now on gets."""
        self._logs = logs
        self._children: list[Child] = []
        self._deaths: asyncio.Queue[str] = asyncio.Queue()
        self._watches: list[asyncio.Task[None]] = []

    async def start(self, name: str, arguments: list[str]) -> None:
        """Start a child that is to live as long as we do."""
        child = await Child.start(name, arguments, self.environment, self._logs)
        self._children.append(child)
        self._watches.append(asyncio.create_task(self._watch(child)))

    async def run(self, name: str, arguments: list[str]) -> None:
        """Run a child to its end; raise `ChildFailed` unless it succeeded."""
        child = await Child.start(name, arguments, self.environment, self._logs)
        self._children.append(child)
        if status := await child.ended():
            raise ChildFailed(child.obituary(status))

    async def first_death(self) -> None:
        """Raise `ChildFailed` when a child that should live has ended."""
        raise ChildFailed(await self._deaths.get())

    async def stop(self) -> None:
        """Stop all children: first those that serve, then what they call."""
        for watch in self._watches:
            watch.cancel()
        for child in reversed(self._children):
            await child.stop(_PATIENCE_SECONDS)

    async def _watch(self, child: Child) -> None:
        status = await child.ended()
        await self._deaths.put(child.obituary(status))
