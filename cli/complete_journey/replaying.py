"""Baskets of The Complete Journey bought again, each by its household's phone.

The phones are the simulator's users. A household's phone number is the one its imported member has,
so binding it (the getPhoneNumber button) merges the new WeChat identity with that member. A basket
is picked up at its shop: it costs its goods alone, to the fen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from cli.complete_journey.loading import SOURCE, phone_of
from cli.complete_journey.reader import open_complete_journey
from cli.complete_journey.records import Basket
from cli.mini_program import CallFailed, MiniProgram, Wechat, connect, fresh_key
from models import database

T = TypeVar("T")
Advance = Callable[[], None]
"""Hears that one more is done."""


class CannotReplay(Exception):
    """Something that a replay needs isn't there; the text says what."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the mall and the simulator answer."""

    web: str
    simulator: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What is asked for."""

    addresses: Addresses
    baskets: int
    concurrency: int
    data: Path | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """The mall's ids of what the source numbers."""

    skus: dict[int, str]
    stores: dict[int, str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A basket or a sign-in that didn't go through, and why."""

    what: str
    why: str


@dataclass(slots=True)
class Outcome:
    """What came of it. Seconds are by the wall clock; `order_seconds` are one order's, each."""

    baskets: set[int] = field(default_factory=set)
    orders: int = 0
    lines: int = 0
    pieces: int = 0
    fen: int = 0
    members: int = 0
    bound: int = 0
    sign_in_seconds: float = 0.0
    buying_seconds: float = 0.0
    order_seconds: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def orders_a_second(self) -> float:
        """Return the paid orders of each second of buying."""
        return self.orders / self.buying_seconds if self.buying_seconds else 0.0


@dataclass(slots=True)
class Shopper:
    """A household with its phone; it buys one basket at a time."""

    phone: MiniProgram
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Run:
    """One replay under way."""

    def __init__(self, http: httpx.AsyncClient, wanted: Replay, shelf: Shelf) -> None:
        self._http = http
        self._wanted = wanted
        self._shelf = shelf
        self._wechat = Wechat(http, wanted.addresses.simulator)
        self._shoppers: dict[int, Shopper] = {}
        self._key = fresh_key("replay")
        self.outcome = Outcome()

    async def sign_in(self, households: Iterable[int], advance: Advance) -> None:
        """Sign every household in and bind its phone."""
        consents = await self._phone().agreements()
        started = time.perf_counter()

        async def enter(household: int) -> None:
            try:
                await self._enter(household, consents)
            except (CallFailed, httpx.HTTPError) as problem:
                self._fail(f"sign-in of household {household}", problem)
            advance()

        await in_parallel(households, enter, self._wanted.concurrency)
        self.outcome.sign_in_seconds = time.perf_counter() - started

    async def buy(self, baskets: Iterable[Basket], advance: Advance) -> None:
        """Buy the baskets, several at once, each household's in their order."""
        started = time.perf_counter()

        async def buy_one(basket: Basket) -> None:
            what = f"basket {basket.id} part {basket.part}"
            shopper = self._shoppers.get(basket.household_id)
            if shopper is None:
                self._fail(what, CallFailed("sign-in", "FAILED", "see above"))
            else:
                try:
                    async with shopper.turn:
                        await self._buy(shopper.phone, basket)
                except (CallFailed, httpx.HTTPError, TimeoutError) as problem:
                    self._fail(what, problem)
            advance()

        await in_parallel(baskets, buy_one, self._wanted.concurrency)
        self.outcome.buying_seconds = time.perf_counter() - started

    def _phone(self) -> MiniProgram:
        return MiniProgram(self._http, self._wanted.addresses.web)

    def _fail(self, what: str, problem: Exception) -> None:
        self.outcome.failures.append(Failure(what, f"{type(problem).__name__}: {problem}"))

    async def _enter(self, household: int, consents: list[dict[str, Any]]) -> None:
        user = await self._wechat.user(nickname=f"住户 {household}", phone=phone_of(household))
        phone = self._phone()
        session = await phone.sign_in(await self._wechat.login_code(user))
        if not session.has_joined:
            await self._bind(phone, user, consents)
        self._shoppers[household] = Shopper(phone)
        self.outcome.members += 1

    async def _bind(self, phone: MiniProgram, user: str, consents: list[dict[str, Any]]) -> None:
        try:
            await phone.join(await self._wechat.phone_code(user), consents)
        except CallFailed as refusal:
            # The simulator has forgotten its users since an earlier replay: the household's member
            # has another openid, and this phone shops as a member of its own.
            if refusal.code != "PHONE_TAKEN":
                raise
        else:
            self.outcome.bound += 1

    async def _buy(self, phone: MiniProgram, basket: Basket) -> None:
        started = time.perf_counter()
        draft = {
            "lines": [
                {"skuId": self._shelf.skus[line.product_id], "quantity": line.quantity}
                for line in basket.lines
            ],
            "delivery": "PICKUP",
            "storeId": self._shelf.stores[basket.store_id],
        }
        key = f"{self._key}-{basket.id}-{basket.part}"
        quote = await phone.quote(draft)
        if quote["payable"] != basket.amount_fen:
            told = f"{quote['payable']} fen instead of {basket.amount_fen}"
            raise CallFailed("quoteOrder", "PRICE_DIFFERS", told)
        order = await phone.place(draft, payable=quote["payable"], key=key)
        payment = await phone.pay(order["id"], key=key)
        if payment is not None:
            await self._wechat.request_payment(payment)
        fen = await phone.paid(order["id"])
        # Only from here on: what is read before an await may be old after it.
        self.outcome.fen += fen
        self.outcome.order_seconds.append(time.perf_counter() - started)
        self.outcome.baskets.add(basket.id)
        self.outcome.orders += 1
        self.outcome.lines += len(basket.lines)
        self.outcome.pieces += sum(line.quantity for line in basket.lines)


def read_baskets(wanted: Replay) -> list[Basket]:
    """Return the first baskets of the year, split to orders."""
    with open_complete_journey(wanted.data) as journey:
        return [basket for batch in journey.baskets(first=wanted.baskets) for basket in batch]


async def read_shelf(baskets: Iterable[Basket]) -> Shelf:
    """Look up what the baskets name; CannotReplay if it hasn't been imported."""
    products = {line.product_id for basket in baskets for line in basket.lines}
    skus = await database.fetch(
        "SELECT product.source_id, sku.id FROM sku JOIN product ON product.id = sku.product_id"
        " WHERE product.source = $1",
        SOURCE,
    )
    stores = await database.fetch("SELECT source_id, id FROM store WHERE source = $1", SOURCE)
    shelf = Shelf(
        skus={int(row["source_id"]): str(row["id"]) for row in skus},
        stores={int(row["source_id"]): str(row["id"]) for row in stores},
    )
    if (
        not products <= shelf.skus.keys()
        or not {b.store_id for b in baskets} <= shelf.stores.keys()
    ):
        raise CannotReplay(
            "The catalogue of The Complete Journey isn't in this database."
            " Run `mall import complete-journey` first."
        )
    return shelf


@asynccontextmanager
async def open_run(wanted: Replay, shelf: Shelf) -> AsyncIterator[Run]:
    """Connect to a mall that answers; CannotReplay if it doesn't."""
    async with connect(wanted.concurrency) as http:
        for url in (f"{wanted.addresses.web}/readyz", f"{wanted.addresses.simulator}/_sim/clock"):
            try:
                answer = await http.get(url)
            except httpx.TransportError:
                raise CannotReplay(f"Nothing answers at {url}. Is `make run` running?") from None
            if not answer.is_success:
                raise CannotReplay(f"{url} answers {answer.status_code}: {answer.text[:200]}")
        yield Run(http, wanted, shelf)


async def in_parallel(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], workers: int
) -> None:
    """Do the work for every item, taken in order, so many at a time."""
    waiting = iter(items)

    async def work_on() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work_on())
