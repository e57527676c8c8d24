"""The storm of ordinary orders: many members, few SKUs that all want, paying and cancelling.

Some SKUs have a limit for each member, some members pay with points, and whoever has an order pays
it, cancels it or forgets it, by the seed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.storm.check import Effect, Facts, Shelf
from benchmarks.storm.client import Desk, Mutation, Wish
from benchmarks.storm.history import Outcome
from benchmarks.storm.people import Person
from gateways.redis.connection import RedisConfig, connect
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database
from services import stock
from tests.factories.shop import SkuFacts, a_sku

PLACE = Mutation(
    "placeOrder",
    """mutation Place($i: PlaceOrderInput!) {
      placeOrder(input: $i) { order { id status } userErrors { code message path } }
    }""",
    ("order", "id"),
)
PAY = Mutation(
    "payOrder",
    """mutation Pay($i: PayOrderInput!) {
      payOrder(input: $i) { payment { package } userErrors { code message path } }
    }""",
    ("payment", "package"),
)
CANCEL = Mutation(
    "cancelOrder",
    """mutation Cancel($i: CancelOrderInput!) {
      cancelOrder(input: $i) { order { id } userErrors { code message path } }
    }""",
    ("order", "id"),
)
PRICE_FEN = 1_000
LIMIT = 2
_HOLDS_END_SECONDS = 61
"""By then no hold at the gate is in flight."""


@dataclass(frozen=True, slots=True)
class Wares:
    """The SKUs of a storm: `limits` by id, for those that have one."""

    skus: Sequence[str]
    limits: dict[str, int]


async def lay_out(pieces: int) -> Wares:
    """Make a SKU that all want, and one of which each member may have a few; needs the pool."""
    hot: SkuFacts = await a_sku(PRICE_FEN, stock=pieces, name="抢手")
    limited: SkuFacts = await a_sku(PRICE_FEN, stock=pieces, name="限购", limit=LIMIT)
    return Wares((str(hot.id), str(limited.id)), {str(limited.id): LIMIT})


@dataclass(frozen=True, slots=True)
class Shoppers:
    """How members behave, all by the seed."""

    desk: Desk
    wares: Wares
    simulator_url: str
    chance: random.Random
    storm_seconds: float
    payers: float = 0.3
    cancellers: float = 0.2

    async def all_want(self, people: Sequence[Person], wishes: int) -> None:
        """Have so many orders be wanted, by turns, all over the time of the storm."""
        begins = [self.chance.uniform(0, self.storm_seconds) for _ in range(wishes)]
        wanted = [
            self._wish(people[number % len(people)], f"o{number}") for number in range(wishes)
        ]
        fates = [self.chance.random() for _ in range(wishes)]
        async with httpx.AsyncClient(trust_env=False) as wechat, asyncio.TaskGroup() as group:
            for begin, wish, fate in zip(begins, wanted, fates, strict=True):
                group.create_task(self._one(begin, wish, fate, wechat))

    def _wish(self, person: Person, key: str) -> Wish:
        sku, pieces = self.chance.choice(self.wares.skus), self.chance.choice((1, 1, 2))
        return a_wish(person, key, sku, pieces)

    async def _one(self, begin: float, wish: Wish, fate: float, wechat: httpx.AsyncClient) -> None:
        await asyncio.sleep(begin)
        answer = await self.desk.surely(PLACE, wish)
        if answer.outcome is not Outcome.OK:
            return
        if fate < self.payers and wish.person.can_pay:
            await pay(self.desk, wish.person, answer.ref, wechat, self.simulator_url)
        elif fate < self.payers + self.cancellers:
            await cancel(self.desk, wish.person, answer.ref)


def a_wish(person: Person, key: str, sku: str, pieces: int) -> Wish:
    """Return the wish for pieces of a SKU, with as many points as can be taken by who has some."""
    draft: dict[str, Any] = {"lines": [{"skuId": sku, "quantity": pieces}]}
    if person.has_points:
        draft["useMaxPoints"] = True
    return Wish(person, key, {"draft": draft}, what=sku, pieces=pieces)


async def pay(
    desk: Desk, person: Person, order_id: str, wechat: httpx.AsyncClient, simulator_url: str
) -> None:
    """Pay an order: by the API, then at WeChat, which tells the mall when it will."""
    given = {"orderId": order_id, "method": "WECHAT_MINI_PROGRAM"}
    asked = Wish(person, f"pay-{order_id}", given, what=order_id)
    answer = await desk.surely(PAY, asked)
    if answer.outcome is Outcome.OK and answer.ref:
        prepay_id = answer.ref.removeprefix("prepay_id=")
        paid = await wechat.post(f"{simulator_url}/_sim/pay", json={"prepay_id": prepay_id})
        assert paid.status_code < httpx.codes.INTERNAL_SERVER_ERROR, paid.text


async def cancel(desk: Desk, person: Person, order_id: str) -> None:
    """Cancel an order."""
    asked = Wish(person, f"cancel-{order_id}", {"orderId": order_id}, what=order_id)
    await desk.surely(CANCEL, asked)


async def sell_out(desk: Desk, wares: Wares, people: Sequence[Person]) -> None:
    """Have the last wave take what is left of what has no limit, and find nothing more."""
    for sku in wares.skus:
        if sku in wares.limits:
            continue
        left = (await shelves(wares))[sku].available
        wishes = [
            a_wish(people[number % len(people)], f"last-{sku}-{number}", sku, 1)
            for number in range(left + 3)
        ]
        async with asyncio.TaskGroup() as group:
            for wish in wishes:
                group.create_task(desk.surely(PLACE, wish))


async def facts(wares: Wares, redis_url: str) -> Facts:
    """Read what came of it; needs the pool."""
    rows = await database.fetch(
        """
        SELECT sales_order.id::text AS ref, sales_order.member_id::text AS member, status,
               line.sku_id::text AS what, line.quantity AS pieces,
               line.quantity - line.withdrawn_quantity AS kept
        FROM sales_order JOIN order_line AS line ON line.order_id = sales_order.id
        WHERE line.sku_id = ANY($1::uuid[])
        """,
        list(wares.skus),
    )
    held: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["status"] != "CANCELLED":
            place = (row["member"], row["what"])
            held[place] = held.get(place, 0) + row["kept"]
    return Facts(
        made={row["ref"]: Effect(row["member"], row["what"], row["pieces"]) for row in rows},
        held=held,
        shelves=await shelves(wares),
        counted=await counted_of(wares.skus, redis_url),
    )


async def shelves(wares: Wares) -> dict[str, Shelf]:
    """Return what is left of each SKU; needs the pool."""
    rows = await database.fetch(
        """
        SELECT id::text, initial + restocked + adjusted - set_aside AS stock, available,
               reserved + sold AS taken
        FROM stock_level WHERE id = ANY($1::uuid[])
        """,
        list(wares.skus),
    )
    return {
        row["id"]: Shelf(row["stock"], row["available"], row["taken"], wares.limits.get(row["id"]))
        for row in rows
    }


async def counted_of(stock_ids: Sequence[str], redis_url: str) -> dict[str, int]:
    """Return what the gate counts of each stock id, where it counts."""
    client = connect(RedisConfig(redis_url))
    try:
        found = {id_: await client.hget(f"gate:{{sku:{id_}}}", "free") for id_ in stock_ids}
    finally:
        await client.aclose()
    return {id_: int(free) for id_, free in found.items() if free is not None}


async def a_minute_later(redis_url: str) -> None:
    """Have the gate compared with PostgreSQL as in a minute, when no hold is in flight."""
    client = connect(RedisConfig(redis_url))
    config = StockGateConfig(timeout_seconds=5)
    gate = StockGate(
        client, stock.available_of, config, clock=lambda: time.time() + _HOLDS_END_SECONDS
    )
    try:
        await gate.reconcile()
    finally:
        await client.aclose()
