"""Timings tell Prometheus what its own histograms and counters would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.registry import Collector

from api.observability import BUCKETS_SECONDS, Requests
from api.timings import Timing, histogram

Sample = tuple[str, tuple[tuple[str, str], ...]]
SOME = st.sampled_from([0.0, 0.25, 0.3125, 0.5, 1, 10, 10.5, 1e6])
"""On bounds and off them; their sums are the same in any order."""


def samples(*collectors: Collector | Counter | Histogram) -> dict[Sample, float]:
    """Return all values by name and labels, but for when they were begun."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for collector in collectors
        for family in collector.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_a_bound_belongs_to_its_bucket() -> None:
    timing = Timing((0.1, 0.5))
    for seconds in (0.05, 0.1, 0.2, 0.5, 0.6):
        timing.add(seconds)
    assert timing.counts == [2, 2, 1]
    assert timing.seconds == 0.05 + 0.1 + 0.2 + 0.5 + 0.6


def test_timings_of_a_label_are_added_up() -> None:
    one, other = Timing((1,)), Timing((1,))
    one.add(0.5)
    other.add(0.5)
    other.add(2)
    family = histogram("walks", "Walks.", "who", (1,), {"both": [one, other]})
    told = {
        (sample.name, *sorted(sample.labels.items())): sample.value for sample in family.samples
    }
    assert told == {
        ("walks_bucket", ("le", "1.0"), ("who", "both")): 2,
        ("walks_bucket", ("le", "+Inf"), ("who", "both")): 3,
        ("walks_count", ("who", "both")): 3,
        ("walks_sum", ("who", "both")): 3.0,
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["/graphql", "/codes", "/nowhere"]),
            st.sampled_from(["GET", "POST"]),
            st.sampled_from([200, 500]),
            SOME,
        )
    )
)
def test_requests_are_told_as_by_prometheus_client(
    asked: list[tuple[str, str, int, float]],
) -> None:
    registry = CollectorRegistry()
    total = Counter("mall_http_requests", "", ["path", "method", "status"], registry=registry)
    seconds = Histogram(
        "mall_http_request_seconds", "", ["path"], buckets=BUCKETS_SECONDS, registry=registry
    )
    requests = Requests()
    for path, method, status, took in asked:
        label = "other" if path == "/nowhere" else path
        total.labels(label, method, str(status)).inc()
        seconds.labels(label).observe(took)
        requests.add(path, method, status, took)
    assert samples(requests) == samples(total, seconds)


def test_paths_below_a_known_one_are_one_series() -> None:
    requests = Requests()
    for path in ("/media/1.png", "/media/2.png", "/media", "/.env", "/graphql"):
        requests.add(path, "GET", 200, 0.001)
    told = samples(requests)
    counts = {
        dict(labels)["path"]: value
        for (name, labels), value in told.items()
        if name == "mall_http_requests_total"
    }
    assert counts == {"/media": 3, "other": 1, "/graphql": 1}
