"""The mall's processes in a storm: started, killed as by a power cut, and started again."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.embedded.process import die_with_parent, last_lines
from settings import Settings
from tests.support.application import PROJECT, environment_of

_READY_SECONDS = 120.0
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Process:
    """`python -m <arguments>` with settings of its own.

    `ready` is what its log says when it is; without it, it is ready when its port answers.
    """

    name: str
    arguments: tuple[str, ...]
    ready: str
    settings: Settings
    log: Path
    _running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        with self.log.open("ab") as output:
            begin = output.tell()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                env=environment_of(self.settings),
                preexec_fn=die_with_parent(),
            )
        self._running = process
        async with asyncio.timeout(_READY_SECONDS):
            while not await self._is_ready(begin):
                assert process.returncode is None, last_lines(self.log, 40)
                await asyncio.sleep(_LOOK_SECONDS)

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self._running is not None, "it was started"
        return self._running.pid

    async def kill(self) -> None:
        """End it as a power cut would: no clean-up runs."""
        if self._running is not None and self._running.returncode is None:
            self._running.kill()
            await self._running.wait()

    async def stop(self) -> None:
        """End it as an operator would."""
        if self._running is None or self._running.returncode is not None:
            return
        self._running.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._running.wait(), _STOP_SECONDS)
        except TimeoutError:
            await self.kill()

    async def _is_ready(self, begin: int) -> bool:
        if self.ready:
            with self.log.open("rb") as log:
                log.seek(begin)
                return self.ready.encode() in log.read()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.settings.port)
        except OSError:
            return False
        writer.close()
        return True
