"""`mall import`: another system's data."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.environment import running_settings
from cli.panels import DATA

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Column

    from cli.complete_journey.loading import Comparison, Loaded
    from cli.complete_journey.reader import CompleteJourney
    from cli.complete_journey.records import Summary
    from services.personal_data import PersonalData
    from settings import Settings

_FAILED = 1
_STATEMENT_SECONDS = 120.0
"""A batch of products is indexed for search while it is written; slow disks are given time."""


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

    with running_settings() as settings:
        try:
            is_green = asyncio.run(_check(settings, data) if check else _load(settings, data))
        except DataSetMissing as problem:
            typer.echo(f"mall: {problem}", err=True)
            raise typer.Exit(_FAILED) from None
    if not is_green:
        raise typer.Exit(_FAILED)


async def _load(settings: "Settings", data: Path | None) -> bool:
    from cli.complete_journey.reader import open_complete_journey
    from models import database
    from wiring.ports import personal_data_of

    with open_complete_journey(data) as journey:
        await database.connect(
            settings.postgres_url,
            statement_timeout_seconds=_STATEMENT_SECONDS,
            application_name="membermall-import",
        )
        try:
            with _progress() as progress:
                loaded = await _load_all(journey, personal_data_of(settings), progress)
        finally:
            await database.close()
        _show_loaded(loaded, journey.summary())
    return True


async def _load_all(
    journey: "CompleteJourney", sealing: "PersonalData", progress: "Progress"
) -> "list[Loaded]":
    from cli.complete_journey import loading
    from services import importing

    now = datetime.now(UTC)
    summary = journey.summary()

    def bar(what: str, total: int | None = None) -> loading.Advance:
        task = progress.add_task(what, total=total)
        return lambda records: progress.update(task, advance=records)

    loaded = [
        await loading.load_categories(journey, bar("categories", len(journey.categories()))),
        await loading.load_products(journey, bar("products", summary.products), now=now),
        await loading.load_stores(journey, bar("stores", summary.stores)),
        await loading.load_members(journey, sealing, bar("members", summary.households), now=now),
    ]
    await importing.refresh_statistics()
    return loaded


async def _check(settings: "Settings", data: Path | None) -> bool:
    from cli.complete_journey.loading import compare
    from cli.complete_journey.reader import open_complete_journey
    from cli.complete_journey.source import data_folder
    from models import database

    with open_complete_journey(data) as journey:
        await database.connect(settings.postgres_url, application_name="membermall-import")
        try:
            comparisons = await compare(journey, data_folder(data))
        finally:
            await database.close()
    _show_comparisons(comparisons)
    return all(comparison.agrees for comparison in comparisons)


def _progress() -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )


def _show_loaded(loaded: "list[Loaded]", summary: "Summary") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("", *_right("in the source", "added now", "there before"), title="Imported")
    for one in loaded:
        counts = (one.in_source, one.added, one.there_before)
        table.add_row(one.kind, *(f"{count:,}" for count in counts))
    console.print(table)
    unsold = summary.products - summary.products_sold
    empty = summary.baskets - summary.baskets_with_lines
    purchases = Table("", *_right("count"), "what becomes of them", title="Read")
    rows: list[tuple[str, int, str]] = [
        ("products never bought", unsold, "off sale, at the median price of their kind"),
        ("baskets", summary.baskets, "what `mall replay` can buy again, but for"),
        ("baskets without a line left", empty, "left out"),
        ("baskets over 100 lines", summary.baskets_split, "split"),
        ("lines", summary.lines, "in the baskets, but for"),
        *((f"lines: {why}", count, "left out") for why, count in summary.left_out.items()),
    ]
    for what, count, fate in rows:
        purchases.add_row(what, f"{count:,}", fate)
    console.print(purchases)


def _show_comparisons(comparisons: "list[Comparison]") -> None:
    from rich.console import Console
    from rich.table import Table

    columns = _right("independent query", "found")
    table = Table("", *columns, "", title="Checked against the parquet files")
    for one in comparisons:
        sign = "=" if one.agrees else "DIFFERS"
        table.add_row(one.what, f"{one.expected:,}", f"{one.found:,}", sign)
    Console().print(table)


def _right(*titles: str) -> "list[Column]":
    """Return columns of numbers."""
    from rich.table import Column

    return [Column(title, justify="right") for title in titles]
