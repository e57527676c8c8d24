"""`mall replay`: real baskets through the public API, as mini-programs would send them."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.environment import running_settings
from cli.panels import DATA

if TYPE_CHECKING:
    from rich.progress import Progress

    from cli.complete_journey.check import Takings
    from cli.complete_journey.replaying import Outcome, Replay
    from services.verification import Finding
    from settings import Settings

_FAILED = 1
_SHOWN_FAILURES = 20
_VERIFY_SECONDS = 300.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=DATA)(replay)


def replay(
    *,
    baskets: Annotated[int, typer.Option(min=1, help="How many, from the year's first on.")] = 500,
    concurrency: Annotated[int, typer.Option(min=1, max=200, help="Members at a time.")] = 16,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the parquet files; else the installed package.")
    ] = None,
    url: Annotated[str, typer.Option(help="The web server; else this machine's.")] = "",
    simulator: Annotated[str, typer.Option(help="The WeChat simulator; else this machine's.")] = "",
) -> None:
    """Send real baskets through the running mall: sign in, quote, place, pay, paid.

    Needs a running mall (`make run`) and `mall import complete-journey` before. Ends with a table:
    what came in beside what an independent query over the parquet files expects.
    """
    from cli.complete_journey.replaying import Addresses, CannotReplay, Replay
    from cli.complete_journey.source import DataSetMissing

    with running_settings() as settings:
        addresses = Addresses(
            web=url or settings.base_url, simulator=simulator or _simulator_url(settings)
        )
        wanted = Replay(addresses, baskets=baskets, concurrency=concurrency, data=data)
        try:
            is_green = asyncio.run(_run(settings, wanted))
        except (DataSetMissing, CannotReplay) as problem:
            typer.echo(f"mall: {problem}", err=True)
            raise typer.Exit(_FAILED) from None
    if not is_green:
        raise typer.Exit(_FAILED)


async def _run(settings: "Settings", wanted: "Replay") -> bool:
    """Replay, show the table, and tell whether everything agrees."""
    from cli.complete_journey import check, replaying
    from cli.complete_journey.source import data_folder
    from models import database
    from services.verification import verify

    folder = data_folder(wanted.data)
    baskets = replaying.read_baskets(wanted)
    households = sorted({basket.household_id for basket in baskets})
    await database.connect(settings.postgres_url, statement_timeout_seconds=_VERIFY_SECONDS)
    try:
        shelf = await replaying.read_shelf(baskets)
        async with replaying.open_run(wanted, shelf) as run:
            with _progress() as progress:
                task = progress.add_task("Members sign in", total=len(households))
                await run.sign_in(households, lambda: progress.advance(task))
                task = progress.add_task("Orders", total=len(baskets))
                await run.buy(baskets, lambda: progress.advance(task))
        findings = await verify()
    finally:
        await database.close()
    return _show(run.outcome, check.takings(folder, first=wanted.baskets), findings)


def _progress() -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )


def _show(outcome: "Outcome", expected: "Takings", findings: "list[Finding]") -> bool:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    numbers = [Column(title, justify="right") for title in ("replayed", "independent query")]
    table = Table("", *numbers, "", title="The Complete Journey, replayed")
    agrees = True
    for what, got, wanted in (
        ("baskets", len(outcome.baskets), expected.baskets),
        ("orders paid", outcome.orders, expected.orders),
        ("lines", outcome.lines, expected.lines),
        ("pieces", outcome.pieces, expected.pieces),
        ("fen in", outcome.fen, expected.fen),
    ):
        agrees &= got == wanted
        table.add_row(what, f"{got:,}", f"{wanted:,}", "=" if got == wanted else "DIFFERS")
    table.add_section()
    for what, text in _figures(outcome).items():
        table.add_row(what, text)
    broken = [finding for finding in findings if not finding.is_clean]
    table.add_row("mall verify", "green" if not broken else f"{len(broken)} rules broken")
    console.print(table)
    for failure in outcome.failures[:_SHOWN_FAILURES]:
        console.print(f"{failure.what}: {failure.why}", highlight=False, markup=False)
    for finding in broken:
        console.print(f"{finding.check.name}: {finding.count} rows break it", markup=False)
    return agrees and not outcome.failures and not broken


def _figures(outcome: "Outcome") -> dict[str, str]:
    times = sorted(outcome.order_seconds) or [0.0]
    middle, slow = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
    return {
        "members signed in": f"{outcome.members:,} in {outcome.sign_in_seconds:.1f} s",
        "merged with imported ones": f"{outcome.bound:,}",
        "time for the orders": f"{outcome.buying_seconds:.1f} s",
        "orders a second": f"{outcome.orders_a_second:.1f}",
        "one order, quote to paid": f"p50 {middle * 1000:.0f} ms, p99 {slow * 1000:.0f} ms",
        "failures": f"{len(outcome.failures):,}",
    }


def _simulator_url(settings: "Settings") -> str:
    return settings.simulator_url or f"http://127.0.0.1:{settings.port + 1}"
