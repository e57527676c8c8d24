"""Grants while workers die and race: each member is decided once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from domain.coupons import CampaignKind
from models import database as db
from services import coupon_events, coupon_grants
from services.campaign_admin import PaidEvent
from tests.factories.coupons import a_campaign
from tests.factories.orders import bought
from tests.factories.shop import NOW, a_buyer, a_member, a_sku
from tests.support.shopping import assert_books_agree

PROJECT = Path(__file__).resolve().parents[2]

DYING = """
import asyncio, os, signal, sys
from models import database
from services import coupon_grants
from tests.factories.shop import NOW

async def die(*args, **kwargs):
    await issue(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    global issue
    await database.connect(sys.argv[1])
    await coupon_grants.run_due(now=NOW, limit=10)
    issue, coupon_grants.coupons.issue = coupon_grants.coupons.issue, die
    await coupon_grants.run_due(now=NOW, limit=10)

asyncio.run(main())
"""
"""A worker that gives ten coupons, and dies when it has given ten more but not committed."""


async def given() -> Counter[UUID]:
    rows = await db.fetch("SELECT member_id FROM coupon")
    return Counter(row["member_id"] for row in rows)


async def test_a_worker_killed_in_the_middle_gives_nothing_twice(database: str) -> None:
    members = [await a_member() for _ in range(35)]
    campaign_id = await a_campaign(kind=CampaignKind.GRANT, quantity=100)
    grant_id = await coupon_grants.start(campaign_id, members, name="list", now=NOW)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DYING, database),
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert await worker.wait() == -signal.SIGKILL
    assert len(await given()) == 10
    for _ in range(2):  # And once more, after its end.
        while await coupon_grants.run_due(now=NOW, limit=10):
            pass
    assert await given() == Counter(members)
    told = await coupon_grants.progress(grant_id)
    assert (told.total, told.done, told.refused) == (35, 35, {})
    assert await db.fetch_value("SELECT claimed FROM coupon_campaign") == 35
    await assert_books_agree()


@pytest.mark.usefixtures("database")
async def test_four_workers_share_the_lists() -> None:
    members = [await a_member() for _ in range(20)]
    campaign_id = await a_campaign(kind=CampaignKind.GRANT, quantity=55, per_member_limit=3)
    for number in range(3):
        await coupon_grants.start(campaign_id, members, name=str(number), now=NOW)

    async def work() -> None:
        idle = 0
        while idle < 3:  # A list that a rival has in hand looks like none.
            idle = 0 if await coupon_grants.run_due(now=NOW, limit=7) else idle + 1

    await asyncio.gather(*(work() for _ in range(4)))
    while await coupon_grants.run_due(now=NOW):
        pass
    assert sum((await given()).values()) == 55
    refused = await db.fetch("SELECT refused FROM coupon_grant_item WHERE refused IS NOT NULL")
    assert [row["refused"] for row in refused] == ["COUPON_SOLD_OUT"] * 5
    await assert_books_agree()


@pytest.mark.usefixtures("database")
async def test_rivals_give_what_an_order_brings_once() -> None:
    await a_campaign(
        kind=CampaignKind.EVENT,
        event=PaidEvent(min_paid_fen=100),
        per_member_limit=100,
        quantity=100,
    )
    sku, buyers = await a_sku(1_000), [await a_buyer() for _ in range(3)]
    for buyer in buyers:
        for _ in range(3):
            await bought(buyer, (sku, 1))
    looked = await asyncio.gather(*(coupon_events.grant_due(now=NOW) for _ in range(6)))
    assert sum(looked) == 9
    assert await given() == Counter(dict.fromkeys(buyers, 3))
    assert await db.fetch_value("SELECT claimed FROM coupon_campaign") == 9
    await assert_books_agree()
