"""procrastinate: jobs as rows, enqueued inside the transaction that causes them.

`services/queue.py` enqueues on Tortoise's own connection; this app only runs what was enqueued.
"""

from __future__ import annotations

import procrastinate

from settings import Settings


def job_app(settings: Settings) -> procrastinate.App:
    """Return the job app on its own psycopg pool."""
    connector = procrastinate.PsycopgConnector(
        conninfo=settings.postgres_url,
        min_size=1,
        max_size=settings.worker_concurrency + 2,
        kwargs={"application_name": "membermall-jobs"},
    )
    return procrastinate.App(connector=connector)
