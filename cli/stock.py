"""`mall stock verify | rebuild`: counts in Redis beside PostgreSQL's, and counting them anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.connected import run_connected
from cli.panels import DATA

if TYPE_CHECKING:
    from gateways.redis.flash_gate import FlashGate
    from gateways.redis.stock_gate import StockGate
    from services.flash_counts import CountedItem
    from settings import Settings

_AREAS = ("stock.", "flash.", "group.")
_PATIENCE_SECONDS = 5.0
"""For one batch of counts: nobody waits for a command as members wait for an order."""
_SECOND_LOOK_SECONDS = 1.0
_WRONG = 1


class _Away(Exception):
    """Redis does not answer."""


@dataclass(frozen=True, slots=True)
class _Gates:
    stock: StockGate
    flash: FlashGate


def register(app: typer.Typer) -> None:
    """Add the commands."""
    stock = typer.Typer(no_args_is_help=True, help="Pieces: what is sold, held, set aside.")
    stock.command("verify")(verify)
    stock.command("rebuild")(rebuild)
    app.add_typer(stock, name="stock", rich_help_panel=DATA)


def verify() -> None:
    """Prove that pieces add up, and that both gates in Redis agree with PostgreSQL.

    Changes nothing. Exits with 1 when something is wrong; `mall stock rebuild` mends the gates.
    """
    wrong = _run(_verify)
    for each in wrong:
        typer.echo(each)
    typer.echo(f"{len(wrong)} differences." if wrong else "The pieces agree.")
    raise typer.Exit(_WRONG if wrong else 0)


def rebuild(
    *,
    sku: Annotated[list[str] | None, typer.Option(help="A SKU's code or id; repeatable.")] = None,
    item: Annotated[
        list[UUID] | None, typer.Option(help="An item of a flash sale, by its id; repeatable.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All SKUs and all items.")] = False,
) -> None:
    """Have counts in Redis made anew from PostgreSQL; orders and claims may go on meanwhile.

    A SKU is counted by its next order, an item of a flash sale at once.
    """
    if all_ == bool(sku or item):
        typer.echo("mall: name SKUs and items, or --all", err=True)
        raise typer.Exit(_WRONG)
    for each in _run(lambda gates: _rebuild(gates, None if all_ else sku or [], item or [])):
        typer.echo(each)


def _run(work: Callable[[_Gates], Awaitable[list[str]]]) -> list[str]:
    async def with_gates(settings: Settings) -> list[str]:
        async with _gates(settings) as gates:
            return await work(gates)

    try:
        return run_connected("stock", with_gates)
    except _Away:
        typer.echo("mall: Redis does not answer; PostgreSQL alone decides meanwhile", err=True)
        raise typer.Exit(_WRONG) from None


@asynccontextmanager
async def _gates(settings: Settings) -> AsyncIterator[_Gates]:
    from gateways.redis.stock_gate import StockGate, StockGateConfig
    from services.stock import available_of
    from wiring.flash import flash_gate_of
    from wiring.redis import redis_of

    redis = redis_of(settings)
    try:
        config = StockGateConfig(timeout_seconds=_PATIENCE_SECONDS)
        yield _Gates(StockGate(redis, available_of, config), flash_gate_of(settings, redis))
    finally:
        await redis.aclose()


async def _verify(gates: _Gates) -> list[str]:
    from services.verification import verify as run

    wrong = [
        f"{finding.check.name}: {row}"
        for finding in await run(_AREAS)
        if not finding.is_clean
        for row in finding.rows
    ]
    drifts = await _drifts(gates)
    if drifts:
        # What was freed a moment ago may be on its way to the gate.
        await asyncio.sleep(_SECOND_LOOK_SECONDS)
        drifts &= await _drifts(gates)
    return wrong + sorted(drifts)


async def _drifts(gates: _Gates) -> set[str]:
    """Return what the gates have wrong."""
    from domain.flash_gate import GateAway
    from services import gate_drift

    skus = await gates.stock.compare()
    _require_redis(gates)
    try:
        items = await gate_drift.flash_drifts(gates.flash, now=datetime.now(UTC))
    except GateAway as error:
        raise _Away from error
    return {f"SKU {each.sku_id}: the gate has {_off(each.pieces)}" for each in skus} | {
        f"item {each.item_id}: the gate has {_off(each.pieces)}" for each in items
    }


def _off(pieces: int) -> str:
    return f"{abs(pieces)} too {'many' if pieces > 0 else 'few'}"


async def _rebuild(
    gates: _Gates, names: Sequence[str] | None, item_ids: Sequence[UUID]
) -> list[str]:
    """Rebuild what is named; everything when `names` is None."""
    from services import flash_counts

    now = datetime.now(UTC)
    if names is None:
        told = [f"{await gates.stock.recount_all()} SKUs are counted anew."]
        items = await flash_counts.of_open_sales(now=now)
    else:
        sku_ids = await _skus(names)
        await gates.stock.recount(sku_ids)
        told = [f"SKU {sku_id} is counted anew." for sku_id in sku_ids]
        items = [await _item(item_id, now) for item_id in item_ids]
    _require_redis(gates)
    for item in items:
        done = await flash_counts.rebuild(item, gates.flash)
        how = "is counted anew" if done else "is being counted, or Redis is away: look again"
        told.append(f"item {item.config.item_id} {how}.")
    return told


def _require_redis(gates: _Gates) -> None:
    if gates.stock.is_bypassed:
        raise _Away


async def _skus(names: Sequence[str]) -> list[UUID]:
    from models import database

    rows = await database.fetch(
        "SELECT id, code FROM sku WHERE code = ANY($1) OR id::text = ANY($1)", list(names)
    )
    known = {str(row["id"]): row["id"] for row in rows} | {row["code"]: row["id"] for row in rows}
    if unknown := [name for name in names if name not in known]:
        typer.echo(f"mall: there is no SKU {', '.join(unknown)}", err=True)
        raise typer.Exit(_WRONG)
    return [known[name] for name in names]


async def _item(item_id: UUID, now: datetime) -> CountedItem:
    from services import flash_counts

    item = await flash_counts.of_item(item_id, now=now)
    if item is None:
        typer.echo(f"mall: no open flash sale has the item {item_id}", err=True)
        raise typer.Exit(_WRONG)
    return item
