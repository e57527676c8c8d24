"""Seats of teams: taken by an order, confirmed by its payment, given up with it (rules, section 8).

The only writer of teams, seats, counts and newcomers' places. A team's row is the lock of its
seats. Everything here runs inside the caller's transaction, and locks come in one order: the order,
its team, a newcomer's place, the member's count; then coupons, stock and the wallet, which others
take. Only who makes a team complete locks orders after it: those of its seats, which nobody else
locks before a team, since they await nothing but it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.campaigns import CampaignLimitReached
from domain.errors import NotFound
from domain.group_buys import (
    NewMembersOnly,
    SeatStatus,
    TeamAlreadyJoined,
    TeamAlreadyOpened,
    TeamFacts,
    TeamStatus,
    TeamViewer,
    free_position,
    judge,
    team_ends_at,
)
from domain.messages import MessageEvent
from domain.orders import CancelReason, DeliveryMethod, OrderEventKind, OrderStatus, paid_status
from domain.rules import OrderRules
from models import database
from models.ids import new_id, number_code, unguessable_id
from services import messages
from services.group_facts import IS_NEWCOMER, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatWanted:
    """An order that is about to be placed, and the team it is for; None opens one.

    The seat is held until `held_until`, which is when the order has to be paid.
    """

    order_id: UUID
    member_id: UUID
    group_buy_id: UUID
    team_id: UUID | None
    pieces: int
    held_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A free place of a team whose row is locked; `per_member_limit` is of its campaign."""

    team_id: UUID
    position: int
    for_newcomer: bool
    per_member_limit: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A paid seat. `is_complete`: it was the last one, and the team has succeeded."""

    is_complete: bool


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Money came, and there is no seat for it any more: all of it goes back, for this reason."""

    reason: CancelReason


async def find_place(wanted: SeatWanted, rules: OrderRules, *, now: datetime) -> Place:
    """Lock the team, or open one, and find the order a place there; `take` it in the same breath.

    Raises:
        NotFound, and every refusal of `judge`: paths run from the draft.
    """
    if wanted.team_id is None:
        return await _open(wanted, rules, now=now)
    row = await database.fetch_one(
        """
        SELECT team.status, team.size, team.expires_at, team.leader_id, campaign.state,
               campaign.starts_at, campaign.ends_at, campaign.per_member_limit,
               campaign.new_members_only
        FROM group_buy_team AS team JOIN group_buy AS campaign ON campaign.id = team.group_buy_id
        WHERE team.id = $1 AND team.group_buy_id = $2
        FOR UPDATE OF team
        """,
        wanted.team_id,
        wanted.group_buy_id,
    )
    if row is None:
        raise NotFound(thing="team", path=("groupBuyTeamId",))
    seats = await _standing_seats(wanted.team_id, now=now)
    opened_this = row["leader_id"] == wanted.member_id
    for_newcomer = row["new_members_only"] and not opened_this
    viewer = TeamViewer(
        has_seat=_has_seat(seats, wanted.member_id),
        opened_this=opened_this,
        is_newcomer=not for_newcomer or await _is_newcomer(wanted.member_id, now=now),
    )
    team = TeamFacts(
        status=TeamStatus(row["status"]),
        expires_at=row["expires_at"],
        size=row["size"],
        taken=len(seats),
    )
    refusal = judge(terms_of(row), team, viewer, rules, now=now, pieces=wanted.pieces)
    if refusal is not None:
        raise refusal
    position = free_position([seat["position"] for seat in seats], row["size"])
    assert position is not None, "the team has a free place"
    return Place(
        team_id=wanted.team_id,
        position=position,
        for_newcomer=for_newcomer,
        per_member_limit=row["per_member_limit"],
    )


async def _open(wanted: SeatWanted, rules: OrderRules, *, now: datetime) -> Place:
    """Open a team. The campaign's lock keeps whoever ends it waiting, but no other opener."""
    row = await database.fetch_one(
        """
        SELECT state, starts_at, ends_at, team_size, team_hours, per_member_limit, new_members_only
        FROM group_buy WHERE id = $1 FOR SHARE
        """,
        wanted.group_buy_id,
    )
    if row is None:
        raise NotFound(thing="group buy", path=("groupBuyId",))
    refusal = judge(terms_of(row), None, TeamViewer(), rules, now=now, pieces=wanted.pieces)
    if refusal is not None:
        raise refusal
    team_id: UUID | None = await database.fetch_value(
        """
        INSERT INTO group_buy_team (id, group_buy_id, leader_id, size, paid_seats, status,
                                    opened_at, expires_at, due_at)
        VALUES ($1, $2, $3, $4, 0, 'FORMING', $5, $6, $6)
        ON CONFLICT (group_buy_id, leader_id) WHERE status = 'FORMING' DO NOTHING
        RETURNING id
        """,
        unguessable_id(),
        wanted.group_buy_id,
        wanted.member_id,
        row["team_size"],
        now,
        team_ends_at(row["team_hours"], now=now),
    )
    if team_id is None:
        raise TeamAlreadyOpened(path=("groupBuyId",))
    return Place(
        team_id=team_id, position=0, for_newcomer=False, per_member_limit=row["per_member_limit"]
    )


