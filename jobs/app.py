"""procrastinate: jobs as rows, enqueued inside the transaction that causes them.

`services/queue.py` enqueues on Tortoise's own connection; this app only runs what was enqueued.
"""

from __future__ import annotations

import math

import procrastinate

from settings import Settings


def job_app(settings: Settings) -> procrastinate.App:
    """Return the job app on its own psycopg pool."""
    connector = procrastinate.PsycopgConnector(
        conninfo=settings.postgres_url,
        min_size=1,
        max_size=settings.worker_concurrency + 2,
        # Also what a worker that is told to stop waits for a database that is away.
        timeout=settings.database_pool_timeout_seconds,
        kwargs={
            "application_name": "membermall-jobs",
            "connect_timeout": math.ceil(settings.database_connect_timeout_seconds),
        },
    )
    return procrastinate.App(connector=connector)
