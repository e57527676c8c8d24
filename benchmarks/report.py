"""The table at the end, and the same as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.console import Console
from rich.table import Column, Table

from benchmarks.measure import SERVERS, Result

Statements = dict[tuple[str, str], dict[str, int]]
_WIDTH = 120
_SPEEDS = ("/s", "p50 ms", "p99 ms", "SQL", "ratio", "ratio by CPU")
_PARTS = ("worker", "postgres", "valkey", "simulator")


def show(facts: dict[str, str], results: list[Result], counted: Statements) -> None:
    """Print the figures: rates and times, then the CPU behind them."""
    console = Console(width=_WIDTH, highlight=False)
    console.print("\n" + "   ".join(f"{name}: {value}" for name, value in facts.items()))
    console.print(_speeds(results, counted))
    console.print(_cpu(results))
    console.print(_statements(counted))


def _speeds(results: list[Result], counted: Statements) -> Table:
    table = Table(
        "case",
        Column("connections", justify="right"),
        "side",
        *(Column(name, justify="right") for name in _SPEEDS),
        title="Medians. Ratio: our rate to the hand-written one's (lowest, highest of the rounds)",
    )
    for result in results:
        for place, side in enumerate(result.segments):
            figures = (
                result.middle(side, lambda segment: segment.outcome.rate),
                result.middle(side, lambda segment: segment.outcome.p50_ms),
                result.middle(side, lambda segment: segment.outcome.p99_ms),
            )
            sql = sum(counted.get((result.case, side), {}).values())
            table.add_row(
                result.case if place == 0 else "",
                str(result.connections) if place == 0 else "",
                side,
                *(f"{figure:,.1f}" for figure in figures),
                str(sql) if sql else "",
                _ratio(result.ratios()) if place == 0 else "",
                _ratio(result.cpu_ratios()) if place == 0 else "",
            )
        table.add_section()
    return table


def _ratio(ratios: list[float]) -> str:
    if not ratios:
        return ""
    return f"{median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"


def _cpu(results: list[Result]) -> Table:
    table = Table(
        "case",
        Column("connections", justify="right"),
        "side",
        *(Column(name, justify="right") for name in ("server", *_PARTS, "generator", "others")),
        title="CPU of each part, milliseconds for one operation; cores that others kept busy",
    )
    for result in results:
        for place, side in enumerate(result.segments):
            server = SERVERS[side]
            table.add_row(
                result.case if place == 0 else "",
                str(result.connections) if place == 0 else "",
                side,
                *(f"{_part(result, side, part):.2f}" for part in (server, *_PARTS)),
                f"{_generator(result, side):.2f}",
                f"{result.middle(side, lambda segment: segment.cores_elsewhere):.2f}",
            )
        table.add_section()
    return table


def _part(result: Result, side: str, part: str) -> float:
    return result.middle(side, lambda segment: segment.cpu_ms(part))


def _generator(result: Result, side: str) -> float:
    return result.middle(
        side, lambda segment: 1_000 * segment.outcome.cpu_seconds / segment.outcome.operations
    )


def _statements(counted: Statements) -> Table:
    table = Table(
        "operation",
        "side",
        Column("statements", justify="right"),
        "of which",
        title="SQL statements of one operation, without BEGIN and COMMIT",
    )
    for (case, side), parts in counted.items():
        split = ", ".join(f"{part} {count}" for part, count in parts.items())
        table.add_row(case, side, str(sum(parts.values())), split if len(parts) > 1 else "")
    return table


def write(file: Path, facts: dict[str, str], results: list[Result], counted: Statements) -> None:
    """Write everything that was measured, round by round."""
    told: dict[str, Any] = {
        "machine": facts,
        "results": [
            {
                "case": result.case,
                "connections": result.connections,
                "ratios": result.ratios(),
                "cpu_ratios": result.cpu_ratios(),
                "sides": {
                    side: [
                        {**asdict(each.outcome), "rate": each.outcome.rate, "cpu": dict(each.cpu)}
                        for each in segments
                    ]
                    for side, segments in result.segments.items()
                },
            }
            for result in results
        ],
        "statements": [
            {"operation": case, "side": side, "by_part": parts}
            for (case, side), parts in counted.items()
        ],
    }
    file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
