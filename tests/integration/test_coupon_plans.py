"""No statement about coupons reads them all: members' lists, claims and due work go by indexes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from domain.coupons import CampaignKind
from domain.pricing import CouponStatus
from loaders.coupons import CouponsShape, count_coupons
from loaders.members import MemberShape, member_along, member_by_id
from models import database as db
from services import (
    coupon_claims,
    coupon_codes,
    coupon_events,
    coupon_expiry,
    coupon_grants,
    coupons,
)
from services.coupon_claims import ClaimCode, ClaimCoupon
from tests.factories.coupons import a_campaign, a_coupon, a_joined_member, an_order
from tests.factories.shop import NOW
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")

LARGE = {"coupon", "exchange_code", "coupon_grant_item", "idempotency_key"}

_MANY = """
INSERT INTO coupon (id, member_id, terms_id, campaign_id, code, status, is_for_shipping, valid_from,
                    valid_until, origin, origin_id, points_paid, merged, created_at)
SELECT gen_random_uuid(), (SELECT id FROM member ORDER BY id OFFSET number % 200 LIMIT 1), terms_id,
       NULL, 'many-' || number,
       CASE WHEN number % 10 = 0 THEN 'USABLE' ELSE 'EXPIRED' END, false,
       valid_from, valid_until + number * interval '1 hour', 'BENEFIT', gen_random_uuid(), 0, false,
       created_at
FROM coupon, generate_series(1, 20000) AS number
"""

_KEYS = """
INSERT INTO idempotency_key (id, actor_id, operation, key, request_hash, created_at)
SELECT gen_random_uuid(), gen_random_uuid(), 'addToCart', number::text, '', $1
FROM generate_series(1, 5000) AS number
"""


class OpenDoors:
    """Lets everybody in."""

    async def knock(self, _door: str, _address: str) -> int | None:
        return None


@pytest.fixture
async def crowd(database: str) -> None:
    """Fill the tables, so that reading them whole would cost more than an index."""
    members = [await a_joined_member() for _ in range(200)]
    await a_coupon(members[0])
    await db.execute(_MANY)
    codes = await a_campaign(kind=CampaignKind.CODE)
    async for _ in coupon_codes.make(codes, 5_000):
        pass
    lists = await a_campaign(kind=CampaignKind.GRANT)
    for number in range(25):
        await coupon_grants.start(lists, members, name=str(number), now=NOW)
    await db.execute("UPDATE coupon_grant_item SET refused = 'COUPON_SOLD_OUT'")
    await db.execute(
        "UPDATE coupon_grant SET done = total, status = 'FINISHED', finished_at = $1", NOW
    )
    await db.execute(_KEYS, NOW)
    for table in LARGE | {"member", "sales_order"}:
        await db.execute(f"ANALYZE {table}")


@pytest.mark.usefixtures("crowd")
async def test_large_tables_are_read_by_indexes(statements: StatementLog, database: str) -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(quantity=5)
    codes = await a_campaign(kind=CampaignKind.CODE)
    [[code]] = [made async for made in coupon_codes.make(codes, 1)]
    order_id = await an_order(member_id)
    listed = await a_campaign(kind=CampaignKind.GRANT)
    shape = MemberShape(frozenset(), has_coupon_counts=True)
    async with statements.record() as heard:
        coupon_id = await coupon_claims.claim(ClaimCoupon(member_id, campaign_id, "1"), now=NOW)
        await coupon_claims.claim_code(ClaimCode(member_id, code, "2"), OpenDoors(), now=NOW)
        await coupons.reserve([coupon_id], member_id=member_id, order_id=order_id, now=NOW)
        await coupons.release(order_id, now=NOW)
        await coupons.give_back(order_id, before_shipment=True, now=NOW)
        await coupons.live(member_id, now=NOW)
        for statuses in ([CouponStatus.USABLE], [CouponStatus.USED], []):
            listed_coupons = CouponsShape(tuple(statuses), goes_on=False)
            await member_along(
                member_id, now=NOW, shape=shape, along=[listed_coupons], values=[[20]]
            )
            await count_coupons(member_id, listed_coupons, now=NOW)
        await member_by_id([member_id], now=NOW, shape=shape)
        await coupon_expiry.expire_due(NOW + timedelta(days=8), limit=10)
        await coupon_expiry.remind_due(NOW + timedelta(days=8), limit=10)
        await coupon_grants.start(listed, [member_id], name="list", now=NOW)
        await coupon_grants.run_due(now=NOW)
        await coupon_events.take_back(order_id)
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        told = [sql for sql in set(heard) if is_about_rows(sql)]
        whole = {sql: await read_whole(connection, sql) for sql in told}
    finally:
        await connection.close()
    assert len(whole) > 20
    assert {sql: tables for sql, tables in whole.items() if tables} == {}


def is_about_rows(sql: str) -> bool:
    return sql.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))


async def read_whole(connection: asyncpg.Connection, sql: str) -> set[str]:
    """Return the large tables that a statement's plan for any values reads whole."""
    await connection.execute(f"PREPARE heard AS {sql}")
    number: int = await connection.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'heard'"
    )
    values = f"({', '.join(['NULL'] * number)})" if number else ""
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE heard{values}")
    await connection.execute("DEALLOCATE heard")
    return {
        node["Relation Name"]
        for node in nodes(orjson.loads(plan)[0]["Plan"])
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE
    }


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
