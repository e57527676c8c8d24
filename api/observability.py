"""Request ids, structured logs without personal data, and figures for Prometheus."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Iterator

import structlog
from prometheus_client import REGISTRY, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.timings import Timing, histogram
from models.ids import new_hex_id

REQUEST_ID = re.compile(rb"[0-9A-Za-z_\-]{8,64}")
"""What a caller in front of us may send as x-request-id; anything else is replaced."""

KNOWN_PATHS = (
    "/graphql",
    "/healthz",
    "/readyz",
    "/metrics",
    "/uploads",
    "/media",
    "/codes",
    "/wechat",
)
_KNOWN = frozenset(KNOWN_PATHS)

BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Requests(Collector):
    """Counts and times the requests that were answered, by path, method and status."""

    def __init__(self) -> None:
        self._timings: dict[tuple[str, str, int], Timing] = {}

    def add(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count and time one."""
        name = (_path_label(path), method, status)
        timing = self._timings.get(name)
        if timing is None:
            timing = self._timings[name] = Timing(BUCKETS_SECONDS)
        timing.add(seconds)

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """Tell how many there were, and how long those of a path took."""
        requests = CounterMetricFamily(
            "mall_http_requests", "HTTP requests answered.", labels=["path", "method", "status"]
        )
        by_path: dict[str, list[Timing]] = {}
        for (path, method, status), timing in self._timings.items():
            requests.add_metric([path, method, str(status)], sum(timing.counts))
            by_path.setdefault(path, []).append(timing)
        yield requests
        yield histogram(
            "mall_http_request_seconds",
            "Time from a request's head to the end of its answer.",
            "path",
            BUCKETS_SECONDS,
            by_path,
        )


requests = Requests()
REGISTRY.register(requests)

running_tasks = Gauge("mall_tasks", "Tasks of the event loop, those that wait included.")

log = structlog.get_logger(__name__)


def _tasks_of_the_loop() -> int:
    """Count the tasks of the loop that asks; outside of one there is none."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


running_tasks.set_function(_tasks_of_the_loop)


class Observed:
    """Plain ASGI: gives every request an id, counts and times it, and logs what failed.

    A socket gets an id, too; it is neither counted nor timed here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its id is in scope["request_id"] and in the answer's head."""
        if scope["type"] != "http":
            await self._pass_on(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        def answer(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                identified = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), identified]
            return send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception:
            log.exception("request_failed", path=scope["path"])
            raise
        finally:
            seconds = time.perf_counter() - started
            requests.add(scope["path"], scope["method"], status, seconds)
            structlog.contextvars.clear_contextvars()

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a socket on, with an id for the logs; its operations get ids of their own."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        scope["request_id"] = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
        try:
            await self.app(scope, receive, send)
        except OSError:
            raise  # The client has gone: the server expects to hear so.
        except Exception:
            log.exception("socket_failed", path=scope["path"])
            raise
        finally:
            structlog.contextvars.clear_contextvars()


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return new_hex_id()


def _path_label(path: str) -> str:
    """Return one of a few labels: paths with ids would make a series each."""
    if path in _KNOWN:
        return path
    return next((known for known in KNOWN_PATHS if path.startswith(known)), "other")
