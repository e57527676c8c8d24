"""A notebook of teams: what somebody would write down who knows the rules and no database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

MINUTE = timedelta(minutes=1)
HELD_FOR = 15 * MINUTE
PATIENCE = 10 * MINUTE
STANDING = ("AWAITING_PAYMENT", "AWAITING_TEAM", "AWAITING_SHIPMENT")


@dataclass(slots=True)
class Order:
    """An order for a team; `for_newcomer` is of a seat that only newcomers get."""

    member: int
    team_id: UUID
    pieces: int
    pay_before: datetime
    for_newcomer: bool
    status: str = "AWAITING_PAYMENT"


@dataclass(slots=True)
class Team:
    """A team; `seats` are order ids by position."""

    campaign: int
    leader: int
    size: int
    expires_at: datetime
    status: str = "FORMING"
    seats: dict[int, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a campaign asks for."""

    ends_at: datetime
    size: int
    team_time: timedelta
    limit: int
    newcomers_only: bool


@dataclass(slots=True)
class Notebook:
    """Campaigns, teams and orders."""

    campaigns: tuple[Campaign, ...]
    teams: dict[UUID, Team] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)

    def is_paid(self, order_id: UUID) -> bool:
        """Tell whether an order's seat is paid."""
        return self.orders[order_id].status != "AWAITING_PAYMENT"

    def standing(self, team: Team, now: datetime) -> dict[int, UUID]:
        """Return the seats that nobody else may have."""
        return {
            position: order_id
            for position, order_id in team.seats.items()
            if self.is_paid(order_id) or self.orders[order_id].pay_before > now
        }

    def pieces(self, member: int, campaign: int) -> int:
        """Return how many pieces of a campaign a member has."""
        return sum(
            order.pieces
            for order in self.orders.values()
            if order.member == member
            and self.teams[order.team_id].campaign == campaign
            and order.status in STANDING
        )

    def is_newcomer(self, member: int) -> bool:
        """Tell whether a member never bought, and has no place for newcomers."""
        mine = [order for order in self.orders.values() if order.member == member]
        has_bought = any(order.status in ("AWAITING_TEAM", "AWAITING_SHIPMENT") for order in mine)
        has_place = any(order.for_newcomer and order.status in STANDING for order in mine)
        return not has_bought and not has_place

    def refuses_opening(self, member: int, campaign: int, pieces: int, now: datetime) -> str | None:
        """Return why a member can't open a team."""
        if now >= self.campaigns[campaign].ends_at:
            return "CAMPAIGN_ENDED"
        if any(
            (team.campaign, team.leader, team.status) == (campaign, member, "FORMING")
            for team in self.teams.values()
        ):
            return "TEAM_ALREADY_JOINED"
        return self._refuses_pieces(member, campaign, pieces)

    def refuses_joining(self, member: int, team_id: UUID, pieces: int, now: datetime) -> str | None:
        """Return why a member can't join a team."""
        team = self.teams[team_id]
        seats = self.standing(team, now)
        if any(self.orders[order_id].member == member for order_id in seats.values()):
            return "TEAM_ALREADY_JOINED"
        if team.status == "SUCCEEDED":
            return "TEAM_FULL"
        if team.status == "FAILED" or now >= team.expires_at - MINUTE:
            return "TEAM_CLOSED"
        if len(seats) == team.size:
            return "TEAM_FULL"
        if self.needs_newcomer(member, team) and not self.is_newcomer(member):
            return "NEW_MEMBERS_ONLY"
        return self._refuses_pieces(member, team.campaign, pieces)

    def _refuses_pieces(self, member: int, campaign: int, pieces: int) -> str | None:
        too_many = self.pieces(member, campaign) + pieces > self.campaigns[campaign].limit
        return "PURCHASE_LIMIT_REACHED" if too_many else None

    def needs_newcomer(self, member: int, team: Team) -> bool:
        """Tell whether this member would take a newcomer's seat."""
        return self.campaigns[team.campaign].newcomers_only and team.leader != member

    def open(self, team_id: UUID, member: int, campaign: int, now: datetime) -> None:
        """Write a new team."""
        terms = self.campaigns[campaign]
        self.teams[team_id] = Team(campaign, member, terms.size, now + terms.team_time)

    def seat(self, order_id: UUID, team_id: UUID, member: int, pieces: int, now: datetime) -> None:
        """Write an order for a team with its seat."""
        team = self.teams[team_id]
        team.seats = self.standing(team, now)
        pay_before = min(now + HELD_FOR, team.expires_at)
        is_newcomer = self.needs_newcomer(member, team)
        self.orders[order_id] = Order(member, team_id, pieces, pay_before, is_newcomer)
        team.seats[_first_free(team)] = order_id

    def pay(self, order_id: UUID, now: datetime) -> None:
        """Have money come for an unpaid order."""
        order = self.orders[order_id]
        team = self.teams[order.team_id]
        if team.status != "FORMING":
            reason = "TEAM_FULL" if team.status == "SUCCEEDED" else "TEAM_CLOSED"
            order.status = f"CANCELLED {reason}"
            return
        if order_id not in team.seats.values():
            team.seats = self.standing(team, now)
            if any(self.orders[each].member == order.member for each in team.seats.values()):
                order.status = "CANCELLED TEAM_ALREADY_JOINED"
                return
            if len(team.seats) == team.size:
                order.status = "CANCELLED TEAM_FULL"
                return
            team.seats[_first_free(team)] = order_id
        order.status = "AWAITING_TEAM"
        if len(team.seats) == team.size and all(map(self.is_paid, team.seats.values())):
            team.status = "SUCCEEDED"
            for each in team.seats.values():
                self.orders[each].status = "AWAITING_SHIPMENT"

    def cancel(self, order_id: UUID, reason: str) -> None:
        """Cancel an unpaid order."""
        order = self.orders[order_id]
        team = self.teams[order.team_id]
        order.status = f"CANCELLED {reason}"
        team.seats = {place: each for place, each in team.seats.items() if each != order_id}
        if team.status == "FORMING" and not team.seats:
            team.status = "FAILED"

    def end_teams(self, now: datetime) -> None:
        """Fail teams whose time is up, unless money may be under way; refund what was paid."""
        for team in self.teams.values():
            unpaid = [each for each in team.seats.values() if not self.is_paid(each)]
            is_due = team.status == "FORMING" and now >= team.expires_at
            if not is_due or (unpaid and now < team.expires_at + PATIENCE):
                continue
            team.status = "FAILED"
            team.seats = {place: each for place, each in team.seats.items() if each not in unpaid}
            for each in team.seats.values():
                self.orders[each].status = "REFUNDED"

    def counts(self) -> Counter[tuple[int, int]]:
        """Return what each member has of each campaign."""
        counts: Counter[tuple[int, int]] = Counter()
        for order in self.orders.values():
            if order.status in STANDING:
                counts[order.member, self.teams[order.team_id].campaign] += order.pieces
        return counts


def _first_free(team: Team) -> int:
    return next(place for place in range(team.size) if place not in team.seats)
