"""Trying rules out on all members, before they are published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.rules import Rules
from domain.tier_simulation import Buyer, Simulation
from models import database
from models.tier_rows import term_growth
from services import rules as rule_versions

_AT_ONCE = 10_000
_YEAR = timedelta(days=365)


async def simulate(rules: Rules, *, now: datetime) -> Simulation:
    """Count who would move where if these rules held now, and what their benefits would cost.

    It reads one snapshot and writes nothing.
    """
    in_force = await rule_versions.in_force(now=now)
    simulation = Simulation(in_force.rules, rules)
    async with database.snapshot():
        async for buyer in _buyers(in_force.rules, now):
            simulation.add(buyer)
    return simulation


async def _buyers(rules: Rules, now: datetime) -> AsyncIterator[Buyer]:
    last_id = UUID(int=0)
    values = (_AT_ONCE, now - _YEAR, rules.shipping.free_from_fen, rules.tiers[0].code)
    while rows := await database.fetch(_MEMBERS, last_id, *values):
        last_id = rows[-1]["id"]
        for row in rows:
            yield _buyer(row)


def _buyer(row: Any) -> Buyer:
    return Buyer(*tuple(row)[1:])


# Who stands on the lowest tier has no term whose growth would be asked for.
_MEMBERS = f"""
    SELECT member.id, member.tier_code, account.balance, coalesce(term.growth, 0),
           member.birthday IS NOT NULL, orders.list_fen, orders.goods_fen, orders.small
    FROM member
    JOIN ledger_account AS account ON account.member_id = member.id AND account.kind = 'GROWTH'
    LEFT JOIN LATERAL (
        {term_growth("account.id", "member.tier_since_seq")}
    ) AS term ON member.tier_code <> $5
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(goods_total_fen), 0)::bigint AS list_fen,
               coalesce(sum(payable_fen - shipping_fen), 0)::bigint AS goods_fen,
               count(*) FILTER (
                   WHERE delivery <> 'PICKUP' AND payable_fen - shipping_fen < $4
               ) AS small
        FROM sales_order
        WHERE sales_order.member_id = member.id AND paid_at IS NOT NULL AND placed_at > $3
    ) AS orders
    WHERE member.id > $1 AND member.status = 'ACTIVE' AND member.joined_at IS NOT NULL
    ORDER BY member.id LIMIT $2
"""
