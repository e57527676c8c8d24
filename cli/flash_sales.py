"""`mall flash-sales`: draft one from a file, publish, pause, extend and call it off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from cli.connected import run_connected
from cli.panels import DATA

if TYPE_CHECKING:
    from gateways.redis.flash_gate import FlashGate
    from gateways.redis.gates import Gates
    from services.flash_admin import NewFlashSale
    from settings import Settings

T = TypeVar("T")
_REFUSED = 1
Sale = Annotated[UUID, typer.Argument(help="Its id, as `mall flash-sales list` says.")]
File = Annotated[Path, typer.Argument(exists=True, help="A sale, as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    sales = typer.Typer(no_args_is_help=True, help="Few pieces at a price, for a window.")
    sales.command("list")(list_sales)
    for command in (draft, publish, pause, resume, extend, cancel):
        sales.command(command.__name__)(command)
    app.add_typer(sales, name="flash-sales", rich_help_panel=DATA)


def list_sales() -> None:
    """Show the last sales with their pieces, wherever those are."""
    from rich.console import Console
    from rich.table import Table

    from services import flash_admin

    rows = run_connected("flash-sales", lambda _settings: flash_admin.sales())
    table = Table("sale", "name", "state", "from", "until", "pieces", "left", "held", "sold")
    for column in (0, 2):
        table.columns[column].no_wrap = True
    for row in rows:
        window = (f"{row[column]:%Y-%m-%d %H:%M}" for column in _TIMES)
        counts = (str(row[column]) for column in ("quantity", "available", "reserved", "sold"))
        table.add_row(str(row["id"]), row["name"], row["state"], *window, *counts)
    Console().print(table)


def draft(file: File) -> None:
    """Make a sale that nobody sees yet; prints its id."""
    from services import flash_admin

    try:
        wanted = _read(file.read_bytes())
    except (ValueError, KeyError, TypeError) as wrong:
        typer.echo(f"mall: {file.name}: {type(wrong).__name__}: {wrong}", err=True)
        raise typer.Exit(_REFUSED) from None
    typer.echo(str(_run(lambda _gates, _flash, now: flash_admin.draft(wanted, now=now))))


def publish(sale: Sale) -> None:
    """Set its pieces aside and have Redis know it; again, it only tells Redis once more."""
    from services import flash_admin

    _run(lambda gates, flash, now: flash_admin.publish(sale, gates, flash, now=now))


def pause(sale: Sale) -> None:
    """Have nobody claim for now; tickets that were given are honoured."""
    from services import flash_admin

    _run(lambda _gates, flash, now: flash_admin.pause(sale, flash, now=now))


def resume(sale: Sale) -> None:
    """Go on with a paused sale; it ends when it would have."""
    from services import flash_admin

    _run(lambda _gates, flash, now: flash_admin.resume(sale, flash, now=now))


def extend(
    sale: Sale,
    ends_at: Annotated[str, typer.Argument(help="Such as 2026-12-01T12:00:00+08:00.")],
) -> None:
    """Have a sale end later."""
    from services import flash_admin

    try:
        end = _instant(ends_at)
    except ValueError as wrong:
        typer.echo(f"mall: {wrong}", err=True)
        raise typer.Exit(_REFUSED) from None
    _run(lambda _gates, flash, now: flash_admin.extend(sale, end, flash, now=now))


def cancel(sale: Sale) -> None:
    """Call a sale off: nobody claims, what waits is rejected, and orders stand."""
    from services import flash_admin

    _run(lambda _gates, flash, now: flash_admin.cancel(sale, flash, now=now))


def _read(text: bytes) -> NewFlashSale:
    """Read a sale's file.

    Raises:
        ValueError, KeyError, TypeError: it isn't one.
    """
    import orjson

    from services.flash_admin import NewFlashSale, NewItem

    given: dict[str, Any] = orjson.loads(text)
    starts_at, ends_at = (_instant(given.pop(key)) for key in _TIMES)
    items = tuple(
        NewItem(**{**item, "sku_id": UUID(item["sku_id"])}) for item in given.pop("items")
    )
    return NewFlashSale(**given, starts_at=starts_at, ends_at=ends_at, items=items)


_TIMES = ("starts_at", "ends_at")


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("times are given with their offset")
    return instant


def _run(work: Callable[[Gates, FlashGate, datetime], Awaitable[T]]) -> T:
    """Run work on both gates; what is refused ends the command with its reason."""
    from domain.errors import DomainError, render

    async def with_gates(settings: Settings) -> T:
        async with _gates(settings) as (gates, flash):
            return await work(gates, flash, datetime.now(UTC))

    try:
        return run_connected("flash-sales", with_gates)
    except DomainError as refused:
        where = ".".join(refused.path)
        reason = render(refused.message, refused.facts)
        typer.echo(f"mall: {where}: {reason}" if where else f"mall: {reason}", err=True)
        raise typer.Exit(_REFUSED) from None


@asynccontextmanager
async def _gates(settings: Settings) -> AsyncIterator[tuple[Gates, FlashGate]]:
    from gateways.redis.gates import Gates
    from gateways.redis.stock_gate import StockGate
    from services.stock import available_of
    from wiring.flash import flash_gate_of
    from wiring.redis import redis_of

    redis = redis_of(settings)
    try:
        flash = flash_gate_of(settings, redis)
        yield Gates(StockGate(redis, available_of), flash), flash
    finally:
        await redis.aclose()
