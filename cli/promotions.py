"""`mall promotions`: what runs or is to come; publishing one from a file, ending one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from cli.connected import run_connected
from cli.panels import DATA

if TYPE_CHECKING:
    from domain.promotions import Scheduled

T = TypeVar("T")
_REFUSED = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    promotions = typer.Typer(no_args_is_help=True, help="Prices and reductions that run a while.")
    promotions.command("list")(list_promotions)
    promotions.command("publish")(publish)
    promotions.command("end")(end)
    app.add_typer(promotions, name="promotions", rich_help_panel=DATA)


def list_promotions() -> None:
    """Show the promotions that run or are to come."""
    from rich.console import Console
    from rich.table import Table

    from services import promotion_lists

    rows = _run(lambda: promotion_lists.not_over(now=datetime.now(UTC)))
    table = Table("promotion", "title", "kind", "from", "until", "tiers", "priority")
    for row in rows:
        window = (f"{row[column]:%Y-%m-%d %H:%M}" for column in ("starts_at", "ends_at"))
        tiers = " ".join(row["tier_codes"]) or "all"
        table.add_row(
            str(row["id"]), row["title"], row["kind"], *window, tiers, str(row["priority"])
        )
    Console().print(table)


def publish(
    file: Annotated[Path, typer.Argument(exists=True, help="A promotion, as JSON.")],
) -> None:
    """Publish a promotion; prints its id, and the others that it meets on the same goods.

    docs/how-to/run-a-promotion.md shows a file.
    """
    from domain.errors import InvalidInput
    from services import promotions

    try:
        wanted = _read(file.read_bytes())
        conflicts = _run(lambda: promotions.publish(wanted, now=datetime.now(UTC)))
    except InvalidInput as refused:
        typer.echo(f"mall: {file.name}: {refused.path[0]}: {refused.facts['problem']}", err=True)
        raise typer.Exit(_REFUSED) from None
    except (ValueError, KeyError, TypeError) as wrong:
        typer.echo(f"mall: {file.name}: {type(wrong).__name__}: {wrong}", err=True)
        raise typer.Exit(_REFUSED) from None
    typer.echo(str(wanted.promotion.id))
    for each in conflicts:
        until = f"{each.starts_at:%Y-%m-%d %H:%M} to {each.ends_at:%Y-%m-%d %H:%M}"
        typer.echo(
            f"It meets {each.title} ({each.promotion_id}) on {each.products} products, {until}."
        )


def end(
    promotion: Annotated[UUID, typer.Argument(help="Its id, as `mall promotions list` says.")],
) -> None:
    """End a promotion now; one that has not begun never will."""
    from domain.errors import NotFound
    from services import promotions

    try:
        _run(lambda: promotions.end(promotion, now=datetime.now(UTC)))
    except NotFound:
        typer.echo("mall: there is no such promotion.", err=True)
        raise typer.Exit(_REFUSED) from None


def _read(text: bytes) -> Scheduled:
    """Read a promotion's file.

    Raises:
        ValueError, KeyError, TypeError: it isn't one.
    """
    import orjson

    from domain.pricing import Scope, ScopeKind
    from domain.promotions import PromotionKind, Scheduled, promotion_from_json
    from models.ids import new_id

    given: dict[str, Any] = orjson.loads(text)
    scope = given.get("scope", {"kind": "ALL"})
    ids = frozenset(map(UUID, scope.get("ids", ())))
    terms = {"prices": {}, "pay_bps": None, **given["terms"]}
    starts_at, ends_at = (datetime.fromisoformat(given[key]) for key in ("starts_at", "ends_at"))
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        raise ValueError("times are given with their offset")
    return Scheduled(
        promotion=promotion_from_json(
            PromotionKind(given["kind"]),
            new_id(),
            given["title"],
            Scope(ScopeKind(scope["kind"]), ids),
            terms,
        ),
        starts_at=starts_at,
        ends_at=ends_at,
        tier_codes=frozenset(given.get("tiers", ())),
        priority=int(given.get("priority", 0)),
    )


def _run(work: Callable[[], Awaitable[T]]) -> T:
    return run_connected("promotions", lambda _settings: work())
