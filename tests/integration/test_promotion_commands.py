"""`mall promotions`: one from a file with what it meets, the list, and the end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services import promotions
from settings import Settings
from tests.factories.catalog import a_product
from tests.support.commands import mall

pytestmark = pytest.mark.usefixtures("database")


def a_file(folder: Path, **changes: Any) -> str:
    now = datetime.now(UTC)
    given = {
        "kind": "FULL_REDUCTION",
        "title": "满199减30",
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1)).isoformat(),
        "terms": {"rungs": [[19_900, 3_000]]},
        **changes,
    }
    file = folder / "promotion.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    return str(file)


async def test_a_promotion_is_published_listed_and_ended(
    settings: Settings, tmp_path: Path
) -> None:
    await a_product()
    status, first = await mall(settings, "promotions", "publish", a_file(tmp_path))
    assert status == 0
    status, said = await mall(
        settings, "promotions", "publish", a_file(tmp_path, title="满99减10", tiers=["GOLD"])
    )
    assert status == 0
    assert f"It meets 满199减30 ({first.strip()}) on 1 products" in said
    promotions.forget_cached()
    running = await promotions.running(now=datetime.now(UTC), tier_code="GOLD")
    assert [each.title for each in running] == ["满199减30", "满99减10"]
    status, said = await mall(settings, "promotions", "list")
    assert (status, "满199减30" in said, "GOLD" in said) == (0, True, True)
    assert (await mall(settings, "promotions", "end", first.strip()))[0] == 0
    promotions.forget_cached()
    running = await promotions.running(now=datetime.now(UTC), tier_code=None)
    assert running == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"title": ""}, "title: A title is expected."),
        ({"kind": "GIFT"}, "'GIFT' is not a valid PromotionKind"),
        ({"terms": {}}, "KeyError"),
        ({"starts_at": "2026-11-01T00:00:00"}, "times are given with their offset"),
    ],
)
async def test_a_file_that_is_none(
    settings: Settings, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    status, said = await mall(settings, "promotions", "publish", a_file(tmp_path, **changes))
    assert status == 1
    assert told in said
