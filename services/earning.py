"""What a paid order earns, with the multipliers of the moment of payment (rules, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.clock import business_day
from domain.members import is_birthday
from domain.orders import OrderKind
from domain.pricing import Buyer, Earned, units_from_json, units_to_json, with_earnings
from domain.rules import Rules
from models import database
from services import rules as rule_versions


async def of_lines(lines: Sequence[Any], *, paid_at: datetime) -> Earned:
    """Compute what an order's lines earn as it is paid, and store each unit's share on its line.

    The quote showed what the order would earn; a tier or birthday may have come since then. A row
    holds a line's id and units, its order's kind, and its member's tier_code, birthday and
    joined_at. A redemption earns nothing.
    """
    if lines[0]["kind"] == OrderKind.REDEMPTION:
        return Earned(points=0, growth=0, lines=())
    in_force = await rule_versions.in_force(now=paid_at)
    stored = [units_from_json(line["units"]) for line in lines]
    earned = with_earnings(stored, buyer_of(lines[0], in_force.rules, now=paid_at), in_force.rules)
    changed = [
        (line["id"], database.to_json(units_to_json(units)))
        for line, before, units in zip(lines, stored, earned.lines, strict=True)
        if before != units
    ]
    if changed:
        await database.execute(
            """
            UPDATE order_line SET units = given.units
            FROM unnest($1::uuid[], $2::jsonb[]) AS given (id, units)
            WHERE order_line.id = given.id
            """,
            [line_id for line_id, _ in changed],
            [units for _, units in changed],
        )
    return earned


def buyer_of(
    member: Any,
    rules: Rules,
    *,
    now: datetime,
    points_balance: int = 0,
    consent_is_current: bool = True,
) -> Buyer:
    """Return a member row (tier_code, birthday, joined_at) as this moment's buyer."""
    birthday = member["birthday"]
    celebrates = birthday is not None and is_birthday(birthday, business_day(now))
    return Buyer(
        tier=rules.tier(member["tier_code"]),
        is_member=member["joined_at"] is not None,
        consent_is_current=consent_is_current,
        points_balance=points_balance,
        extra_multipliers_bps=(rules.members.birthday_multiplier_bps,) if celebrates else (),
    )
