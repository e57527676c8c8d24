"""Processes that tests may kill."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cli.embedded.process import die_with_parent
from settings import Settings
from tests.support.application import PROJECT, environment_of

StartWorker = Callable[..., Awaitable[asyncio.subprocess.Process]]
_START_SECONDS = 30.0


@pytest.fixture
async def worker_process(settings: Settings, tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Starts `mall worker` and waits until it is ready; all are ended after the test.

    It takes other settings by name: `await worker_process(shutdown_grace_seconds=1)`.
    """
    started: list[asyncio.subprocess.Process] = []

    async def start(**others: Any) -> asyncio.subprocess.Process:
        log = tmp_path / f"worker-{len(started)}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "cli.main",
                "worker",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                env=environment_of(settings.model_copy(update=others)),
                preexec_fn=die_with_parent(),
            )
        started.append(process)
        async with asyncio.timeout(_START_SECONDS):
            while "worker_ready" not in log.read_text():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.02)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()
