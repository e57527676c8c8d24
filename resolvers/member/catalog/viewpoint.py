"""What the look of the catalogue depends on beside its rows.

Rules, promotions, language, address, instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.clock import business_day
from domain.promotions import Running
from domain.rules import Rules
from resolvers.common.context import Context
from resolvers.common.messages import Language
from services import promotions
from services import rules as rules_service


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """One request's view of the catalogue."""

    rules: Rules
    running: Running
    base_url: str
    language: Language
    now: datetime


async def viewpoint(context: Context) -> Viewpoint:
    """Return the request's view; rules and promotions are kept in memory for some seconds."""
    found: Viewpoint | None = context.memo.get(Viewpoint)
    if found is None:
        rules = (await rules_service.in_force(now=context.now)).rules
        running = await promotions.running_now(now=context.now)
        base_url = context.ports.public_base_url
        found = Viewpoint(rules, running, base_url, context.language, context.now)
        context.memo[Viewpoint] = found
    return found


def view_of(context: Context) -> Viewpoint:
    """Return the view that `viewpoint` made when the rows were read."""
    found: Viewpoint = context.memo[Viewpoint]
    return found


def shopper(context: Context) -> tuple[UUID | None, date]:
    """Return who looks, and on which business day."""
    found: tuple[UUID | None, date] | None = context.memo.get(shopper)
    if found is None:
        found = context.memo[shopper] = (context.member_id, business_day(context.now))
    return found
