"""Figures of GraphQL for Prometheus: how long operations take, and which way they are run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import REGISTRY, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from api.schema import member_engine
from executor.operation import Operation
from executor.outcome import Outcome

OTHER = "other"
operation_seconds = Histogram(
    "mall_graphql_operation_seconds",
    "Time that an operation ran; those that aren't trusted documents are counted as one.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class OperationTimes:
    """Hears of every run. Only trusted operations have a name here: clients make up others."""

    def __init__(self, trusted: Iterable[Operation]) -> None:
        self._observe = {
            operation: operation_seconds.labels(operation.name or OTHER).observe
            for operation in trusted
        }
        self._observe_other = operation_seconds.labels(OTHER).observe

    def __call__(self, operation: Operation, _outcome: Outcome, seconds: float) -> None:
        """Count and time one run."""
        self._observe.get(operation, self._observe_other)(seconds)


class _Runs(Collector):
    """Reads what the engine has counted when it is asked: a run pays nothing for it."""

    def describe(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(
            "mall_graphql_runs",
            "Runs of operations: compiled, interpreted by graphql-core, and compiled ones that "
            "failed and were left to graphql-core.",
            labels=["way"],
        )

    def collect(self) -> Iterator[CounterMetricFamily]:
        figures = member_engine().figures
        for family in self.describe():
            family.add_metric(["compiled"], figures.compiled)
            family.add_metric(["interpreted"], figures.interpreted)
            family.add_metric(["fallback"], figures.fallbacks)
            yield family


REGISTRY.register(_Runs())
