"""Running `mall` as a person would."""

import asyncio
import sys

from settings import Settings
from tests.support.application import PROJECT, environment_of


async def mall(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run a command with these settings; return its status and all it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=PROJECT,
        env=environment_of(settings) | {"COLUMNS": "120"},
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