async def _standing_seats(team_id: UUID, *, now: datetime) -> list[Any]:
    """Drop the locked team's seats whose time is up, and return the others."""
    return await database.fetch(
        """
        WITH lapsed AS (
            DELETE FROM group_buy_seat
            WHERE team_id = $1 AND status = 'HELD' AND held_until <= $2 RETURNING id
        )
        SELECT position, member_id FROM group_buy_seat
        WHERE team_id = $1 AND id NOT IN (SELECT id FROM lapsed)
        """,
        team_id,
        now,
    )


def _has_seat(seats: list[Any], member_id: UUID) -> bool:
    return any(seat["member_id"] == member_id for seat in seats)


async def _is_newcomer(member_id: UUID, *, now: datetime) -> bool:
    found: bool = await database.fetch_value(
        f"SELECT {IS_NEWCOMER} FROM member WHERE id = $1", member_id, now
    )
    return found


async def take(wanted: SeatWanted, place: Place, *, now: datetime) -> None:
    """Have the order, which is written by now, hold its place, and count its pieces.

    Raises:
        NewMembersOnly: the member holds another place for newcomers.
        CampaignLimitReached: the campaign gives each member fewer pieces.
    """
    if not await _insert_seat(wanted, place.team_id, place.position, now=now):
        raise TeamAlreadyJoined(path=("groupBuyTeamId",))
    if place.for_newcomer:
        taken = await database.execute(
            """
            INSERT INTO group_buy_newcomer (id, member_id, order_id) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
            """,
            new_id(),
            wanted.member_id,
            wanted.order_id,
        )
        if not taken:
            raise NewMembersOnly(path=("groupBuyTeamId",))
    counted = await database.execute(
        """
        INSERT INTO group_buy_count AS own (id, group_buy_id, member_id, pieces)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (group_buy_id, member_id) DO UPDATE SET pieces = own.pieces + excluded.pieces
        WHERE own.pieces + excluded.pieces <= $5
        """,
        new_id(),
        wanted.group_buy_id,
        wanted.member_id,
        wanted.pieces,
        place.per_member_limit,
    )
    if not counted:
        raise CampaignLimitReached(path=("lines", "0", "quantity"), limit=place.per_member_limit)


async def _insert_seat(wanted: SeatWanted, team_id: UUID, position: int, *, now: datetime) -> bool:
    """Write a held seat; False when a merge has given the member another one meanwhile."""
    written = await database.execute(
        """
        INSERT INTO group_buy_seat
            (id, team_id, position, member_id, order_id, status, held_until, joined_at, merged)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false)
        ON CONFLICT DO NOTHING
        """,
        new_id(),
        team_id,
        position,
        wanted.member_id,
        wanted.order_id,
        SeatStatus.HELD,
        wanted.held_until,
        now,
    )
    return written == 1


async def confirm(order: Any, *, now: datetime) -> Confirmed | Lapsed:
    """Confirm a locked order's seat with its money, or find it a free one of its team.

    A seat whose time is up is still the order's until somebody else takes it. Nothing is refused:
    money has come, and the answer says what becomes of it. `order`: id, member_id, team_id.
    """
    team = await _lock_team(order["team_id"])
    if team["status"] != TeamStatus.FORMING:
        is_full = team["status"] == TeamStatus.SUCCEEDED
        return Lapsed(CancelReason.TEAM_FULL if is_full else CancelReason.TEAM_CLOSED)
    paid = await database.execute(
        "UPDATE group_buy_seat SET status = 'PAID', paid_at = $2 WHERE order_id = $1",
        order["id"],
        now,
    )
    if not paid:
        reason = await _take_late(order, team["size"], now=now)
        if reason is not None:
            return Lapsed(reason)
    is_complete = team["paid_seats"] + 1 == team["size"]
    await database.execute(
        """
        UPDATE group_buy_team
        SET paid_seats = paid_seats + 1, status = CASE WHEN $2 THEN 'SUCCEEDED' ELSE status END,
            ended_at = CASE WHEN $2 THEN $3::timestamptz END,
            due_at = CASE WHEN NOT $2 THEN due_at END
        WHERE id = $1
        """,
        order["team_id"],
        is_complete,
        now,
    )
    if is_complete:
        await _complete(order, now=now)
    return Confirmed(is_complete)


async def _lock_team(team_id: UUID) -> Any:
    team = await database.fetch_one(
        "SELECT status, size, paid_seats FROM group_buy_team WHERE id = $1 FOR UPDATE", team_id
    )
    assert team is not None, "an order's team stays"
    return team


