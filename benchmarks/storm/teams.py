"""The storm of teams: hundreds want the last seats, and money comes for seats that have lapsed.

First a team of three has two seats left, and everybody places an order for them. Then members of
another team take seats wave after wave, each wave lapsing before the next, and pay all at once in
the end: who finds a free seat has it, everybody else gets all their money back.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx

from benchmarks.storm.check import Effect, Facts, Shelf
from benchmarks.storm.client import Desk, Wish
from benchmarks.storm.history import Answer, Outcome
from benchmarks.storm.orders import PAY, PLACE, counted_of
from benchmarks.storm.people import Person
from domain.coupons import CouponOrigin, Terms
from domain.pricing import CouponKind
from models import database
from models.ids import new_id
from services import coupon_terms, coupons, group_admin
from services.coupons import Issue
from services.group_admin import NewGroupBuy, NewItem
from tests.factories.orders import OpenGate
from tests.factories.shop import a_sku

SEATS = 3
LATE_SEATS = 10
"""Free seats of the team that late money comes for."""

PIECES = 1_000
_PRICE_FEN = 1_000
_TEAM_PRICE_FEN = 600
_OFF = Terms(
    name="拼团立减1元",
    name_en="¥1 off",
    kind=CouponKind.AMOUNT_OFF,
    amount_off_fen=100,
    stacks_with_campaigns=True,
)
_SETTLED_SECONDS = 60.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Campaign:
    """A group buy that runs, and its own pieces."""

    id: str
    sku: str
    stock_id: str


async def publish(team_size: int) -> Campaign:
    """Publish a campaign with pieces of its own; needs the pool."""
    now = datetime.now(UTC)
    sku = await a_sku(_PRICE_FEN, stock=PIECES, name="拼团")
    new = NewGroupBuy(
        product_id=sku.product_id,
        name=f"{team_size}人团",
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=48),
        team_size=team_size,
        team_hours=24,
        per_member_limit=5,
        items=(NewItem(sku_id=sku.id, price_fen=_TEAM_PRICE_FEN, set_aside=PIECES),),
    )
    campaign_id = await group_admin.publish(new, OpenGate(), now=now)
    stock_id = await database.fetch_value(
        "SELECT stock_id FROM group_buy_item WHERE group_buy_id = $1", campaign_id
    )
    return Campaign(str(campaign_id), str(sku.id), str(stock_id))


async def give_coupons(people: Sequence[Person]) -> None:
    """Give everybody a coupon that goes with campaigns; needs the pool."""
    now = datetime.now(UTC)
    terms_id = await coupon_terms.terms_id_of(_OFF, now=now)
    until = now + timedelta(days=7)
    issues = [
        Issue(UUID(person.id), terms_id, now, until, CouponOrigin.IMPORT, new_id())
        for person in people
    ]
    await coupons.issue(issues, now=now)


@dataclass(frozen=True, slots=True)
class Shoppers:
    """How members join teams, by the seed."""

    desk: Desk
    simulator_url: str
    chance: random.Random
    storm_seconds: float

    async def open_and_pay(self, leader: Person, campaign: Campaign) -> str:
        """Have a member open a team and pay; returns the team's id. Needs the pool."""
        wish = a_wish(leader, "open", campaign, None)
        answer = await self.desk.surely(PLACE, wish)
        assert answer.outcome is Outcome.OK, answer
        async with httpx.AsyncClient(trust_env=False) as wechat:
            await self._pay(wechat, await self._prepaid(leader, answer.ref))
        await until(_IS_PAID, answer.ref)
        team_id = await database.fetch_value(
            "SELECT team_id FROM group_buy_seat WHERE order_id = $1::uuid", answer.ref
        )
        return str(team_id)

    async def join_at_once(
        self, people: Sequence[Person], campaign: Campaign, team_id: str
    ) -> list[Answer]:
        """Have everybody want a seat within the time of the storm."""

        async def join(number: int, person: Person, begin: float) -> Answer:
            await asyncio.sleep(begin)
            wish = a_wish(person, f"join-{number}", campaign, team_id)
            return await self.desk.surely(PLACE, wish)

        begins = [self.chance.uniform(0, self.storm_seconds) for _ in people]
        return await asyncio.gather(
            *(
                join(number, person, begin)
                for number, (person, begin) in enumerate(zip(people, begins, strict=True))
            )
        )

    async def pay_late(self, waves: Sequence[Sequence[Person]], campaign: Campaign) -> list[str]:
        """Have each wave take all seats and let them lapse, then all pay; returns the orders.

        Needs the pool.
        """
        leader, *_ = waves[0]
        team_id = await self.open_and_pay(leader, campaign)
        prepaid: dict[str, str] = {}
        for number, wave in enumerate([waves[0][1:], *waves[1:]]):
            for person in wave:
                wish = a_wish(person, f"late-{number}", campaign, team_id)
                answer = await self.desk.surely(PLACE, wish)
                assert answer.outcome is Outcome.OK, answer
                prepaid[answer.ref] = await self._prepaid(person, answer.ref)
            await _let_seats_lapse(team_id)
        async with httpx.AsyncClient(trust_env=False) as wechat:
            await asyncio.gather(*(self._pay(wechat, each) for each in prepaid.values()))
        return list(prepaid)

    async def _prepaid(self, person: Person, order_id: str) -> str:
        given = {"orderId": order_id, "method": "WECHAT_MINI_PROGRAM"}
        wish = Wish(person, f"pay-{order_id}", given, what=order_id)
        answer = await self.desk.surely(PAY, wish)
        assert answer.outcome is Outcome.OK, answer
        return answer.ref.removeprefix("prepay_id=")

    async def _pay(self, wechat: httpx.AsyncClient, prepay_id: str) -> None:
        paid = await wechat.post(f"{self.simulator_url}/_sim/pay", json={"prepay_id": prepay_id})
        paid.raise_for_status()


