"""How long things took, counted in buckets: for figures that every request adds to.

A histogram of prometheus_client takes two locks and six calls for each. These are added to by one
thread, the loop's, and turned into families when Prometheus asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily


class Timing:
    """How many took how long: `counts` for each upper bound in seconds, and for what took longer.

    `seconds` is the sum of all.
    """

    __slots__ = ("_bounds", "counts", "seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.seconds += seconds


def histogram(
    name: str,
    documentation: str,
    label: str,
    bounds: Sequence[float],
    timings: Mapping[str, Iterable[Timing]],
) -> HistogramMetricFamily:
    """Return the family of some timings with these bounds, added up for each value of a label."""
    family = HistogramMetricFamily(name, documentation, labels=[label])
    limits = [*(str(float(bound)) for bound in bounds), "+Inf"]
    for value, some in timings.items():
        parts = list(some)
        counts = [sum(column) for column in zip(*(each.counts for each in parts), strict=True)]
        family.add_metric(
            [value],
            buckets=list(zip(limits, accumulate(counts), strict=True)),
            sum_value=sum(each.seconds for each in parts),
        )
    return family
