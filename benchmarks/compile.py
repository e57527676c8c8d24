"""`python -m benchmarks.compile [FILE ...]`: what a new operation costs before it runs, and keeps.

Times in microseconds, medians of several runs; memory in KiB, what one more kept operation takes.
Takes the operations of the benchmarks, or those of the files that are named.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from graphql import DocumentNode, parse, print_ast, separate_operations
from rich.console import Console
from rich.table import Column, Table

from api.schema import member_engine
from benchmarks.documents import DOCUMENTS
from benchmarks.machine import facts
from executor.documents import Document, Documents
from executor.guard import Guard
from executor.limits import Limits
from executor.operation import Operation
from executor.validation import validator

ROUNDS = 15
KEPT = 20
"""Copies of an operation by which its memory is told."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation costs: microseconds for each step, KiB, and its size."""

    tokens: int
    variants: int
    parse_us: float
    guard_us: float
    validate_us: float
    compile_us: float
    kib: float

    @property
    def in_all_us(self) -> float:
        """Return what a document that nobody sent before costs."""
        return self.parse_us + self.guard_us + self.validate_us + self.compile_us


class Workshop:
    """The steps of one schema, one by one."""

    def __init__(self) -> None:
        self.engine = member_engine()
        limits = Limits()
        self._documents = Documents(self.engine, limits)
        self._guard = Guard(self.engine.schema, limits)
        self._validate = validator(self.engine.schema, limits)

    def cost(self, text: str) -> Cost:
        """Measure an operation.

        Raises:
            ValueError: it is invalid, or asks too much.
        """
        document = self._documents.read(text)
        if document.errors:
            raise ValueError("; ".join(error.message for error in document.errors))
        ast = parse(text)
        return Cost(
            tokens=document.tokens,
            variants=len(document.operation().prepare()),
            parse_us=_median_us(lambda: parse(text)),
            guard_us=_median_us(lambda: self._guard.report(ast)),
            validate_us=_median_us(lambda: self._validate(ast)),
            compile_us=_median_us(lambda: self._compile(ast)),
            kib=self._kib(text),
        )

    def _compile(self, ast: DocumentNode) -> Operation:
        operation = self.engine.operation(ast)
        operation.prepare()
        return operation

    def _kib(self, text: str) -> float:
        """Return what an operation takes that is kept, its document and its code."""
        kept: list[tuple[Document, Operation]] = []
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(KEPT):
                document = self._documents.read(f"{text}\n# {number}")
                operation = document.operation()
                operation.prepare()
                kept.append((document, operation))
            gc.collect()
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return taken / KEPT / 1_024


def _median_us(step: Callable[[], T]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def read(files: list[Path]) -> dict[str, str]:
    """Return the operations of files by name, each with the fragments that it needs."""
    if not files:
        return dict(DOCUMENTS)
    whole = parse("\n".join(file.read_text() for file in files))
    return {name: print_ast(document) for name, document in separate_operations(whole).items()}


def main() -> None:
    """Measure, and print a row for each operation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="documents; each operation has a name")
    operations = read(parser.parse_args().files)
    workshop, costs = Workshop(), {}
    for name, text in operations.items():
        try:
            costs[name] = workshop.cost(text)
        except ValueError as error:
            print(f"{name} is left out: {error}")
    console = Console(width=110, highlight=False)
    console.print("   ".join(f"{name}: {value}" for name, value in facts().items()))
    console.print(_table(costs))


def _table(costs: dict[str, Cost]) -> Table:
    columns = ("tokens", "parse", "guard", "validate", "compile", "in all µs", "KiB kept")
    table = Table("operation", *(Column(name, justify="right") for name in columns))
    for name, cost in costs.items():
        note = "" if cost.variants else " (not compiled)"
        table.add_row(name + note, *_row(cost))
    table.add_section()
    table.add_row("median", *(_middle(list(costs.values()))))
    return table


def _row(cost: Cost) -> list[str]:
    steps = (cost.parse_us, cost.guard_us, cost.validate_us, cost.compile_us, cost.in_all_us)
    return [str(cost.tokens), *(f"{step:,.0f}" for step in steps), f"{cost.kib:,.0f}"]


def _middle(costs: list[Cost]) -> list[str]:
    rows = zip(*(map(_number, _row(cost)) for cost in costs), strict=True)
    return [f"{statistics.median(column):,.0f}" for column in rows]


def _number(text: str) -> float:
    return float(text.replace(",", ""))


if __name__ == "__main__":
    main()
