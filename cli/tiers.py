"""`mall tiers`: what other rules would make of the members."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.environment import running_settings
from cli.panels import DATA

if TYPE_CHECKING:
    from rich.table import Table

    from domain.rules import Rules
    from domain.tier_simulation import Moves, Simulation
    from settings import Settings

_WRONG_RULES = 2
_STATEMENT_SECONDS = 300.0


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Tiers of the members.")
    group.command("simulate")(simulate)
    app.add_typer(group, name="tiers", rich_help_panel=DATA)


def simulate(
    *,
    rules: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A rules document (JSON); what it omits is as shipped.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tell how many members other rules would move where, and what benefits would cost a year.

    Nothing is written. Costs are estimates from the orders of the last 12 months, with every coupon
    used to the full; the gifts of those who rise at once are a cost of once.
    """
    from domain.rules import RulesInvalid, from_document

    try:
        others = from_document(json.loads(rules.read_text(encoding="utf-8")))
    except (RulesInvalid, ValueError) as error:
        for problem in getattr(error, "problems", [str(error)]):
            typer.echo(f"mall: {problem}", err=True)
        raise typer.Exit(_WRONG_RULES) from None
    with running_settings() as settings:
        simulation = asyncio.run(_simulate(settings, others))
    if as_json:
        typer.echo(json.dumps(_document(simulation), ensure_ascii=False, indent=2))
    else:
        _show(simulation)


async def _simulate(settings: Settings, others: Rules) -> Simulation:
    from models import database
    from services import tier_simulation

    await database.connect(
        settings.postgres_url,
        application_name="membermall-simulation",
        statement_timeout_seconds=_STATEMENT_SECONDS,
    )
    try:
        return await tier_simulation.simulate(others, now=datetime.now(UTC))
    finally:
        await database.close()


def _document(simulation: Simulation) -> dict[str, Any]:
    return {
        "moves": _listed(simulation.moves),
        "atReview": _listed(simulation.at_review),
        "costs": [
            {"benefit": code, "nowFen": cost.now_fen, "thenFen": cost.then_fen}
            for code, cost in simulation.costs.items()
        ],
    }


def _listed(moves: Moves) -> list[dict[str, Any]]:
    return [
        {"from": before, "to": after, "members": count}
        for (before, after), count in sorted(moves.items())
    ]


def _show(simulation: Simulation) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(_matrix("At once", simulation.moves))
    console.print(_matrix("At a review today, of those who don't rise", simulation.at_review))
    costs = Table("benefit", "now ¥", "then ¥", "more ¥", title="A year")
    for code, cost in simulation.costs.items():
        more = cost.then_fen - cost.now_fen
        costs.add_row(code, *(f"{fen / 100:,.2f}" for fen in (cost.now_fen, cost.then_fen, more)))
    console.print(costs)


def _matrix(title: str, moves: Moves) -> Table:
    from rich.table import Table

    table = Table("from", "to", "members", title=title)
    for (before, after), count in sorted(moves.items()):
        table.add_row(before, after, f"{count:,}")
    return table
