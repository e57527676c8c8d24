"""The audit that the authors of GraphQL over HTTP's draft keep, against the running mall."""

import asyncio
import json
from pathlib import Path

AUDIT = Path(__file__).with_name("audit.js")
AUDITS = 61
SECONDS = 120.0


async def test_every_audit_passes(live: str) -> None:
    async with asyncio.timeout(SECONDS):
        node = await asyncio.create_subprocess_exec(
            "node", AUDIT, f"{live}/graphql", stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await node.communicate()
    assert node.returncode == 0
    results = [json.loads(line) for line in printed.splitlines()]
    assert [each for each in results if each["status"] != "ok"] == []
    assert len(results) == AUDITS
