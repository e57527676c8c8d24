"""`mall run-day`: the work of a day, by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.environment import running_settings
from cli.panels import DATA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

    from services.days import Step, StepResult
    from settings import Settings

_NOT_BEGUN = 1
_DATE = ["%Y-%m-%d"]
_LOCK_SECONDS = 120.0
"""How long to wait for a worker's batch, which comes first."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run-day", rich_help_panel=DATA)(run_day)


def run_day(
    day: Annotated[datetime, typer.Argument(formats=_DATE, help="A day in Shanghai.")],
    *,
    until: Annotated[
        datetime | None, typer.Option(formats=_DATE, help="The last day, all between included.")
    ] = None,
) -> None:
    """Do the work of a day: what became final, tiers, expiry, reminders, accounts that end.

    The worker does it by itself. Doing a day again finds nothing left, and a day that is still to
    come is refused.
    """
    from services.days import DayNotBegun

    first, last = day.date(), (until or day).date()
    with running_settings() as settings:
        try:
            asyncio.run(_run(settings, first, last))
        except DayNotBegun as refused:
            typer.echo(f"mall: {refused}", err=True)
            raise typer.Exit(_NOT_BEGUN) from None


async def _run(settings: Settings, first: date, last: date) -> None:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from models import database
    from services import days
    from wiring.pictures import open_pictures
    from wiring.ports import personal_data_of

    console = Console()
    await database.connect(
        settings.postgres_url,
        application_name="membermall-run-day",
        statement_timeout_seconds=_LOCK_SECONDS,
        lock_timeout_seconds=_LOCK_SECONDS,
    )
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed}"))
    try:
        quiet = not console.is_terminal
        async with open_pictures(settings) as pictures:
            steps = days.all_steps(personal_data_of(settings), pictures)
            with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
                for number in range((last - first).days + 1):
                    day = first + timedelta(days=number)
                    results = await _run_one(day, steps, progress)
                    console.print(f"{day}  {_told(results)}")
    finally:
        await database.close()


async def _run_one(day: date, steps: Sequence[Step], progress: Progress) -> list[StepResult]:
    from services import days

    task = progress.add_task(str(day), total=None)

    def show(step: str, pieces: int) -> None:
        progress.update(task, advance=pieces, description=f"{day} {step}")

    results = await days.run_day(day, now=datetime.now(UTC), steps=steps, progress=show)
    progress.remove_task(task)
    return results


def _told(results: list[StepResult]) -> str:
    done = [f"{result.step} {result.pieces}" for result in results if result.pieces]
    return ", ".join(done) or "nothing was due"
