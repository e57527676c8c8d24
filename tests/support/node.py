"""Programs for Node that print one JSON value a line."""

import asyncio
import json
from pathlib import Path
from typing import Any

SECONDS = 120.0


async def printed_by(script: Path, *arguments: str) -> list[Any]:
    """Run a script to its end and return what it printed; a failed one fails the test."""
    async with asyncio.timeout(SECONDS):
        node = await asyncio.create_subprocess_exec(
            "node", script, *arguments, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await node.communicate()
    assert node.returncode == 0
    return [json.loads(line) for line in printed.splitlines()]
