"""`mall points liability`: what members hold in points, until when, and what it is worth."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.environment import running_settings
from cli.panels import DATA

if TYPE_CHECKING:
    from services.points_book import Liability
    from services.verification import Finding
    from settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    points = typer.Typer(no_args_is_help=True, help="The book of points.")
    points.command("liability")(liability)
    app.add_typer(points, name="points", rich_help_panel=DATA)


def liability(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Show what members hold, by the month it ends, its worth, and the proof that the books agree.

    Exits with 1 when they don't.
    """
    with running_settings() as settings:
        found, findings = asyncio.run(_read(settings))
    if as_json:
        _print_json(found, findings)
    else:
        _print_tables(found, findings)
    agrees = found.agrees and all(finding.is_clean for finding in findings)
    raise typer.Exit(0 if agrees else 1)


async def _read(settings: Settings) -> tuple[Liability, list[Finding]]:
    from datetime import UTC, datetime

    from models import database
    from services import points_book

    await database.connect(settings.postgres_url, application_name="membermall-points")
    try:
        return await points_book.liability(datetime.now(UTC)), await points_book.proof()
    finally:
        await database.close()


def _print_json(found: Liability, findings: list[Finding]) -> None:
    import orjson

    document: dict[str, Any] = {
        "at": found.at,
        "outstanding": found.outstanding,
        "pending": found.pending,
        "debt": found.debt,
        "points": found.points,
        "worthFen": found.worth_fen,
        "endedNotWrittenOff": found.ended,
        "byMonth": [{"month": f"{m.month:%Y-%m}", "points": m.points} for m in found.by_month],
        "bookedBySystemAccounts": found.booked,
        "agrees": found.agrees,
        "broken": {each.check.name: each.count for each in findings if not each.is_clean},
    }
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def _print_tables(found: Liability, findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    sums = Table("points", "how many", title=f"Liability at {found.at:%Y-%m-%d %H:%M} UTC")
    for name, count in (
        ("can be spent", found.outstanding),
        ("pending", found.pending),
        ("owed by members", -found.debt),
        ("liability", found.points),
    ):
        sums.add_row(name, f"{count:,}")
    sums.add_row("worth", f"¥{found.worth_fen // 100:,}.{found.worth_fen % 100:02d}")
    sums.add_row("ended, to be written off", f"{found.ended:,}")
    months = Table("ends in", "points", title="By month of expiry (Shanghai)")
    for each in found.by_month:
        months.add_row(f"{each.month:%Y-%m}", f"{each.points:,}")
    proof = Table("check", "rule", "result", title="Proof")
    for name, rule, holds in (
        ("book", "members' accounts, lots and system accounts agree", found.agrees),
        *((each.check.name, each.check.rule, each.is_clean) for each in findings),
    ):
        proof.add_row(name, rule, "[green]holds[/]" if holds else "[red]broken[/]")
    console = Console()
    for table in (sums, months, proof):
        console.print(table)
