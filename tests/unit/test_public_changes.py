"""News of changes become versions: at once, and not more often than every so often."""

from __future__ import annotations

import asyncio

import pytest

from api.public_answers import PublicChanges
from executor.versions import Versions


@pytest.fixture
def versions() -> Versions:
    return Versions()


async def test_the_first_news_end_answers_at_once(versions: Versions) -> None:
    changes = PublicChanges(versions, pause_seconds=60)
    before = versions.current(["catalog"])
    changes.hear("catalog")
    assert versions.current(["catalog"]) != before
    assert versions.current(["stock"]) == Versions().current(["stock"])


async def test_what_comes_soon_after_ends_them_once_more_after_a_pause(versions: Versions) -> None:
    changes = PublicChanges(versions, pause_seconds=0)
    changes.hear("catalog")
    after_first = versions.current(["catalog"])
    for _ in range(100):
        changes.hear("catalog")
    assert versions.current(["catalog"]) == after_first
    # The loop's timers ring in the order in which they are due.
    await asyncio.sleep(0.001)
    after_pause = versions.current(["catalog"])
    assert after_pause != after_first
    await asyncio.sleep(0.001)
    assert versions.current(["catalog"]) == after_pause
    changes.hear("catalog")
    assert versions.current(["catalog"]) != after_pause


async def test_a_tag_that_rests_holds_up_no_other(versions: Versions) -> None:
    changes = PublicChanges(versions, pause_seconds=60)
    changes.hear("catalog")
    before = versions.current(["stock"])
    changes.hear("stock")
    assert versions.current(["stock"]) != before


async def test_who_can_hear_again_begins_anew(versions: Versions) -> None:
    before = versions.current(["catalog"])
    versions.lose()
    assert versions.current(["catalog"]) is None
    PublicChanges(versions, pause_seconds=60).hear_all()
    assert versions.current(["catalog"]) not in (None, before)
