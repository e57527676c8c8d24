"""Flash sales and group buys page by page: what is on, then what comes, then what is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.campaigns import CampaignStatus
from models import database
from services.pages import Page, PageRequest, make_page
from services.sql import Conditions

CURSOR_KINDS = (int, datetime, UUID)


@dataclass(frozen=True, slots=True)
class Campaigns:
    """A table of campaigns. `live` holds for rows that can still be on, `shown` for all others.

    One that was called off before its end is in no list; whoever has its id still finds it.
    """

    table: str
    columns: str
    live: str
    shown: str


_IN_ORDER = (CampaignStatus.RUNNING, CampaignStatus.UPCOMING, CampaignStatus.ENDED)
_OVER = _IN_ORDER.index(CampaignStatus.ENDED)
_WHEN = {
    CampaignStatus.RUNNING: "{live} AND starts_at <= {now} AND ends_at > {now}",
    CampaignStatus.UPCOMING: "{live} AND starts_at > {now}",
    CampaignStatus.ENDED: "{shown} AND ends_at <= {now}",
}
_BY = {
    CampaignStatus.RUNNING: ("ends_at", ">", ""),
    CampaignStatus.UPCOMING: ("starts_at", ">", ""),
    CampaignStatus.ENDED: ("ends_at", "<", "DESC"),
}
"""What campaigns of a status are sorted by: what ends, begins or ended nearest to now is first."""


async def page_of(
    campaigns: Campaigns,
    statuses: Collection[CampaignStatus],
    request: PageRequest,
    *,
    now: datetime,
) -> Page[Record]:
    """Return a page of the campaigns that stand at one of these statuses; at any if none is named.

    A row has the table's columns, and `place` and `instant`, which it is sorted by.
    """
    wanted = [status for status in _IN_ORDER if not statuses or status in statuses]
    values = Conditions(values=(now,))
    parts = [
        _part(campaigns, status, request, values)
        for status in wanted
        if request.after is None or request.after[0] <= _IN_ORDER.index(status)
    ]
    rows: Sequence[Record] = ()
    if parts:
        rows = await database.fetch(
            f"""
            SELECT * FROM ({" UNION ALL ".join(parts)}) AS campaign
            ORDER BY place, CASE WHEN place < {_OVER} THEN instant END,
                     CASE WHEN place < {_OVER} THEN id END, instant DESC, id DESC
            LIMIT {values.value(request.limit)}
            """,
            *values.values,
        )

    async def count() -> int:
        conditions = " OR ".join(f"({_condition(campaigns, status)})" for status in wanted)
        return int(
            await database.fetch_value(
                f"SELECT count(*) FROM {campaigns.table} WHERE {conditions}", now
            )
        )

    return make_page(request, rows, _cursor_key, count)


def _condition(campaigns: Campaigns, status: CampaignStatus) -> str:
    return _WHEN[status].format(live=campaigns.live, shown=campaigns.shown, now="$1::timestamptz")


def _part(
    campaigns: Campaigns, status: CampaignStatus, request: PageRequest, values: Conditions
) -> str:
    """Return the SELECT of a status's campaigns; a page needs no more of each than it has rows."""
    place = _IN_ORDER.index(status)
    column, sign, direction = _BY[status]
    matching = _condition(campaigns, status)
    if request.after is not None and request.after[0] == place:
        instant, last_id = (values.value(each) for each in request.after[1:])
        matching += f" AND ({column}, id) {sign} ({instant}, {last_id})"
    return f"""(
        SELECT {place} AS place, {column} AS instant, {campaigns.columns}
        FROM {campaigns.table} WHERE {matching}
        ORDER BY {column} {direction}, id {direction} LIMIT {values.value(request.limit)}
    )"""


def _cursor_key(row: Record) -> tuple[Any, ...]:
    return row["place"], row["instant"], row["id"]