async def _take_late(order: Any, size: int, *, now: datetime) -> CancelReason | None:
    """Give money that came late a free place of its team; returns why there is none."""
    seats = await _standing_seats(order["team_id"], now=now)
    if _has_seat(seats, order["member_id"]):
        return CancelReason.TEAM_ALREADY_JOINED
    position = free_position([seat["position"] for seat in seats], size)
    if position is None:
        return CancelReason.TEAM_FULL
    taken = await database.execute(
        """
        INSERT INTO group_buy_seat (id, team_id, position, member_id, order_id, status, held_until,
                                    joined_at, paid_at, merged)
        VALUES ($1, $2, $3, $4, $5, 'PAID', $6, $6, $6, false)
        ON CONFLICT DO NOTHING
        """,
        new_id(),
        order["team_id"],
        position,
        order["member_id"],
        order["id"],
        now,
    )
    # A merge at this moment may have given the member another seat.
    return None if taken else CancelReason.TEAM_ALREADY_JOINED


async def _complete(order: Any, *, now: datetime) -> None:
    """Send the team's other orders on their way, and tell everybody in it."""
    others = await database.fetch(
        """
        SELECT o.id, o.delivery FROM group_buy_seat AS seat
        JOIN sales_order AS o ON o.id = seat.order_id
        WHERE seat.team_id = $1 AND seat.order_id <> $2 ORDER BY o.id
        """,
        order["team_id"],
        order["id"],
    )
    statuses = [paid_status(DeliveryMethod(other["delivery"])) for other in others]
    codes = [
        number_code(8) if status is OrderStatus.AWAITING_PICKUP else None for status in statuses
    ]
    moved = await database.execute(
        _MOVE_ON,
        [other["id"] for other in others],
        statuses,
        codes,
        [new_id() for _ in others],
        OrderEventKind.TEAM_COMPLETED,
        now,
    )
    assert moved == len(others), "orders of paid seats await their team"
    await tell_ended(order["team_id"], now=now)


_MOVE_ON = """
WITH moved AS (
    UPDATE sales_order AS o
    SET status = next.status, pickup_code = next.pickup_code, events_due_at = $6
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS next (id, status, pickup_code)
    WHERE o.id = next.id AND o.status = 'AWAITING_TEAM' RETURNING o.id
)
INSERT INTO order_event (id, order_id, kind, happened_at)
SELECT event.id, moved.id, $5, greatest($6, (
    SELECT max(happened_at) FROM order_event WHERE order_id = moved.id
))
FROM moved JOIN unnest($1::uuid[], $4::uuid[]) AS event (order_id, id) ON event.order_id = moved.id
"""


async def tell_ended(team_id: UUID, *, now: datetime) -> None:
    """Tell who has a paid seat that their team has ended, well or not: the page says which."""
    rows = await database.fetch(
        """
        SELECT seat.member_id, product.name FROM group_buy_seat AS seat
        JOIN group_buy_team AS team ON team.id = seat.team_id
        JOIN group_buy AS campaign ON campaign.id = team.group_buy_id
        JOIN product ON product.id = campaign.product_id
        WHERE seat.team_id = $1 AND seat.status = 'PAID' ORDER BY seat.position
        """,
        team_id,
    )
    if rows:
        await messages.tell(
            [row["member_id"] for row in rows],
            MessageEvent.GROUP_BUY_ENDED,
            source_id=team_id,
            facts={"product": rows[0]["name"]},
            link=f"pages/group-buy-team/index?id={team_id}",
            now=now,
        )


async def release(order: Any, *, now: datetime) -> None:
    """Give up the seat of a locked order that is cancelled, with all that went with it.

    A team without any seat left has failed at once. `order`: id, member_id, team_id.
    """
    team = await _lock_team(order["team_id"])
    await database.execute("DELETE FROM group_buy_seat WHERE order_id = $1", order["id"])
    await give_up_newcomer(order["id"])
    await uncount(order)
    if team["status"] == TeamStatus.FORMING:
        await database.execute(
            """
            UPDATE group_buy_team SET status = 'FAILED', ended_at = $2, due_at = NULL
            WHERE id = $1 AND NOT EXISTS (SELECT FROM group_buy_seat WHERE team_id = $1)
            """,
            order["team_id"],
            now,
        )


async def give_up_newcomer(order_id: UUID) -> None:
    """Have an order's member be free to take another place for newcomers."""
    await database.execute("DELETE FROM group_buy_newcomer WHERE order_id = $1", order_id)


async def uncount(order: Any, pieces: int | None = None) -> None:
    """Take pieces of an order, all without `pieces`, off what its member has of the campaign."""
    await database.execute(
        """
        UPDATE group_buy_count AS own SET pieces = greatest(own.pieces - coalesce($4, (
            SELECT sum(quantity) FROM order_line WHERE order_id = $1
        )), 0)
        FROM group_buy_team AS team
        WHERE team.id = $2 AND own.group_buy_id = team.group_buy_id AND own.member_id = $3
        """,
        order["id"],
        order["team_id"],
        order["member_id"],
        pieces,
    )


async def may_be_refunded(order_id: UUID) -> bool:
    """Tell whether an order that awaits its team may be refunded: only after the team has failed.

    Until then its seat counts for the others.
    """
    found: bool = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM group_buy_seat"
        " WHERE order_id = $1 AND refund_due_at IS NOT NULL)",
        order_id,
    )
    return found
