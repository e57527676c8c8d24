"""The storm of a flash sale: thousands claim what a few can have, and whoever has it may not pay.

Each member claims up to three times. Who gets a ticket follows it until it is an order or refused
with its reason; of the orders some are paid, some cancelled, and what is cancelled sells again.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx

from benchmarks.storm.check import Effect, Facts, Shelf
from benchmarks.storm.client import NO_ANSWER, Desk, Mutation, Wish
from benchmarks.storm.history import History, Outcome
from benchmarks.storm.orders import cancel, pay
from benchmarks.storm.people import Person
from domain.flash_tickets import mac_key, read_ticket
from models import database
from services import flash_admin
from services.flash_admin import NewFlashSale, NewItem
from services.flash_gate import GateAway, Inspection, ItemPlace
from settings import Settings
from tests.factories.shop import a_sku
from wiring.ports import open_ports

CLAIM = Mutation(
    "claimFlashSale",
    """mutation Claim($i: ClaimFlashSaleInput!) {
      claimFlashSale(input: $i) { ticket { id } userErrors { code message path } }
    }""",
    ("ticket", "id"),
)
TICKET = """query Ticket($id: ID!) {
  flashSaleTicket(id: $id) { status order { id } problem { code } }
}"""
LIMIT = 2
BUCKETS = 4
PRICE_FEN = 500
_LIST_PRICE_FEN = 2_000
_LOOK_SECONDS = 0.5
_DECIDED_SECONDS = 90.0
"""A ticket that Redis lost while it is away says so after 60 s."""

_DRY_SECONDS = 2.0
"""An item that was found empty everywhere isn't looked for again for a second."""

QUIET_SECONDS = 60.0
"""So long after the storm Redis may count wrongly."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A flash sale that runs, of one item."""

    id: str
    item: str
    stock_id: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a ticket, as its member was told."""

    status: str
    reason: str
    order_id: str


async def publish(settings: Settings, pieces: int) -> Sale:
    """Publish a sale that has begun; needs the pool."""
    now = datetime.now(UTC)
    sku = await a_sku(_LIST_PRICE_FEN, stock=pieces + 100, name="秒杀")
    item = NewItem(
        sku_id=sku.id,
        price_fen=PRICE_FEN,
        quantity=pieces,
        per_member_limit=LIMIT,
        buckets=BUCKETS,
    )
    new = NewFlashSale(
        name="整点秒杀",
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=2),
        items=(item,),
    )
    sale_id = await flash_admin.draft(new, now=now)
    async with open_ports(settings) as (ports, _redis):
        await flash_admin.publish(sale_id, ports.gate, ports.flash, now=now)
    row = await database.fetch_one(
        "SELECT id, stock_id FROM flash_sale_item WHERE sale_id = $1", sale_id
    )
    assert row is not None
    return Sale(str(sale_id), str(row["id"]), str(row["stock_id"]))


@dataclass(frozen=True, slots=True)
class Claimers:
    """How members behave, all by the seed."""

    desk: Desk
    sale: Sale
    simulator_url: str
    chance: random.Random
    storm_seconds: float
    endings: dict[str, Ending] = field(default_factory=dict)
    payers: float = 0.2
    cancellers: float = 0.2

    async def all_claim(self, people: Sequence[Person], claims: int) -> None:
        """Have so many claims be made, by turns, all over the time of the storm."""
        begins = [self.chance.uniform(0, self.storm_seconds) for _ in range(claims)]
        pieces = [self.chance.choice((1, 1, 1, 2)) for _ in range(claims)]
        fates = [self.chance.random() for _ in range(claims)]
        async with httpx.AsyncClient(trust_env=False) as wechat, asyncio.TaskGroup() as group:
            for number, plan in enumerate(zip(begins, pieces, fates, strict=True)):
                person, key = people[number % len(people)], f"c{number}"
                group.create_task(self._one(person, key, plan, wechat))

    async def _one(
        self,
        person: Person,
        key: str,
        plan: tuple[float, int, float],
        wechat: httpx.AsyncClient,
    ) -> None:
        begin, pieces, fate = plan
        await asyncio.sleep(begin)
        order_id = await self.claim(person, key, pieces)
        if not order_id:
            return
        if fate < self.payers and person.can_pay:
            await pay(self.desk, person, order_id, wechat, self.simulator_url)
        elif fate < self.payers + self.cancellers:
            await cancel(self.desk, person, order_id)

    async def claim(self, person: Person, key: str, pieces: int) -> str:
        """Claim, follow the ticket to its end, and return the order; "" when there is none."""
        given = {"itemId": self.sale.item, "quantity": pieces}
        wish = Wish(person, key, given, what=self.sale.item, pieces=pieces)
        answer = await self.desk.surely(CLAIM, wish)
        if answer.outcome is not Outcome.OK:
            return ""
        ending = self.endings[answer.ref] = await self._followed(person, answer.ref)
        return ending.order_id

    async def _followed(self, person: Person, ticket: str) -> Ending:
        ending = Ending(NO_ANSWER, "", "")
        for _ in range(int(_DECIDED_SECONDS / _LOOK_SECONDS)):
            await asyncio.sleep(_LOOK_SECONDS)
            reply = await self.desk.phones.ask(TICKET, {"id": ticket}, person)
            if reply.code or reply.content.get("errors"):
                continue
            if told := reply.content["data"]["flashSaleTicket"]:
                order, problem = told["order"] or {"id": ""}, told["problem"] or {"code": ""}
                ending = Ending(told["status"], problem["code"], order["id"])
            if ending.status in {"ORDERED", "REJECTED"}:
                break
        return ending


async def sell_out(claimers: Claimers, people: Sequence[Person]) -> None:
    """Have the last wave, of members who have nothing yet, take what is left; needs the pool."""
    await asyncio.sleep(_DRY_SECONDS)
    left = await database.fetch_value(
        "SELECT available FROM campaign_stock WHERE id = $1::uuid", claimers.sale.stock_id
    )
    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(people[: left + 3]):
            group.create_task(claimers.claim(person, f"last-{number}", 1))


async def quiet(settings: Settings, sale: Sale) -> float:
    """Wait until Redis counts what PostgreSQL has; returns the seconds. Needs the pool."""
    began = asyncio.get_running_loop().time()
    while True:
        seconds = asyncio.get_running_loop().time() - began
        found, available = await _inspected(settings, sale), await _available(sale)
        is_right = found is not None and (found.free, found.open) == (available, 0)
        if is_right or seconds > QUIET_SECONDS:
            return round(seconds, 1)
        await asyncio.sleep(_LOOK_SECONDS)


async def _available(sale: Sale) -> int:
    found: int = await database.fetch_value(
        "SELECT available FROM campaign_stock WHERE id = $1::uuid", sale.stock_id
    )
    return found


async def _inspected(settings: Settings, sale: Sale) -> Inspection | None:
    """Return what Redis counts of the item; None where it doesn't know it, or can't say."""
    place = ItemPlace(UUID(sale.item), BUCKETS)
    async with open_ports(settings) as (ports, _redis):
        try:
            return await ports.flash.inspect(place, now=datetime.now(UTC))
        except GateAway:
            return None


def broken_tickets(history: History, endings: dict[str, Ending]) -> list[str]:
    """Return which acknowledged tickets did not end, or were rejected without a reason."""
    found = []
    for ticket, attempt in history.refs(CLAIM.name).items():
        ending = endings.get(ticket, Ending("nothing", "", ""))
        is_order = ending.status == "ORDERED" and ending.order_id
        is_rejection = ending.status == "REJECTED" and ending.reason
        if not (is_order or is_rejection):
            found.append(f"the ticket of {attempt} ended as {ending}")
    return found


def reasons(endings: dict[str, Ending]) -> dict[str, int]:
    """Count how tickets ended."""
    return dict(Counter(ending.reason or ending.status for ending in endings.values()))


async def broken_orders(sale: Sale) -> list[str]:
    """Return which orders don't have the price of the sale, or no ticket; needs the pool."""
    rows = await database.fetch(
        """
        SELECT sales_order.id::text, sales_order.kind, line.unit_price_fen
        FROM sales_order
        JOIN order_line AS line ON line.order_id = sales_order.id
        LEFT JOIN flash_ticket AS ticket
            ON ticket.id = sales_order.id AND ticket.status = 'ORDERED'
        WHERE line.campaign_stock_id = $1::uuid
          AND (ticket.id IS NULL OR sales_order.kind <> 'FLASH_SALE'
               OR line.payable_fen <> $2 * line.quantity)
        """,
        sale.stock_id,
        PRICE_FEN,
    )
    return [f"order {dict(row)} is none of a ticket at its price" for row in rows]


