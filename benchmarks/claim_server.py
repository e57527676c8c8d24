"""A server for claims of flash sales, in several ways: `python -m benchmarks.claim_server`.

`/graphql` is the mall's executor, context, service and gate around a mutation of our own.
`/by-hand` is Starlette and redis-py making the same Lua call; tokens, tickets and digests are the
mall's own functions. `/stream` is the same through the mall's client of claims. `/collected` asks
no Redis at all: the claims of some milliseconds become one statement, and each is answered after
its commit. `POST /reset` empties the gate. Listens at `BENCHMARK_PORT`; `BENCHMARK_ITEM` is the
item, `BENCHMARK_WINDOW_MS` how long claims are collected at least.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

import orjson
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import MallApp
from api.observability import Observed
from benchmarks.collected import Collector
from domain.errors import DomainError
from domain.flash_gate import ItemConfig, ItemTruth
from domain.flash_sales import TicketStatus
from domain.flash_tickets import Ticket, claim_id_of, mac_key, write_ticket
from executor.documents import Documents
from executor.engine import Engine
from executor.http import GraphQLHTTP
from executor.trusted import DocumentSource
from gateways.redis.claims_client import claims_client
from gateways.redis.scripts import Script
from models import database
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from services import flash_claims
from services.flash_claims import ClaimFlashSale
from settings import Settings, load
from wiring import memory

ITEM = UUID(os.environ.get("BENCHMARK_ITEM", "0" * 32))
_LIMIT = 1_000_000
"""Pieces for each member: what is measured are claims that nobody's limit stops."""
_KEY_MS = 26 * 3_600_000


@strawberry.type
class FlashSaleTicket:
    id: strawberry.ID
    status: TicketStatus
    quantity: int
    created_at: datetime


@strawberry.type
class ClaimFlashSalePayload:
    ticket: FlashSaleTicket | None = None
    user_errors: list[UserError]


@strawberry.input
class ClaimFlashSaleInput:
    item_id: strawberry.ID
    quantity: int = 1
    idempotency_key: str


@strawberry.type
class Query:
    ready: bool = True


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def claim_flash_sale(
        self, info: Info, input: ClaimFlashSaleInput
    ) -> ClaimFlashSalePayload:
        context = info.context
        assert context.member_id is not None
        command = ClaimFlashSale(
            member_id=context.member_id,
            item_id=UUID(input.item_id),
            quantity=input.quantity,
            idempotency_key=input.idempotency_key,
            client_ip=context.client_ip,
        )
        ports = context.ports
        try:
            text = await flash_claims.claim(command, ports.flash, ports.captcha, now=context.now)
        except DomainError as refusal:
            return ClaimFlashSalePayload(user_errors=[UserError.of(refusal, context.language)])
        ticket = FlashSaleTicket(
            id=strawberry.ID(text),
            status=TicketStatus.QUEUED,
            quantity=input.quantity,
            created_at=context.now,
        )
        return ClaimFlashSalePayload(ticket=ticket, user_errors=[])


class _Asked(NamedTuple):
    member_id: UUID
    item_id: UUID
    quantity: int
    key: str
    now: datetime


