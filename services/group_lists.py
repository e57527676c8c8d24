"""Group buys as members see them: campaigns, teams to join, their own teams."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.campaigns import CampaignSoldOut, CampaignStatus, campaign_status
from domain.errors import DomainError
from domain.group_buys import GroupBuyState, TeamFacts, TeamStatus, TeamViewer, judge
from domain.rules import OrderRules
from models import database
from models.group_buy_rows import GROUP_BUY_COLUMNS, TEAM_COLUMNS
from services.campaign_pages import Campaigns, page_of
from services.group_facts import IS_NEWCOMER, TAKEN, terms_of
from services.pages import Page, PageRequest, make_page
from services.sql import Conditions

TEAM_CURSOR = (datetime, UUID)

_CAMPAIGNS = Campaigns(
    "group_buy",
    GROUP_BUY_COLUMNS,
    live="state = 'PUBLISHED'",
    shown="state IN ('PUBLISHED', 'CLOSED')",
)


async def list_group_buys(
    statuses: Collection[CampaignStatus], request: PageRequest, *, now: datetime
) -> Page[Record]:
    """Return a page of campaigns that stand at one of these statuses; at any if none is named."""
    return await page_of(_CAMPAIGNS, statuses, request, now=now)


def status_of(row: Record, *, now: datetime) -> CampaignStatus:
    """Return where a campaign stands; one that was called off is over."""
    if row["state"] != GroupBuyState.PUBLISHED:
        return CampaignStatus.ENDED
    return campaign_status(row["starts_at"], row["ends_at"], now)


async def viewers_by_group_buy_id(
    ids: Sequence[UUID], *, viewer_id: UUID, now: datetime
) -> list[TeamViewer]:
    """Return what part the viewer has in each campaign already."""
    rows = await database.fetch(_VIEWERS, viewer_id, now, ids)
    found = {
        row["id"]: TeamViewer(
            has_open_team=row["has_open_team"],
            is_newcomer=row["is_newcomer"],
            pieces=row["pieces"],
        )
        for row in rows
    }
    return [found.get(id_, TeamViewer()) for id_ in ids]


_VIEWERS = f"""
SELECT campaign.id, viewer.is_newcomer, coalesce(own.pieces, 0) AS pieces,
       EXISTS (SELECT FROM group_buy_team AS team
               WHERE team.group_buy_id = campaign.id AND team.leader_id = viewer.id
                   AND team.status = 'FORMING') AS has_open_team
FROM (
    SELECT id, {IS_NEWCOMER} AND NOT EXISTS (
        SELECT FROM group_buy_newcomer WHERE member_id = member.id) AS is_newcomer
    FROM member WHERE id = $1
) AS viewer
CROSS JOIN unnest($3::uuid[]) AS campaign (id)
LEFT JOIN group_buy_count AS own
    ON own.group_buy_id = campaign.id AND own.member_id = viewer.id
"""


def problem_of(
    campaign: Record,
    team: TeamFacts | None,
    viewer: TeamViewer | None,
    rules: OrderRules,
    *,
    pieces_left: int,
    now: datetime,
) -> DomainError | None:
    """Return why the viewer can't join this team now, or open one; None when they can."""
    refusal = judge(terms_of(campaign), team, viewer, rules, now=now)
    if refusal is None and pieces_left <= 0:
        return CampaignSoldOut()
    return refusal


async def open_teams(
    ids: Sequence[UUID],
    request: PageRequest,
    *,
    viewer_id: UUID | None,
    rules: OrderRules,
    now: datetime,
) -> list[Page[Record]]:
    """Return a page of each campaign's teams that can be joined, what ends soonest first.

    The viewer's own teams are left out: there they need no place.
    """
    joinable = Conditions(values=(viewer_id, now))
    joinable.parts.append(_JOINABLE)
    joinable.add(
        "team.expires_at > {}", now + timedelta(seconds=rules.last_seconds_without_payment)
    )
    here = Conditions(joinable)
    if request.after is not None:
        here.add("(team.expires_at, team.id) > ({}, {})", *request.after)
    rows = await database.fetch(
        f"""
        SELECT found.* FROM group_buy AS campaign CROSS JOIN LATERAL (
            SELECT {TEAM_COLUMNS} FROM group_buy_team AS team
            WHERE team.group_buy_id = campaign.id AND {here.sql}
            ORDER BY team.expires_at, team.id LIMIT {here.value(request.limit)}
        ) AS found
        WHERE campaign.id = ANY({here.value(ids)}) AND campaign.state = 'PUBLISHED'
        ORDER BY found.expires_at, found.id
        """,
        *here.values,
    )

    def page(group_buy_id: UUID) -> Page[Record]:
        async def count() -> int:
            return int(
                await database.fetch_value(
                    f"""
                    SELECT count(*) FROM group_buy_team AS team
                    JOIN group_buy AS campaign ON campaign.id = team.group_buy_id
                    WHERE {joinable.sql} AND campaign.state = 'PUBLISHED'
                        AND team.group_buy_id = ${len(joinable.values) + 1}
                    """,
                    *joinable.values,
                    group_buy_id,
                )
            )

        own = [row for row in rows if row["group_buy_id"] == group_buy_id]
        return make_page(request, own, lambda row: (row["expires_at"], row["id"]), count)

    return [page(id_) for id_ in ids]


_JOINABLE = f"""team.status = 'FORMING' AND team.paid_seats > 0 AND {TAKEN} < team.size
    AND team.leader_id IS DISTINCT FROM $1::uuid
    AND NOT EXISTS (SELECT FROM group_buy_seat AS mine
                    WHERE mine.team_id = team.id AND mine.member_id = $1)"""
"""$1 is the viewer, null for nobody, and $2 now."""


async def teams_of(
    member_id: UUID, statuses: Collection[TeamStatus], request: PageRequest, *, now: datetime
) -> Page[Record]:
    """Return a page of the teams that a member has a seat in, the latest joined first.

    Each row is a team's, with `joined_at` and `seat_id`, which it is sorted by.
    """
    wanted = Conditions(values=(member_id, now))
    wanted.parts.append(
        "seat.member_id = $1 AND NOT seat.merged AND (seat.status = 'PAID' OR seat.held_until > $2)"
    )
    if statuses:
        wanted.add("team.status = ANY({}::text[])", sorted(set(statuses)))
    here = Conditions(wanted)
    if request.after is not None:
        here.add("(seat.joined_at, seat.id) < ({}, {})", *request.after)
    source = "group_buy_seat AS seat JOIN group_buy_team AS team ON team.id = seat.team_id"
    rows = await database.fetch(
        f"""
        SELECT {TEAM_COLUMNS}, seat.joined_at, seat.id AS seat_id FROM {source}
        WHERE {here.sql} ORDER BY seat.joined_at DESC, seat.id DESC
        LIMIT {here.value(request.limit)}
        """,
        *here.values,
    )

    async def count() -> int:
        return int(
            await database.fetch_value(
                f"SELECT count(*) FROM {source} WHERE {wanted.sql}", *wanted.values
            )
        )

    return make_page(request, rows, _seat_key, count)


def _seat_key(row: Any) -> tuple[Any, ...]:
    return row["joined_at"], row["seat_id"]
