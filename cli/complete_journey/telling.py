"""The tables that `mall import complete-journey` ends with."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from cli.complete_journey.loading import Comparison, Loaded
from cli.complete_journey.purchases import Outcome
from cli.complete_journey.records import Summary
from cli.complete_journey.report import Month


def show_loaded(loaded: Sequence[Loaded], summary: Summary) -> None:
    """Tell what came in, and what becomes of the baskets."""
    console = Console()
    table = Table("", *_right("in the source", "added now", "there before"), title="Imported")
    for one in loaded:
        counts = (one.in_source, one.added, one.there_before)
        table.add_row(one.kind, *(f"{count:,}" for count in counts))
    console.print(table)
    unsold = summary.products - summary.products_sold
    empty = summary.baskets - summary.baskets_with_lines
    read = Table("", *_right("count"), "what becomes of them", title="Read")
    rows: list[tuple[str, int, str]] = [
        ("products never bought", unsold, "off sale, at the median price of their kind"),
        ("baskets", summary.baskets, "--purchases or `mall replay` take them up, but for"),
        ("baskets without a line left", empty, "left out"),
        ("baskets over 100 lines", summary.baskets_split, "split"),
        ("lines", summary.lines, "in the baskets, but for"),
        *((f"lines: {why}", count, "left out") for why, count in summary.left_out.items()),
    ]
    for what, count, fate in rows:
        read.add_row(what, f"{count:,}", fate)
    console.print(read)


def show_comparisons(comparisons: Sequence[Comparison]) -> None:
    """Tell each figure beside that of the independent query."""
    columns = _right("independent query", "found")
    table = Table("", *columns, "", title="Checked against the parquet files")
    for one in comparisons:
        sign = "=" if one.agrees else "DIFFERS"
        table.add_row(one.what, f"{one.expected:,}", f"{one.found:,}", sign)
    Console().print(table)


def show_outcome(outcome: Outcome) -> None:
    """Tell what a run recorded, and at what rate."""
    table = Table("", *_right("now"), title="Purchases")
    table.add_row("baskets", f"{outcome.baskets:,}")
    table.add_row("purchases", f"{outcome.purchases:,}")
    table.add_row("coupons used", f"{outcome.coupons_used:,}")
    table.add_row("seconds of recording", f"{outcome.recording_seconds:,.1f}")
    table.add_row("baskets a second", f"{outcome.baskets_a_second:,.0f}")
    table.add_row("days run", f"{outcome.days:,}")
    table.add_row("seconds of the days' jobs", f"{outcome.days_seconds:,.1f}")
    for step, pieces in outcome.pieces.items():
        table.add_row(f"days: {step}", f"{pieces:,}")
    Console().print(table)


def show_months(months: Sequence[Month]) -> None:
    """Tell members by tier, points and liability, month by month."""
    names = ("regular", "silver", "gold", "issued", "spent", "expired", "pending", "liability")
    # Narrow enough for 80 columns.
    table = Table("month", *_right(*names), title="The journey", box=None)
    for month in months:
        figures = (getattr(month, name) for name in names)
        table.add_row(f"{month.first_day:%Y-%m}", *(f"{figure:,}" for figure in figures))
    Console().print(table)


def _right(*titles: str) -> list[Column]:
    """Return columns of numbers."""
    return [Column(title, justify="right") for title in titles]