class Server:
    """All ways to claim, in one process."""

    def __init__(self, settings: Settings) -> None:
        self._mall = MallApp(settings)
        documents = Documents(Engine(strawberry.Schema(Query, Mutation)))
        self._graphql = GraphQLHTTP(
            DocumentSource(documents),
            self._mall._context,  # noqa: SLF001 (that very one)
        )
        self._collector = Collector(
            ITEM, window_seconds=float(os.environ.get("BENCHMARK_WINDOW_MS", "0")) / 1_000
        )
        self._mac_key = mac_key(settings.secret_key.get_secret_value())
        self._script = Script.load("flash_claim")
        self._pages = Starlette(
            routes=[
                Route("/by-hand", self._by_hand, methods=["POST"]),
                Route("/stream", self._stream, methods=["POST"]),
                Route("/collected", self._collected, methods=["POST"]),
                Route("/reset", self._reset, methods=["POST"]),
                Route("/readyz", _ready),
            ],
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the server's start and stop."""
        at_graphql = scope["type"] == "http" and scope["path"] == "/graphql"
        await (self._graphql if at_graphql else self._pages)(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._mall._lifespan(app):  # noqa: SLF001 (the mall's start and stop)
            process = self._mall.process
            assert process is not None
            self._redis, self._gate = process.redis, process.ports.flash
            self._claims = claims_client(self._redis)
            collecting = asyncio.create_task(self._collector.run())
            try:
                yield
            finally:
                collecting.cancel()

    async def _asked(self, request: Request) -> _Asked:
        now = datetime.now(UTC)
        viewer = await self._mall._authenticator.viewer(  # noqa: SLF001 (the mall's own)
            request.headers["authorization"], now=now
        )
        assert viewer is not None
        given = orjson.loads(await request.body())["variables"]["i"]
        return _Asked(
            viewer.member_id, UUID(given["itemId"]), given["quantity"], given["idempotencyKey"], now
        )

    async def _by_hand(self, request: Request) -> Response:
        asked = await self._asked(request)
        keys, arguments, ticket = self._call(asked)
        reply = await self._redis.evalsha(self._script.sha, len(keys), *keys, *arguments)
        return _answer(asked, ticket if reply[0] == "TICKET" else None)

    async def _stream(self, request: Request) -> Response:
        asked = await self._asked(request)
        keys, arguments, ticket = self._call(asked)
        reply = await self._claims.evalsha(self._script, keys, arguments)
        return _answer(asked, ticket if reply[0] == "TICKET" else None)

    def _call(self, asked: _Asked) -> tuple[list[str], list[str | int], str]:
        """Return the keys and the arguments of the gate's script, and the ticket."""
        claim_id = claim_id_of(asked.member_id, asked.key)
        ms = int(asked.now.timestamp() * 1000)
        ticket = write_ticket(
            Ticket(claim_id, asked.item_id, asked.member_id, asked.quantity, ms), self._mac_key
        )
        tag, item = f"{{flash:{crc32(asked.item_id.bytes) % 16}}}", asked.item_id.hex
        member, claim = asked.member_id.hex, claim_id.hex
        keys = [
            f"{tag}:item:{item}",
            f"{tag}:quota:{item}",
            f"{tag}:open:{item}",
            f"{tag}:key:{claim}",
            f"{tag}:mine:{item}",
            f"{tag}:tickets",
            f"{tag}:level",
            f"{tag}:rate:m:{member}",
            f"{tag}:rate:a:",
        ]
        arguments: list[str | int] = [ms, member, asked.quantity, claim, "0" * 16, ticket, _KEY_MS]
        arguments += [0, 0, 0, 0, "", "EXPRESS", ""]
        return keys, arguments, ticket

    async def _collected(self, request: Request) -> Response:
        asked = await self._asked(request)
        claim_id = claim_id_of(asked.member_id, asked.key)
        is_given = await self._collector.claim(claim_id, asked.member_id, asked.quantity, asked.now)
        ms = int(asked.now.timestamp() * 1000)
        ticket = Ticket(claim_id, asked.item_id, asked.member_id, asked.quantity, ms)
        return _answer(asked, write_ticket(ticket, self._mac_key) if is_given else None)

    async def _reset(self, request: Request) -> Response:
        """Empty Redis and count the item with as many pieces as are asked for."""
        pieces = orjson.loads(await request.body())["pieces"]
        await self._redis.flushall()
        await self._redis.script_load(self._script.source)
        now = datetime.now(UTC)
        item = ItemConfig(
            item_id=ITEM,
            buckets=1,
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(hours=1),
            is_closed=False,
            limit=_LIMIT,
            level=0,
            version=1,
        )

        async def read(_claims: Collection[UUID]) -> ItemTruth:
            return ItemTruth(available=pieces, quotas={}, decided=())

        assert await self._gate.rebuild(item, read)
        await database.execute(
            """
            UPDATE campaign_stock SET set_aside = reserved + sold + returned + $2, available = $2
            FROM flash_sale_item AS item WHERE item.id = $1 AND item.stock_id = campaign_stock.id
            """,
            ITEM,
            pieces,
        )
        return Response(b"{}")


_SOLD_OUT = orjson.dumps(
    {
        "data": {
            "claimFlashSale": {
                "ticket": None,
                "userErrors": [{"code": "CAMPAIGN_SOLD_OUT", "message": "已抢光"}],
            }
        }
    }
)


def _answer(asked: _Asked, ticket: str | None) -> Response:
    """Answer as GraphQL would."""
    if ticket is None:
        return Response(_SOLD_OUT, media_type="application/json")
    told: dict[str, Any] = {
        "id": ticket,
        "status": "QUEUED",
        "quantity": asked.quantity,
        "createdAt": asked.now.isoformat(),
    }
    payload = {"ticket": told, "userErrors": []}
    return Response(
        orjson.dumps({"data": {"claimFlashSale": payload}}), media_type="application/json"
    )


async def _ready(_request: Request) -> Response:
    return Response(b"{}")


def application() -> ASGIApp:
    """Return the application, with the mall's request ids and figures for Prometheus."""
    return Observed(Server(load()))


if __name__ == "__main__":
    app = application()
    memory.settle()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["BENCHMARK_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )
