"""A day's work as a process of its own, killed half-way and run again."""

import asyncio
import re
import sys
from datetime import UTC, date, datetime, timedelta

from cli.embedded.process import die_with_parent
from domain.clock import business_day, start_of_business_day
from models import database as db
from models.ids import new_id
from services.tier_standings import growth_account
from settings import Settings
from tests.support.application import PROJECT, environment_of
from tests.support.commands import mall

MEMBERS = 6_000
"""Three batches of reviews."""

_MANY = """
WITH made AS (
    INSERT INTO member (id, member_no, status, nickname, gender, invite_code, joined_at, tier_code,
                        tier_since, tier_review_at, lifetime_growth, created_at, updated_at)
    SELECT id, 'K' || lpad(number::text, 11, '0'), 'ACTIVE', '', 'UNKNOWN', 'K' || number, $2,
           'SILVER', $2, $3, 0, $2, $2
    FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, number)
    RETURNING id
)
INSERT INTO ledger_account (id, member_id, kind, unit, balance, seq, created_at)
SELECT account_id, member_id, 'GROWTH', 'GROWTH', 0, 0, $2
FROM unnest($1::uuid[], $4::uuid[]) AS wanted (member_id, account_id)
"""


async def test_a_killed_run_is_taken_up_where_it_broke_off(
    database: str, settings: Settings
) -> None:
    del database
    yesterday = business_day(datetime.now(UTC)) - timedelta(days=1)
    await _members_with_a_review(yesterday)
    process = await _started(settings, yesterday)
    await _some_are_reviewed()
    process.kill()
    await process.wait()

    status, said = await mall(settings, "run-day", yesterday.isoformat())
    assert status == 0
    found = re.search(r"tier_reviews (\d+)", said)
    assert found is not None, "it was killed before the end"
    assert 0 < int(found[1]) < MEMBERS
    assert await _reviewed() == MEMBERS
    again = await mall(settings, "run-day", yesterday.isoformat())
    assert again == (0, f"{yesterday}  nothing was due\n")
    for table in ("tier_term", "message"):
        assert await db.fetch_value(f"SELECT count(*) FROM {table}") == MEMBERS, table


async def _members_with_a_review(day: date) -> None:
    ids = [new_id() for _ in range(MEMBERS)]
    accounts = [growth_account(id_) for id_ in ids]
    due = start_of_business_day(day)
    await db.execute(_MANY, ids, due - timedelta(days=366), due, accounts)


async def _started(settings: Settings, day: date) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "run-day", day.isoformat()),
        stdout=asyncio.subprocess.DEVNULL,
        cwd=PROJECT,
        env=environment_of(settings),
        preexec_fn=die_with_parent(),
    )


async def _some_are_reviewed() -> None:
    """Wait for the first batch of the process."""
    async with asyncio.timeout(30):
        while not await _reviewed():  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.01)


async def _reviewed() -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM member WHERE tier_code = 'REGULAR'")
    return count