def a_wish(person: Person, key: str, campaign: Campaign, team_id: str | None) -> Wish:
    """Return the wish for a seat, with whatever coupon and points can be taken."""
    draft = {
        "lines": [{"skuId": campaign.sku, "quantity": 1}],
        "groupBuyId": campaign.id,
        "bestCoupons": True,
        "useMaxPoints": person.has_points,
    }
    if team_id is not None:
        draft["groupBuyTeamId"] = team_id
    return Wish(person, key, {"draft": draft}, what=campaign.stock_id)


async def _let_seats_lapse(team_id: str) -> None:
    """Bring the end of the 15 minutes in which a seat is held."""
    await database.execute(
        "UPDATE group_buy_seat SET held_until = now() - interval '1 second'"
        " WHERE team_id = $1::uuid AND status = 'HELD'",
        team_id,
    )


_IS_PAID = "SELECT status <> 'AWAITING_PAYMENT' FROM sales_order WHERE id = $1::uuid"
_ALL_SETTLED = """
SELECT NOT EXISTS (
    SELECT FROM sales_order WHERE id = ANY($1::uuid[]) AND status = 'AWAITING_PAYMENT'
) AND NOT EXISTS (
    SELECT FROM payment_case WHERE order_id = ANY($1::uuid[]) AND status <> 'REFUNDED'
)
"""


async def until(sql: str, *values: object) -> None:
    """Wait until a statement says yes; whoever judges sees if it never did. Needs the pool."""
    for _ in range(int(_SETTLED_SECONDS / _LOOK_SECONDS)):
        if await database.fetch_value(sql, *values):
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def all_settled(order_ids: Sequence[str]) -> None:
    """Wait until every order is decided and all money that is owed has gone back."""
    await until(_ALL_SETTLED, list(order_ids))


