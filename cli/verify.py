"""`mall verify`: prove that points, stock, orders and money add up."""

from __future__ import annotations

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from cli.environment import running_settings
from cli.panels import DATA
from settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=DATA)(verify)


def verify() -> None:
    """Prove that points, stock, orders and money add up; exits with 1 when something doesn't."""
    with running_settings() as settings:
        broken = asyncio.run(_verify(settings))
    raise typer.Exit(1 if broken else 0)


async def _verify(settings: Settings) -> int:
    from models import database
    from services.verification import verify as run

    await database.connect(settings.postgres_url, application_name="membermall-verify")
    try:
        findings = await run()
    finally:
        await database.close()
    table = Table("check", "rule", "result", title="mall verify")
    for finding in findings:
        result = "[green]holds[/]" if finding.is_clean else f"[red]{finding.count} broken[/]"
        table.add_row(finding.check.name, finding.check.rule, result)
    console = Console()
    console.print(table)
    for finding in findings:
        for row in finding.rows:
            console.print(f"[red]{finding.check.name}[/]", row)
    broken = sum(not finding.is_clean for finding in findings)
    console.print("All rules hold." if not broken else f"{broken} rules are broken.")
    return broken
