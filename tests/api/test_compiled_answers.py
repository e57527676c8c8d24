"""The member schema: compiled code answers random queries as graphql-core does.

At one instant, on a demo brand that nobody changes: for anybody, and for a member with orders, a
cart and points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from starlette.types import ASGIApp

from api.app import MallApp
from api.observability import Observed
from api.schema import member_engine, member_schema
from executor.engine import Engine
from loaders import Loaders
from models import database
from resolvers.common.context import Context
from services.ports import Ports
from services.seed import plant
from settings import Settings
from tests.executor.torture.arguments import SCALARS
from tests.executor.torture.campaign import SOUND, Subject, compare
from tests.executor.torture.comparing import Surroundings, little_garbage
from tests.executor.torture.operations import Scope
from tests.executor.torture.seeds import seeds, tell
from tests.factories.shop import SkuFacts, a_cart_line
from tests.support.graphql import GraphQLClient
from tests.support.shopping import Shopper, a_shopper
from tests.support.simulator import Simulator
from wiring.ports import personal_data_of

DOCUMENTS = 40
RUNS = 4
SOAK_PARTS = 5
SOAK_DOCUMENTS = 400
WORDS = ("", "苹果", "牛奶", "1")


@pytest.fixture
async def shopper(
    client: GraphQLClient, wxsim: Simulator, live: str, settings: Settings
) -> Shopper:
    """A member who has ordered, paid, cancelled, and filled a cart at the demo brand."""
    await plant(personal_data_of(settings), now=await database.fetch_value("SELECT now()"))
    found = await a_shopper(client, wxsim)
    rows = await database.fetch("SELECT id, product_id FROM sku ORDER BY code LIMIT 5")
    skus = [SkuFacts(row["id"], row["product_id"]) for row in rows]
    orders = [await found.place(sku, key=f"order-{sku.id}") for sku in skus[:3]]
    await found.prepay(orders[0]["id"])
    await found.cancel(orders[1]["id"])
    for sku in skus[2:]:
        await a_cart_line(found.member_id, sku)
    return found


@pytest.fixture
def ports(app: ASGIApp) -> Ports:
    """The ports of the running application."""
    assert isinstance(app, Observed)
    assert isinstance(app.app, MallApp)
    assert app.app.process is not None
    return app.app.process.ports


async def meaningful(client: GraphQLClient) -> Mapping[str, Callable[[Random], Any]]:
    """Return values that mean something here: ids of what there is, cursors, words to search."""
    page = await client.gql("{ products(first: 1) { pageInfo { endCursor } } }")
    words = (*WORDS * 2, page.data["products"]["pageInfo"]["endCursor"])
    ids = [
        str(row["id"])
        for table in ("product", "sku", "category", "sales_order", "store", "cart_line")
        for row in await database.fetch(f"SELECT id FROM {table} ORDER BY id LIMIT 5")
    ]
    return {
        **SCALARS,
        "ID": lambda random: random.choice([*ids, "no such"]),
        "Int": lambda random: random.choice((*range(1, 20), 100, 0)),
        "Float": lambda random: random.choice((31.23, 121.47, -0.5, 500)),
        "String": lambda random: random.choice(words),
        "Money": lambda random: random.choice((0, 1, 500, 2**40)),
    }


def subject(ports: Ports, now: datetime, scope: Scope, member_id: UUID | None) -> Subject:
    """Return the member schema as somebody sees it."""

    def make(*_: object) -> Surroundings:
        context = Context(
            now=now,
            language="zh",
            loaders=Loaders(viewer_id=member_id, now=now),
            ports=ports,
            member_id=member_id,
        )
        return context, None, list

    engines = (member_engine(), Engine(member_schema(), compiles=False))
    return Subject(
        "member schema",
        engines,
        make,
        moods=[SOUND] * RUNS,
        scope=scope,
        waits_for_others=True,
    )


async def try_as(
    shopper: Shopper, ports: Ports, seed: int, *, signed_in: bool, documents: int
) -> Subject:
    """Compare the answers to so many random documents; return what was tried."""
    now = await database.fetch_value("SELECT now()")
    scope = Scope(depth=5, fields=30, mutations=0, scalars=await meaningful(shopper.client))
    tried = subject(ports, now, scope, shopper.member_id if signed_in else None)
    with little_garbage():
        for number in range(documents):
            async with database.reading():
                await compare(tried, seed * documents + number)
    assert tried.operations == documents * RUNS
    assert tried.counts[SOUND].compiled_share > 1 / 3, str(tried)
    return tried


viewers = pytest.mark.parametrize("signed_in", [False, True], ids=["anybody", "a member"])


@seeds
@viewers
async def test_random_queries_answer_alike(
    shopper: Shopper, ports: Ports, seed: int, signed_in: bool
) -> None:
    await try_as(shopper, ports, seed, signed_in=signed_in, documents=DOCUMENTS)


@pytest.mark.soak
@seeds
@viewers
async def test_thousands_of_random_queries_answer_alike(
    shopper: Shopper,
    ports: Ports,
    seed: int,
    signed_in: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for part in range(SOAK_PARTS):
        number = seed * SOAK_PARTS + part
        tried = await try_as(shopper, ports, number, signed_in=signed_in, documents=SOAK_DOCUMENTS)
        tell(capsys, f"part {part + 1} of {SOAK_PARTS}; {tried}")
