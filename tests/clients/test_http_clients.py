"""Clients that people use, over HTTP, against the running mall."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from settings import Settings
from tests.factories.members import signed_in_member
from tests.support.node import printed_by

HERE = Path(__file__).parent
CODES = {"tiers": [{"code": "REGULAR"}, {"code": "SILVER"}, {"code": "GOLD"}]}
NAMES = {
    "tiers": [
        {"code": "REGULAR", "name": "普卡"},
        {"code": "SILVER", "name": "银卡"},
        {"code": "GOLD", "name": "金卡"},
    ]
}
RENAMED = {"updateProfile": {"member": {"nickname": "阿梨"}, "userErrors": []}}
REFUSED = {
    "updateProfile": {
        "member": None,
        "userErrors": [{"code": "INVALID_INPUT", "path": ["nickname"]}],
    }
}


def without_types(value: Any) -> Any:
    """Leave out the `__typename` that a client asks for by itself."""
    if isinstance(value, list):
        return [without_types(each) for each in value]
    if isinstance(value, dict):
        return {name: without_types(each) for name, each in value.items() if name != "__typename"}
    return value


@pytest.mark.parametrize(
    ("script", "registering"),
    # Told that a hash isn't known, one sends the text by POST, the other by GET.
    [("apollo.js", ["GET? 400", "POST 200"]), ("urql.js", ["GET? 400", "GET? 200"])],
)
async def test_a_client(live: str, settings: Settings, script: str, registering: list[str]) -> None:
    member = await signed_in_member(settings)
    printed = await printed_by(HERE / script, f"{live}/graphql", member.token)
    told = [without_types(each) for each in printed]
    assert told == [
        {"name": "query", "data": NAMES, "requests": ["POST 200"]},
        {"name": "query by GET", "data": CODES, "requests": ["GET? 200"]},
        {"name": "mutation", "data": RENAMED, "requests": ["POST 200"]},
        {"name": "refusal", "data": REFUSED, "requests": ["POST 200"]},
        {"name": "broken document", "codes": ["BAD_REQUEST"], "requests": ["POST 400"]},
        {"name": "bad token", "codes": ["UNAUTHENTICATED"], "requests": ["POST 401"]},
        {"name": "hash, first", "data": CODES, "requests": registering},
        {"name": "hash, again", "data": NAMES, "requests": ["GET? 200"]},
    ]
