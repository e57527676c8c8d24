"""A day whose processes die in the middle of its statements, again and again until it is done."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from cli.embedded.process import die_with_parent
from domain.clock import start_of_business_day
from domain.coupons import CampaignKind
from domain.ledger import EntryReason, SourceKind
from models import database as db
from models.ids import new_id
from services import coupon_events, days, finality, growth
from services.campaign_admin import PaidEvent
from tests.factories.coupons import a_campaign, a_coupon
from tests.factories.orders import bought
from tests.factories.shop import NOW, a_buyer, a_member, a_sku
from tests.support import wallets
from tests.support.application import PROJECT
from tests.support.shopping import assert_books_agree

DAY = date(2026, 11, 30)
DUE = start_of_business_day(DAY)
NOON = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)

DYING = """
import asyncio, os, signal, sys
from datetime import UTC, date, datetime
from asyncpg.connection import Connection
from models import database
from services import coupon_events, days

execute, run = Connection.execute, Connection._execute

def dying(place):
    left = [place]

    def dies_before(ask):
        async def asked(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return await ask(*args, **kwargs)
        return asked

    Connection.execute, Connection._execute = dies_before(execute), dies_before(run)

async def work(place):
    await database.connect(sys.argv[1])
    dying(place)
    now = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
    await coupon_events.grant_due(now=now)
    await days.run_day(date(2026, 11, 30), now=now)

place, step = 1, int(sys.argv[2])
while True:
    child = os.fork()
    if not child:
        asyncio.run(work(place))
        os._exit(0)
    if not os.waitpid(child, 0)[1]:
        break
    place += step
print(place)
"""
"""Starts processes that die before their first statement, one `step` later, until one has lived."""


@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.soak)])
async def test_a_day_killed_in_the_middle_of_everything_leaves_what_a_quiet_one_does(
    database: str, step: int
) -> None:
    await _all_that_is_due()
    await coupon_events.grant_due(now=NOON)
    await days.run_day(DAY, now=NOON)
    expected = await _state()
    await assert_books_agree()

    await db.execute("SELECT testing.reset()")
    await _all_that_is_due()
    assert await _last_death(database, step) > 90
    assert await _state() == expected
    await assert_books_agree()
    assert sum(result.pieces for result in await days.run_day(DAY, now=NOON)) == 0


async def _last_death(database_url: str, step: int) -> int:
    """Have the day run by processes that die; returns the statement that none reached any more."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DYING, database_url, str(step)),
        stdout=asyncio.subprocess.PIPE,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        preexec_fn=die_with_parent(),
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return int(said)


async def _all_that_is_due() -> None:
    """Make members for whom something falls due at the beginning of the day."""
    inviter = await a_member()
    for _ in range(2):
        await _a_final_first_order(inviter)
    a_year_ago = start_of_business_day(date(2025, 11, 29))
    for amount in (6_500, 3_100):
        await _earned(await a_member(), amount, at=a_year_ago)
    await _earned(await a_member(), 6_500, at=a_year_ago + timedelta(days=30))
    for days_left in (0, 3, 30):
        member_id = await a_member()
        await wallets.earn(member_id, 10 + days_left, days=(DUE - NOW).days + days_left + 0.5)
        until = DUE + timedelta(days=days_left)
        await a_coupon(member_id, valid_until=until)


async def _a_final_first_order(inviter: UUID) -> None:
    """Have somebody who was invited buy what is final with the day, and brings a coupon."""
    await a_campaign(kind=CampaignKind.EVENT, event=PaidEvent(min_paid_fen=100), per_member_limit=9)
    member_id = await a_buyer(points=500)
    await db.execute(
        "UPDATE member SET invited_by_id = $2, invited_at = $3 WHERE id = $1",
        *(member_id, inviter, NOW),
    )
    order_id = await bought(member_id, (await a_sku(320_000), 1), points_to_spend=500)
    await finality.receive(order_id, at=NOW)


async def _earned(member_id: UUID, amount: int, *, at: datetime) -> None:
    source = (SourceKind.ORDER_FINALITY, new_id())
    await growth.credit(member_id, amount, reason=EntryReason.ORDER, source=source, at=at)
    await wallets.earn(member_id, amount, now=at)


async def _state() -> list[list[tuple[Any, ...]]]:
    """Return all that the days leave, whatever the ids are."""
    return [
        sorted(tuple(map(str, row)) for row in await db.fetch(statement))
        for statement in (
            "SELECT tier_code, tier_review_at, tier_warned_at, lifetime_growth FROM member",
            "SELECT kind, balance, earned FROM ledger_account WHERE member_id IS NOT NULL",
            "SELECT delta, reason, created_at FROM ledger_entry WHERE seq IS NOT NULL",
            "SELECT earned, remaining, expired, expires_at, is_pending FROM points_lot",
            "SELECT tier_code, since, cause, growth, period_growth FROM tier_term",
            "SELECT event, facts - 'order_no', created_at FROM message",
            "SELECT status, origin, valid_until, reminded_at FROM coupon",
            "SELECT seat, refused, inviter_points, created_at FROM invitation_reward",
            "SELECT finalized_at, finality_due_at, events_due_at FROM sales_order",
        )
    ]
