"""What opening or joining a team is judged by, read at once (docs/rules.md, section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.drafts import OrderDraft
from domain.errors import DomainError, NotFound
from domain.group_buys import (
    GroupBuyState,
    GroupBuyTerms,
    TeamFacts,
    TeamStatus,
    TeamViewer,
    held_until,
    judge,
    team_ends_at,
)
from domain.pricing import CampaignPrice, DiscountKind
from domain.rules import OrderRules
from models import database

IS_NEWCOMER = """(NOT EXISTS (
    SELECT FROM sales_order
    WHERE sales_order.member_id = member.id AND sales_order.paid_at IS NOT NULL
        AND sales_order.status <> 'REFUNDED'
) AND (member.newcomer_gifts_from IS NULL OR member.newcomer_gifts_from <= $2))"""
"""For a statement that calls the member `member` and whose $2 is now.

Whose team failed is as new as before; who left and came back waits as for newcomers' gifts.
"""

TAKEN = """(SELECT count(*) FROM group_buy_seat AS seat
  WHERE seat.team_id = team.id AND (seat.status = 'PAID' OR seat.held_until > $2))"""
"""How many seats of a `team` nobody else can have at $2, an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamOffer:
    """A draft's place in a team, and the price there; `refusal` says why it can't be had.

    `price` is None when the campaign doesn't have the SKU. Its pieces are the SKU's own, or the
    `available` ones that the campaign has set aside as `campaign_stock_id`.
    """

    group_buy_id: UUID
    team_id: UUID | None
    pay_before: datetime
    price: CampaignPrice | None
    campaign_stock_id: UUID | None
    available: int | None
    refusal: DomainError | None


async def offer(
    member_id: UUID, draft: OrderDraft, rules: OrderRules, *, now: datetime
) -> TeamOffer:
    """Look up what a draft for a team would get; changes nothing.

    Raises:
        NotFound: there is no such campaign, or no such team of it.
    """
    assert draft.group_buy_id is not None, "the draft is for a team"
    line = (draft.lines or (None,))[0]
    row = await database.fetch_one(
        _OFFER,
        member_id,
        now,
        draft.group_buy_id,
        draft.group_buy_team_id,
        line.sku_id if line else None,
    )
    if row is None:
        raise NotFound(thing="group buy", path=("groupBuyId",))
    if draft.group_buy_team_id is not None and row["team_id"] is None:
        raise NotFound(thing="team", path=("groupBuyTeamId",))
    team = team_of(row) if row["team_id"] else None
    ends_at = team.expires_at if team else team_ends_at(row["team_hours"], now=now)
    pieces = line.quantity if line else 1
    return TeamOffer(
        group_buy_id=draft.group_buy_id,
        team_id=row["team_id"],
        pay_before=held_until(ends_at, rules, now=now),
        price=_price(row) if row["price_fen"] is not None else None,
        campaign_stock_id=row["stock_id"],
        available=row["available"],
        refusal=judge(terms_of(row), team, viewer_of(row), rules, now=now, pieces=pieces),
    )


_OFFER = f"""
SELECT campaign.id, campaign.name, campaign.state, campaign.starts_at, campaign.ends_at,
       campaign.team_hours, campaign.per_member_limit, campaign.new_members_only,
       item.price_fen, item.stock_id, shelf.available,
       team.id AS team_id, team.status, team.expires_at, team.size, {TAKEN} AS taken,
       coalesce(team.leader_id = member.id, false) AS opened_this,
       EXISTS (SELECT FROM group_buy_seat AS seat
               WHERE seat.team_id = team.id AND seat.member_id = member.id
                   AND (seat.status = 'PAID' OR seat.held_until > $2)) AS has_seat,
       EXISTS (SELECT FROM group_buy_team AS own
               WHERE own.group_buy_id = campaign.id AND own.leader_id = member.id
                   AND own.status = 'FORMING') AS has_open_team,
       {IS_NEWCOMER} AND NOT EXISTS (
           SELECT FROM group_buy_newcomer WHERE member_id = member.id) AS is_newcomer,
       coalesce((SELECT pieces FROM group_buy_count
                 WHERE group_buy_id = campaign.id AND member_id = member.id), 0) AS pieces
FROM group_buy AS campaign
JOIN member ON member.id = $1
LEFT JOIN group_buy_item AS item ON item.group_buy_id = campaign.id AND item.sku_id = $5
LEFT JOIN campaign_stock AS shelf ON shelf.id = item.stock_id
LEFT JOIN group_buy_team AS team ON team.id = $4 AND team.group_buy_id = campaign.id
WHERE campaign.id = $3
"""


def _price(row: Any) -> CampaignPrice:
    return CampaignPrice(
        kind=DiscountKind.GROUP_BUY,
        source_id=row["id"],
        title=row["name"],
        price_fen=row["price_fen"],
    )


def terms_of(row: Any) -> GroupBuyTerms:
    """Return what a judgement needs to know of a campaign's row."""
    return GroupBuyTerms(
        state=GroupBuyState(row["state"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        per_member_limit=row["per_member_limit"],
        new_members_only=row["new_members_only"],
    )


def team_of(row: Any) -> TeamFacts:
    """Return what a judgement needs to know of a team's row with its seats `taken`."""
    return TeamFacts(
        status=TeamStatus(row["status"]),
        expires_at=row["expires_at"],
        size=row["size"],
        taken=row["taken"],
    )


def viewer_of(row: Any) -> TeamViewer:
    """Return what a judgement needs to know of who looks, by a row with all of it."""
    return TeamViewer(
        has_seat=row["has_seat"],
        opened_this=row["opened_this"],
        has_open_team=row["has_open_team"],
        is_newcomer=row["is_newcomer"],
        pieces=row["pieces"],
    )
