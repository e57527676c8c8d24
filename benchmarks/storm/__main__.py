"""`python -m benchmarks.storm orders`: thousands of members at once, while things break.

It brings its own servers, lets members want more than there is, breaks what it was asked to break
at moments drawn from the seed, looks at the books every 200 ms, and judges the history of all
requests against the database in the end. A violation ends it with 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import facts
from benchmarks.storm.faults import Kind, plan
from benchmarks.storm.rounds import ROUNDS, Report, Size, storm_machine

_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; returns the exit status."""
    given = _parser().parse_args(arguments)
    print("   ".join(f"{name}: {value}" for name, value in facts().items()))
    return 1 if asyncio.run(_run(given)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("storm", choices=sorted(ROUNDS))
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--wishes", type=int, default=3_000, help="requests, retries not counted")
    parser.add_argument("--pieces", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0, help="in which all wishes are said")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default="", help=f"of {', '.join(Kind)}")
    parser.add_argument(
        "--matrix",
        action="store_true",
        help="a round without faults, one for each of them, and one with three at once",
    )
    parser.add_argument("--history", type=Path, help="a file for all requests, as JSON lines")
    parser.add_argument("--logs", type=Path, help="a folder that keeps the processes' logs")
    return parser


async def _run(given: argparse.Namespace) -> int:
    """Run the rounds on one machine; returns how many violations there were."""
    size = Size(given.members, given.wishes, given.pieces, given.seconds, given.connections)
    kinds = [Kind(each) for each in given.faults.split(",") if each]
    found = 0
    async with storm_machine(given.storm, given.seed) as machine:
        breakable = list(machine.breaks())
        for together in _matrix(breakable, given.seed) if given.matrix else [kinds]:
            faults = plan(given.seed, together, storm_seconds=given.seconds)
            report = await ROUNDS[given.storm](machine, size, seed=given.seed, faults=faults)
            _tell(report)
            found += len(report.violations)
            if given.history:
                report.history.write(given.history)
        if given.logs:
            home = machine.settings.home
            shutil.copytree(home, given.logs, ignore=_but_logs, dirs_exist_ok=True)
    return found


def _matrix(kinds: Sequence[Kind], seed: int) -> list[list[Kind]]:
    drawn = random.Random(seed).sample(kinds, 3)
    return [[], *([kind] for kind in kinds), drawn]


def _but_logs(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not name.endswith(".log")}


def _tell(report: Report) -> None:
    for fault in report.faults:
        print(f"{fault.kind} after {fault.at_seconds} s, for {fault.for_seconds} s")
    print(json.dumps(report.counts, indent=2))
    print(json.dumps(report.figures, indent=2))
    for operation in report.counts:
        within = " and ".join(
            f"{percent} % within {report.history.milliseconds(operation, percent)} ms"
            for percent in (50, 99)
        )
        print(f"{operation}: {within}")
    watch = report.watch
    print(f"{len(report.history.entries):,} requests in {report.seconds:.1f} s;", end=" ")
    print(f"{watch.looks} looks at the books, {watch.missed} found no PostgreSQL")
    for told in report.violations[:_SHOWN]:
        print(f"VIOLATION {told}")
    print(f"{len(report.violations)} violations.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
