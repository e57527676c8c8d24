"""What happened: every call in and out with its ids, in a ring of bounded size, and counters."""

import resource
import time
from collections import Counter, deque
from typing import Any


class Journal:
    """The last calls, oldest first. It holds ids and outcomes, never bodies, codes or tokens."""

    def __init__(self, size: int) -> None:
        self._ring: deque[dict[str, Any]] = deque(maxlen=size)
        self.last_seq = 0

    def add(
        self,
        *,
        at: float,
        direction: str,
        host: str,
        method: str,
        path: str,
        status: int | None,
        milliseconds: float,
        facts: dict[str, Any],
    ) -> None:
        """Note one call; direction is "in" for calls to WeChat, "out" for its notifications."""
        self.last_seq += 1
        self._ring.append(
            {
                "seq": self.last_seq,
                "at": round(at, 3),
                "direction": direction,
                "host": host,
                "method": method,
                "path": path,
                "status": status,
                "ms": round(milliseconds, 2),
                **facts,
            }
        )

    def since(self, seq: int, limit: int = 1_000) -> list[dict[str, Any]]:
        """The entries after `seq`, oldest first, at most `limit`."""
        if seq >= self.last_seq:
            return []
        skip = max(0, len(self._ring) - (self.last_seq - seq))
        return [self._ring[i] for i in range(skip, min(len(self._ring), skip + limit))]

    def clear(self) -> None:
        """Forget the entries; numbers go on, so that a reader's `since` stays valid."""
        self._ring.clear()


class Stats:
    """Counters since the start, and what the process has used."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._started = time.monotonic()

    def snapshot(self) -> dict[str, Any]:
        """CPU seconds, peak memory in MiB, wall seconds and the counters."""
        return {
            "cpu_seconds": round(time.process_time(), 3),
            "wall_seconds": round(time.monotonic() - self._started, 3),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "counts": dict(sorted(self.counts.items())),
        }
