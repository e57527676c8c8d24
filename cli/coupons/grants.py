"""Starting a grant from members' numbers, and giving the coupons if asked to."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from cli.coupons.bar import bar_of
from services import campaign_admin, coupon_grants


async def start_grant(campaign_id: UUID, numbers: list[str], name: str, *, wait: bool) -> str:
    """Start a grant; returns what to tell. With `wait` the coupons are given here.

    Raises:
        NotFound: there is no such campaign that gives coupons to lists.
    """
    ids = await campaign_admin.members_by_number(numbers)
    grant_id = await coupon_grants.start(campaign_id, ids, name=name, now=datetime.now(UTC))
    told = [f"Grant {grant_id}: {len(ids):,} members of {len(numbers):,} numbers."]
    if wait:
        told += await _give(grant_id)
    return "\n".join(told)


async def _give(grant_id: UUID) -> list[str]:
    with bar_of() as bar:
        found = await coupon_grants.progress(grant_id)
        task = bar.add_task("coupons", total=found.total)
        # A worker may take batches, too: it is finished when all are decided.
        while found.done < found.total:
            if not await coupon_grants.run_due(now=datetime.now(UTC)):
                break
            found = await coupon_grants.progress(grant_id)
            bar.update(task, completed=found.done)
    refused = [f"  {reason}: {number:,}" for reason, number in sorted(found.refused.items())]
    given = found.done - sum(found.refused.values())
    left = found.total - found.done
    return [f"{given:,} coupons given, {left:,} members left for a worker.", *refused]
