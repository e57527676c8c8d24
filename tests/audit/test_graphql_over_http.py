"""The audit that the authors of GraphQL over HTTP's draft keep, against the running mall."""

from pathlib import Path

from tests.support.node import printed_by

AUDIT = Path(__file__).with_name("audit.js")
AUDITS = 61


async def test_every_audit_passes(live: str) -> None:
    results = await printed_by(AUDIT, f"{live}/graphql")
    assert [each for each in results if each["status"] != "ok"] == []
    assert len(results) == AUDITS
