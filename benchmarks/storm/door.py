"""`python -m benchmarks.storm.door`: campaigns by HTTP, a process that may be killed.

It answers what the API's mutations of campaigns answer, in the same shape, by the same services.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import DomainError
from gateways.tokens import Tokens
from services import flash_claims
from services.flash_claims import ClaimFlashSale
from services.ports import Ports
from settings import Settings, load
from wiring.logs import set_up_logs
from wiring.process import process
from wiring.tokens import tokens_of

_FIELD = re.compile(r"\b(claimFlashSale|flashSaleTicket)\(")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from where."""

    member_id: UUID
    address: str


Act = Callable[["Door", Caller, dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Door:
    """What the acts need of the process."""

    ports: Ports
    tokens: Tokens


async def claim_flash_sale(door: Door, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    """Claim pieces as the mutation of that name does."""
    command = ClaimFlashSale(
        member_id=caller.member_id,
        item_id=UUID(given["itemId"]),
        quantity=given["quantity"],
        idempotency_key=given["idempotencyKey"],
        client_ip=caller.address,
    )
    now = datetime.now(UTC)
    ticket_id = await flash_claims.claim(command, door.ports.flash, None, now=now)
    return {"ticket": {"id": ticket_id}}


async def flash_sale_ticket(door: Door, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    """Tell what became of a ticket, as the query of that name does."""
    now = datetime.now(UTC)
    row = await flash_claims.ticket(given["id"], caller.member_id, door.ports.flash, now=now)
    if row is None:
        return {"status": None}
    order = {"id": str(row.order_id)} if row.order_id else None
    return {"status": row.status, "reason": row.reason, "order": order}


ACTS: dict[str, Act] = {
    "claimFlashSale": claim_flash_sale,
    "flashSaleTicket": flash_sale_ticket,
}


async def _answer(door: Door, request: Request) -> dict[str, Any]:
    asked = orjson.loads(await request.body())
    found = _FIELD.search(asked["query"])
    assert found is not None, "it is one of ours"
    token = request.headers["authorization"].removeprefix("Bearer ")
    claims = door.tokens.read_access_token(token, now=datetime.now(UTC))
    caller = Caller(claims.member_id, request.headers.get("x-forwarded-for", "127.0.0.1"))
    try:
        payload = await ACTS[found[1]](door, caller, asked["variables"]["i"])
    except DomainError as refused:
        payload = {"userErrors": [{"code": refused.code.value}]}
    return {"data": {found[1]: {"userErrors": [], **payload}}}


def application(settings: Settings) -> Starlette:
    """Build the application; its lifespan opens the pool and the ports."""
    opened: list[Door] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with process(settings, application_name="membermall-web", reuse_plans=True) as run:
            opened.append(Door(run.ports, tokens_of(settings)))
            yield

    async def graphql(request: Request) -> Response:
        return Response(orjson.dumps(await _answer(opened[0], request)))

    routes = [Route("/graphql", graphql, methods=["POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Answer until SIGTERM."""
    settings = load()
    set_up_logs(settings)
    uvicorn.run(
        application(settings),
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        backlog=2_048,
    )


if __name__ == "__main__":
    main()
