"""What a connection plans in an empty mall, it keeps: it must serve a full one as well.

Plans are made once, for any values (`models.database.connect`, `reuse_plans`). On a table without
rows all indexes look alike to PostgreSQL; a plan that finds a member's row by anything that members
share would read everybody's rows until the next ANALYZE.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest

from models import database as db
from services import checkin, coupon_claims
from services.coupon_claims import ClaimCoupon
from tests.factories.coupons import a_campaign, a_joined_member
from tests.factories.rewards import a_code_reward, a_redeemer, a_reward, redeemed
from tests.factories.shop import NOW
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")

OWN_COLUMNS = {
    "check_in": ("member_id",),
    "coupon": ("member_id", "id"),
    "reward_code": ("reward_id", "id"),
    "reward_count": ("member_id",),
}
"""Tables that grow with what members do, and by which columns one member's rows are found."""


async def test_plans_of_an_empty_mall_find_rows_by_the_member(
    statements: StatementLog, database: str
) -> None:
    member_id = await a_joined_member(points=100)
    redeemer = await a_redeemer(points=100)
    offers = [await a_campaign(), await a_campaign(quantity=1), await a_campaign(points_price=10)]
    rewards = [await a_reward(points_price=10), await a_code_reward("C", points_price=10)]
    async with statements.record() as heard:
        await checkin.check_in(member_id, now=NOW)
        for campaign_id in offers:
            wish = ClaimCoupon(member_id, campaign_id, str(campaign_id))
            await coupon_claims.claim(wish, now=NOW)
        for reward_id in rewards:
            await redeemed(redeemer, reward_id, key=str(reward_id))
    await db.execute("SELECT testing.reset()")
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        # The question is which index: a table that was counted when empty would be read whole.
        await connection.execute("SET enable_seqscan = off")
        scans = [scan for sql in set(heard) for scan in await scans_of(connection, sql)]
    finally:
        await connection.close()
    assert {scan["Relation Name"] for scan in scans} == OWN_COLUMNS.keys()
    assert [condition_of(scan) for scan in scans if not is_by_member(scan)] == []


async def scans_of(connection: asyncpg.Connection, sql: str) -> list[dict[str, Any]]:
    """Return where a statement's plan for any values reads one of the growing tables."""
    if not sql.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "WITH")):
        return []
    await connection.execute(f"PREPARE heard AS {sql}")
    number: int = await connection.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'heard'"
    )
    values = f"({', '.join(['NULL'] * number)})" if number else ""
    told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE heard{values}")
    await connection.execute("DEALLOCATE heard")
    return [
        node
        for node in nodes(orjson.loads(told)[0]["Plan"])
        if node["Node Type"].endswith("Scan") and node.get("Relation Name") in OWN_COLUMNS
    ]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def is_by_member(scan: dict[str, Any]) -> bool:
    """Tell whether an index finds the rows by a column that names their owner, or them alone."""
    columns = OWN_COLUMNS[scan["Relation Name"]]
    return any(f"{column} = " in condition_of(scan) for column in columns)


def condition_of(scan: dict[str, Any]) -> str:
    return str(scan.get("Index Cond") or scan.get("Recheck Cond") or scan["Node Type"])