async def facts(settings: Settings, sale: Sale, history: History) -> Facts:
    """Read what came of it; needs the pool.

    What was made are the rows of decided tickets: of those that a member was told of, and of all
    that became orders.
    """
    keys = (mac_key(settings.secret_key.get_secret_value()),)
    by_claim: dict[str, str] = {}
    for ref in history.refs(CLAIM.name):
        told = read_ticket(ref, keys)
        assert told is not None, "we signed it"
        by_claim[str(told.claim_id)] = ref
    rows = await database.fetch(
        """
        SELECT id::text, member_id::text AS member, item_id::text AS what, quantity, status
        FROM flash_ticket WHERE item_id = $1::uuid
        """,
        sale.item,
    )
    made = {
        by_claim.get(row["id"], row["id"]): Effect(row["member"], row["what"], row["quantity"])
        for row in rows
        if row["id"] in by_claim or row["status"] == "ORDERED"
    }
    shelf = await database.fetch_one(
        "SELECT set_aside, available, reserved + sold AS taken FROM campaign_stock"
        " WHERE id = $1::uuid",
        sale.stock_id,
    )
    assert shelf is not None
    found = await _inspected(settings, sale)
    return Facts(
        made=made,
        held=await _held(sale),
        shelves={sale.item: Shelf(shelf["set_aside"], shelf["available"], shelf["taken"], LIMIT)},
        counted={} if found is None else {sale.item: found.free},
    )


async def _held(sale: Sale) -> dict[tuple[str, str], int]:
    rows = await database.fetch(
        """
        SELECT sales_order.member_id::text AS member,
               sum(line.quantity - line.withdrawn_quantity) AS pieces
        FROM sales_order JOIN order_line AS line ON line.order_id = sales_order.id
        WHERE line.campaign_stock_id = $1::uuid AND status <> 'CANCELLED'
        GROUP BY sales_order.member_id
        """,
        sale.stock_id,
    )
    return {(row["member"], sale.item): int(row["pieces"]) for row in rows}