async def late_ends(order_ids: Sequence[str]) -> Counter[str]:
    """Count how orders ended whose money came late: status, reason, and what money did."""
    rows = await database.fetch(
        """
        SELECT sales_order.status, cancel_reason, payment.status AS payment,
               payment_case.kind AS case, payment_case.status AS refund,
               payment_case.amount_fen = payment.amount_fen AS whole
        FROM sales_order JOIN payment ON payment.order_id = sales_order.id
        LEFT JOIN payment_case ON payment_case.payment_id = payment.id
        WHERE sales_order.id = ANY($1::uuid[])
        """,
        list(order_ids),
    )
    return Counter(" ".join(str(part) for part in row if part is not None) for row in rows)


def broken_late(ends: Counter[str], orders: int) -> list[str]:
    """Return what is wrong with the ends of orders whose money came late."""
    seated = ends["AWAITING_SHIPMENT SUCCEEDED"]
    refunded = ends["CANCELLED TEAM_FULL SUCCEEDED SEAT_LAPSED REFUNDED True"]
    refunded += ends["CANCELLED TEAM_CLOSED SUCCEEDED SEAT_LAPSED REFUNDED True"]
    if (seated, refunded) == (min(LATE_SEATS, orders), orders - min(LATE_SEATS, orders)):
        return []
    return [f"late money: {seated} of {orders} have seats, {refunded} were refunded: {dict(ends)}"]


def broken_joins(answers: Sequence[Answer]) -> list[str]:
    """Return what is wrong with the answers of those who wanted the last two seats."""
    told = Counter(answer.code or answer.outcome.value for answer in answers)
    wanted = {"OK": SEATS - 1, "TEAM_FULL": len(answers) - SEATS + 1}
    return [] if told == wanted else [f"{SEATS - 1} seats: {dict(told)} instead of {wanted}"]


async def facts(campaigns: Sequence[Campaign], redis_url: str) -> Facts:
    """Read what came of it; needs the pool."""
    stock_ids = [each.stock_id for each in campaigns]
    rows = await database.fetch(
        """
        SELECT sales_order.id::text AS ref, sales_order.member_id::text AS member, status,
               line.campaign_stock_id::text AS what, line.quantity AS pieces,
               line.quantity - line.withdrawn_quantity AS kept
        FROM sales_order JOIN order_line AS line ON line.order_id = sales_order.id
        WHERE line.campaign_stock_id = ANY($1::uuid[])
        """,
        stock_ids,
    )
    held: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["status"] != "CANCELLED":
            held[row["member"], row["what"]] += row["kept"]
    shelves = await database.fetch(
        "SELECT id::text, set_aside, available, reserved + sold AS taken FROM campaign_stock"
        " WHERE id = ANY($1::uuid[])",
        stock_ids,
    )
    return Facts(
        made={row["ref"]: Effect(row["member"], row["what"], row["pieces"]) for row in rows},
        held=held,
        shelves={
            row["id"]: Shelf(row["set_aside"], row["available"], row["taken"]) for row in shelves
        },
        counted=await counted_of(stock_ids, redis_url),
    )


async def broken_wallets(people: Sequence[Person], points: int) -> list[str]:
    """Return whose points or coupon are held although they have no order; needs the pool."""
    rows = await database.fetch(
        """
        SELECT member.id::text, account.balance,
               (SELECT count(*) FROM coupon WHERE coupon.member_id = member.id
                AND coupon.status <> 'USABLE') AS held
        FROM member JOIN ledger_account AS account
            ON account.member_id = member.id AND account.kind = 'SPENDABLE'
        WHERE member.id = ANY($1::uuid[])
          AND NOT EXISTS (SELECT FROM sales_order WHERE member_id = member.id)
        """,
        [person.id for person in people],
    )
    rich = {person.id for person in people if person.has_points}
    return [
        f"{row['id']} has no order, {row['balance']} points and {row['held']} coupons held"
        for row in rows
        if row["held"] or row["balance"] != (points if row["id"] in rich else 0)
    ]
