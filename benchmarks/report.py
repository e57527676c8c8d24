"""The table at the end, and the same as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.console import Console
from rich.table import Column, Table

from benchmarks.cases import CHECKOUTS_A_SECOND, OURS, SERVERS
from benchmarks.measure import Result

Statements = dict[tuple[str, str], dict[str, int]]
_WIDTH = 150
_SPEEDS = ("/s", "p50 ms", "p99 ms", "SQL", "ratio", "ratio by CPU", "target")
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
        Column("case", no_wrap=True),
        Column("connections", justify="right"),
        Column("side", no_wrap=True),
        *(Column(name, justify="right", no_wrap=True) for name in _SPEEDS),
        title="Medians. Ratio: a side's rate to the hand-written one's (lowest, highest of rounds)",
    )
    for result in results:
        for place, side in enumerate(result.segments):
            figures = (
                result.middle(side, lambda segment: segment.outcome.rate),
                result.middle(side, lambda segment: segment.outcome.p50_ms),
                result.middle(side, lambda segment: segment.outcome.p99_ms),
            )
            sql = sum(counted.get((result.case.name, side), {}).values())
            table.add_row(
                result.case.name if place == 0 else "",
                str(result.connections) if place == 0 else "",
                side,
                *(f"{figure:,.1f}" for figure in figures),
                str(sql) if sql else "",
                _ratio(result.ratios(side)),
                _ratio(result.cpu_ratios(side)),
                _target(result, side),
            )
        table.add_section()
    return table


def _target(result: Result, side: str) -> str:
    """Tell what was expected, and whether the median is that good."""
    least = result.case.targets.get(side)
    if least is not None:
        return _judged(median(result.ratios(side)), least, "")
    if result.case.name == "checkout" and side == OURS:
        rate = result.middle(side, lambda segment: segment.outcome.rate)
        return _judged(rate, CHECKOUTS_A_SECOND, "/s")
    return ""


def _judged(found: float, least: float, unit: str) -> str:
    return f"≥ {least:g}{unit} {'met' if found >= least else 'missed'}"


def _ratio(ratios: list[float]) -> str:
    if not ratios:
        return ""
    return f"{median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"


def _cpu(results: list[Result]) -> Table:
    table = Table(
        Column("case", no_wrap=True),
        Column("connections", justify="right"),
        Column("side", no_wrap=True),
        *(Column(name, justify="right") for name in ("server", *_PARTS, "generator", "others")),
        title="CPU of each part, milliseconds for one operation; cores that others kept busy",
    )
    for result in results:
        for place, side in enumerate(result.segments):
            server = SERVERS[side]
            table.add_row(
                result.case.name if place == 0 else "",
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
                "case": result.case.name,
                "connections": result.connections,
                "targets": dict(result.case.targets),
                "ratios": {side: result.ratios(side) for side in result.segments},
                "cpu_ratios": {side: result.cpu_ratios(side) for side in result.segments},
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
