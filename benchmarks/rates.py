"""`python -m benchmarks.rates`: check-ins, claims and redemptions a second over HTTP.

A mall with one web process and a crowd of members; each of them does each thing once, so many at a
time. An answer that tells of a refusal ends the run. Beside the rates it prints the CPU of the web
server and of PostgreSQL for one of each, which says more where other programs use the machine, too.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import uvloop
from rich.console import Console
from rich.table import Column, Table

from benchmarks import crowd, shop
from benchmarks.cases import OURS, SERVERS
from benchmarks.connection import Connection, post
from benchmarks.load import check
from benchmarks.machine import Machine, facts, open_machine
from domain.coupons import CampaignKind, Terms, Validity
from domain.pricing import CouponKind
from domain.rewards import RewardKind
from models import database
from models.ids import new_id
from services import campaign_admin, reward_admin, verification
from services.campaign_admin import NewCampaign
from services.reward_admin import NewReward
from settings import Settings

CHECK_IN = """mutation CheckIn {
  checkIn { day { date points } streak userErrors { code message path } }
}"""
CLAIM = """mutation Claim($i: ClaimCouponInput!) {
  claimCoupon(input: $i) {
    coupon { id validUntil terms { name } } userErrors { code message path }
  }
}"""
REDEEM = """mutation Redeem($i: RedeemRewardInput!) {
  redeemReward(input: $i) { redemption { id status } userErrors { code message path } }
}"""
_PRODUCTS = 50
_FIVE_OFF = Terms(name="立减5元", name_en="¥5 off", kind=CouponKind.AMOUNT_OFF, amount_off_fen=500)
_SERVER, _POSTGRES = SERVERS[OURS], "postgres"


@dataclass(frozen=True, slots=True)
class Case:
    """What every member does once: a document, with variables made anew for each."""

    name: str
    document: str
    variables: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a case: latencies in seconds, in order; CPU in milliseconds for one."""

    latencies: list[float]
    seconds: float
    server_ms: float
    postgres_ms: float

    def percentile(self, percent: int) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return 1_000 * self.latencies[len(self.latencies) * percent // 100]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rates", description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--at-once", default="16,200", help="requests on their way at a time")
    given = parser.parse_args()
    uvloop.run(_run(given.members, [int(each) for each in given.at_once.split(",")]))


async def _run(members: int, at_once: Sequence[int]) -> None:
    told = facts()
    table = Table(
        Column("case", no_wrap=True),
        *(
            Column(name, justify="right")
            for name in ("at once", "/s", "p50 ms", "p99 ms", "CPU ms: web", "PostgreSQL")
        ),
    )
    async with open_machine(web_processes=1) as machine:
        _say(f"Filling a mall with {members:,} members ...")
        tokens = await _fill(machine.settings, members)
        for number in at_once:
            # Each number has campaigns and members of its own: nobody does anything twice.
            share = tokens[at_once.index(number) :: len(at_once)]
            for case in await _cases(machine.settings, members):
                _say(f"Measuring {case.name}, {number} at once ...")
                measured = await _measure(machine, case, share, number)
                table.add_row(case.name, str(number), *_figures(measured))
        await _verify(machine.settings)
    console = Console(width=100, highlight=False)
    console.print("   ".join(f"{name}: {value}" for name, value in told.items()))
    console.print(table)


def _say(what: str) -> None:
    print(what, flush=True)


async def _fill(settings: Settings, members: int) -> list[str]:
    """Make the members, with points; returns an access token for each."""
    _, offers = await shop.fill(settings, products=_PRODUCTS)
    await crowd.fill(settings, offers, members, _say)
    await database.connect(settings.postgres_url)
    try:
        rows = await database.fetch("SELECT id FROM member WHERE member_no LIKE 'C%' ORDER BY id")
    finally:
        await database.close()
    return crowd.tokens(settings, [row["id"] for row in rows])


async def _cases(settings: Settings, members: int) -> list[Case]:
    """Make campaigns and a reward that nobody has had anything of."""
    now = datetime.now(UTC)
    await database.connect(settings.postgres_url)
    try:
        free = await _campaign(None, now)
        counted = await _campaign(members, now)
        reward = NewReward(
            kind=RewardKind.COUPON,
            name="5元券",
            points_price=100,
            starts_at=now - timedelta(days=1),
            terms=_FIVE_OFF,
            valid_days=30,
            quantity=members,
        )
        reward_id = await reward_admin.create_reward(reward, now=now)
    finally:
        await database.close()

    def naming(field: str, id_: object) -> Callable[[], dict[str, Any]]:
        return lambda: {"i": {field: str(id_), "idempotencyKey": str(uuid4())}}

    return [
        Case("check-in", CHECK_IN, dict),
        Case("claim", CLAIM, naming("campaignId", free)),
        Case("claim, of a stock", CLAIM, naming("campaignId", counted)),
        Case("redeem, of a stock", REDEEM, naming("rewardId", reward_id)),
    ]


async def _campaign(quantity: int | None, now: datetime) -> object:
    template_id = await campaign_admin.put_template(
        new_id().hex, _FIVE_OFF, Validity(days=30), now=now
    )
    campaign = NewCampaign(
        template_id=template_id,
        kind=CampaignKind.CLAIM,
        name="rates",
        claim_from=now - timedelta(days=1),
        claim_until=now + timedelta(days=1),
        quantity=quantity,
    )
    return await campaign_admin.create(campaign, now=now)


async def _measure(machine: Machine, case: Case, tokens: Sequence[str], number: int) -> Measured:
    connections = [await Connection.open(machine.settings.port) for _ in range(number)]
    waiting = iter(_requests(case, tokens))
    latencies: list[float] = []

    async def keep_busy(connection: Connection) -> None:
        for request in waiting:
            begun = time.perf_counter()
            check(case.name, await connection.ask(request))
            latencies.append(time.perf_counter() - begun)

    before, began = machine.cpu_seconds(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(keep_busy(connection))
    seconds, after = time.perf_counter() - began, machine.cpu_seconds()
    for connection in connections:
        connection.close()

    def milliseconds(part: str) -> float:
        return 1_000 * (after[part] - before[part]) / len(tokens)

    return Measured(sorted(latencies), seconds, milliseconds(_SERVER), milliseconds(_POSTGRES))


def _requests(case: Case, tokens: Sequence[str]) -> Iterator[bytes]:
    for token in tokens:
        asked = {"query": case.document, "variables": case.variables()}
        yield post("/graphql", orjson.dumps(asked), token)


def _figures(measured: Measured) -> list[str]:
    return [
        f"{len(measured.latencies) / measured.seconds:,.0f}",
        f"{measured.percentile(50):.1f}",
        f"{measured.percentile(99):.1f}",
        f"{measured.server_ms:.2f}",
        f"{measured.postgres_ms:.2f}",
    ]


async def _verify(settings: Settings) -> None:
    await database.connect(settings.postgres_url, statement_timeout_seconds=600)
    try:
        wrong = [each.check.name for each in await verification.verify() if not each.is_clean]
    finally:
        await database.close()
    if wrong:
        raise SystemExit(f"The books don't hold: {', '.join(wrong)}")
    _say("The books hold.")


if __name__ == "__main__":
    main()
