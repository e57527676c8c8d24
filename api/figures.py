"""Figures of GraphQL for Prometheus: how long operations take, which way they are run, and how many
answers come from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from weakref import WeakSet

from prometheus_client import REGISTRY
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from api.schema import member_engine
from api.timings import Timing, histogram
from executor.operation import Operation
from executor.outcome import Outcome
from executor.public_cache import PublicCache

OTHER = "other"
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Operations(Collector):
    """Times the runs of operations, by name."""

    def __init__(self) -> None:
        self._timings: dict[str, Timing] = {}

    def of(self, name: str) -> Timing:
        """Return where the runs of an operation are timed."""
        return self._timings.setdefault(name, Timing(BUCKETS_SECONDS))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Tell how long the runs took."""
        yield histogram(
            "mall_graphql_operation_seconds",
            "Time that an operation ran; those that aren't trusted documents are counted as one.",
            "operation",
            BUCKETS_SECONDS,
            {name: [timing] for name, timing in self._timings.items()},
        )


operations = Operations()


class OperationTimes:
    """Hears of every run. Only trusted operations have a name here: clients make up others."""

    def __init__(self, trusted: Iterable[Operation]) -> None:
        self._timings = {each: operations.of(each.name or OTHER) for each in trusted}
        self._others = operations.of(OTHER)

    def __call__(self, operation: Operation, _outcome: Outcome, seconds: float) -> None:
        """Count and time one run."""
        self._timings.get(operation, self._others).add(seconds)


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


class PublicCaches(Collector):
    """Reads the figures of the public caches of this process; usually there is one."""

    def __init__(self) -> None:
        self._caches: WeakSet[PublicCache] = WeakSet()

    def add(self, cache: PublicCache) -> None:
        """Tell this cache's figures, too, as long as it lives."""
        self._caches.add(cache)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Add up what the caches have counted; a hit pays nothing for it."""
        caches = list(self._caches)
        figures = [cache.statistics for cache in caches]
        requests = CounterMetricFamily(
            "mall_public_cache_requests",
            "Requests for answers that anybody may see: from memory (hit), made for another who"
            " asked at the same time (shared), or made anew (miss).",
            labels=["result"],
        )
        requests.add_metric(["hit"], sum(each.hits for each in figures))
        requests.add_metric(["shared"], sum(each.shared for each in figures))
        requests.add_metric(["miss"], sum(each.misses for each in figures))
        yield requests
        yield CounterMetricFamily(
            "mall_public_cache_stale",
            "Kept answers that had changed or grown too old when they were asked for.",
            value=sum(each.stale for each in figures),
        )
        yield CounterMetricFamily(
            "mall_public_cache_evicted",
            "Kept answers that were dropped to make room.",
            value=sum(each.evicted for each in figures),
        )
        yield GaugeMetricFamily(
            "mall_public_cache_bytes",
            "Memory that kept answers take, about.",
            value=sum(cache.bytes for cache in caches),
        )
        yield GaugeMetricFamily(
            "mall_public_cache_answers",
            "Answers that are kept.",
            value=sum(len(cache) for cache in caches),
        )


public_caches = PublicCaches()
REGISTRY.register(public_caches)
REGISTRY.register(_Runs())
REGISTRY.register(operations)
