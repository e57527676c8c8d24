"""One thin handler for each job, and what a clock starts. Handlers take ids and may run twice."""

from __future__ import annotations

from datetime import UTC, datetime

import procrastinate

from jobs.schedule import CASES, Wakers
from services import idempotency

KEEP_FINISHED_JOBS_HOURS = 72


def register(app: procrastinate.App, wakers: Wakers) -> None:
    """Add every handler of this release to the job app."""

    @app.task(name="payment_case.opened")
    async def payment_case_opened(case_id: str) -> None:
        """Have the refund of a payment case begin now instead of at the sweep's next look."""
        del case_id  # The sweep finds it by its due time; the job only wakes it.
        wakers.wake(CASES)

    @app.periodic(cron="17 * * * *")
    @app.task(name="housekeeping", queueing_lock="housekeeping", pass_context=True)
    async def housekeeping(context: procrastinate.JobContext, timestamp: int) -> None:
        """Forget what need not be remembered: old idempotency keys, finished jobs."""
        del timestamp
        while await idempotency.forget_old(now=datetime.now(UTC)):
            pass
        assert context.app is not None
        await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_FINISHED_JOBS_HOURS)
