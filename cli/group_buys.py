"""`mall group-buys`: what is not closed; publishing one from a file, extending, calling off."""

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
    from gateways.redis.stock_gate import StockGate
    from services.group_admin import NewGroupBuy
    from settings import Settings

T = TypeVar("T")
_REFUSED = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group_buys = typer.Typer(no_args_is_help=True, help="Prices for teams that come together.")
    group_buys.command("list")(list_group_buys)
    group_buys.command("publish")(publish)
    group_buys.command("extend")(extend)
    group_buys.command("cancel")(cancel)
    app.add_typer(group_buys, name="group-buys", rich_help_panel=DATA)


def list_group_buys() -> None:
    """Show the group buys that are not closed, with their teams."""
    from rich.console import Console
    from rich.table import Table

    from services import group_admin

    rows = _run(group_admin.not_closed)
    columns = ("group buy", "name", "state", "from", "until", "size", "forming", "done", "failed")
    table = Table(*columns)
    for row in rows:
        window = (f"{row[column]:%Y-%m-%d %H:%M}" for column in ("starts_at", "ends_at"))
        figures = (str(row[column]) for column in ("team_size", "forming", "succeeded", "failed"))
        table.add_row(str(row["id"]), row["name"], row["state"], *window, *figures)
    Console().print(table)


def publish(
    file: Annotated[Path, typer.Argument(exists=True, help="A group buy, as JSON.")],
) -> None:
    """Publish a group buy, and set aside what it names; prints its id.

    docs/how-to/run-a-group-buy.md shows a file.
    """
    from services import group_admin

    try:
        wanted = _read(file.read_bytes())
    except (ValueError, KeyError, TypeError) as wrong:
        typer.echo(f"mall: {file.name}: {type(wrong).__name__}: {wrong}", err=True)
        raise typer.Exit(_REFUSED) from None
    now = datetime.now(UTC)
    typer.echo(
        str(_refusing(lambda: _run_gated(lambda gate: group_admin.publish(wanted, gate, now=now))))
    )


def extend(
    group_buy: Annotated[UUID, typer.Argument(help="Its id, as `mall group-buys list` says.")],
    until: Annotated[str, typer.Argument(help="Its new end, with its offset.")],
) -> None:
    """Have a group buy end later; teams that were opened keep their deadlines."""
    from services import group_admin

    try:
        ends_at = _time(until)
    except ValueError as wrong:
        typer.echo(f"mall: {wrong}", err=True)
        raise typer.Exit(_REFUSED) from None
    _refusing(lambda: _run(lambda: group_admin.extend(group_buy, ends_at)))


def cancel(
    group_buy: Annotated[UUID, typer.Argument(help="Its id, as `mall group-buys list` says.")],
) -> None:
    """Call a group buy off: nobody opens or joins a team any more; teams go on to their deadline.

    A worker closes it after its last team.
    """
    from services import group_admin

    _refusing(lambda: _run(lambda: group_admin.cancel(group_buy, now=datetime.now(UTC))))


def _refusing(work: Callable[[], T]) -> T:
    """Return what the work returns; say why, and exit with 1, when it is refused."""
    from domain.errors import InvalidInput, NotFound

    try:
        return work()
    except NotFound as refused:
        typer.echo(f"mall: there is no such {refused.facts['thing']}.", err=True)
    except InvalidInput as refused:
        typer.echo(f"mall: {refused.path[0]}: {refused.facts['problem']}", err=True)
    raise typer.Exit(_REFUSED)


def _read(text: bytes) -> NewGroupBuy:
    """Read a group buy's file.

    Raises:
        ValueError, KeyError, TypeError: it isn't one.
    """
    import orjson

    from services.group_admin import NewGroupBuy, NewItem

    given: dict[str, Any] = orjson.loads(text)
    items = tuple(
        NewItem(
            sku_id=UUID(item["sku_id"]),
            price_fen=int(item["price_fen"]),
            set_aside=item.get("set_aside"),
        )
        for item in given["items"]
    )
    return NewGroupBuy(
        product_id=UUID(given["product_id"]),
        name=given["name"],
        name_en=given.get("name_en", ""),
        starts_at=_time(given["starts_at"]),
        ends_at=_time(given["ends_at"]),
        team_size=int(given["team_size"]),
        team_hours=int(given["team_hours"]),
        per_member_limit=int(given["per_member_limit"]),
        new_members_only=bool(given.get("new_members_only", False)),
        items=items,
    )


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("times are given with their offset")
    return at


def _run(work: Callable[[], Awaitable[T]]) -> T:
    return run_connected("group-buys", lambda _settings: work())


def _run_gated(work: Callable[[StockGate], Awaitable[T]]) -> T:
    async def with_gate(settings: Settings) -> T:
        async with _gate(settings) as gate:
            return await work(gate)

    return run_connected("group-buys", with_gate)


@asynccontextmanager
async def _gate(settings: Settings) -> AsyncIterator[StockGate]:
    """Yield a gate to tell of pieces that were set aside; without Redis nobody has to be told."""
    from gateways.redis.stock_gate import StockGate
    from services.stock import available_of
    from wiring.redis import redis_of

    redis = redis_of(settings)
    try:
        yield StockGate(redis, available_of)
    finally:
        await redis.aclose()
