"""Jobs enqueued inside the business transaction: a rollback takes them back, a commit runs them.

procrastinate's own SQL function is called on our connection. Its name carries a version: the
package is pinned, and a test calls this against the real schema.
"""

from __future__ import annotations

from datetime import datetime

from models import database

QUEUE = "default"


async def enqueue(task: str, *, at: datetime | None = None, **arguments: str | int) -> int:
    """Enqueue a task with ids as arguments, to run at least once; returns the job's number."""
    job_id: int = await database.fetch_value(
        """
        SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[
            ROW($1, $2, 0, NULL, NULL, $3::jsonb, $4)::procrastinate_job_to_defer_v1
        ]))
        """,
        QUEUE,
        task,
        database.to_json(arguments),
        at,
    )
    return job_id
