"""Who has been seen today: what is given to whoever comes by is given at their first sight.

Each process remembers for itself. Another one asks PostgreSQL again, whose constraints decide.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from domain.clock import business_day, end_of_business_day
from domain.errors import Busy
from services import benefits

log = structlog.get_logger(__name__)

VISITOR_SECONDS = 60
"""After so long a visitor is looked at again: they may have joined."""

_TRYING = timedelta(seconds=5)
"""For so long nobody else looks, while it is looked or after that has failed."""


class Sightings:
    """Members and until when nothing new is due to them, as far as this process knows.

    Bounded: when so many are new they become old, and the old ones before them are forgotten.
    """

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._new: dict[UUID, datetime] = {}
        self._old: dict[UUID, datetime] = {}

    def __len__(self) -> int:
        """Return how many are remembered: twice the limit at most."""
        return len(self._new) + len(self._old)

    def knows(self, member_id: UUID, *, now: datetime) -> bool:
        """Tell whether the member needs no look now."""
        until = self._new.get(member_id) or self._old.get(member_id)
        return until is not None and now < until

    def note(self, member_id: UUID, *, until: datetime) -> None:
        """Remember a member for some time."""
        if len(self._new) >= self._limit and member_id not in self._new:
            self._old, self._new = self._new, {}
        self._new[member_id] = until


sightings = Sightings()


async def seen(member_id: UUID, *, now: datetime, anew: bool = False) -> None:
    """Give a member what is due at their first sight of the day; a failure is logged, not told.

    With `anew` they are looked at whoever has seen them before: something may be due since then.
    """
    if not anew and sightings.knows(member_id, now=now):
        return
    sightings.note(member_id, until=now + _TRYING)
    try:
        given = await benefits.give_due(member_id, now=now)
    except Busy:
        log.warning("benefits_wait", member_id=str(member_id))  # For the next look, in seconds.
        return
    except Exception:
        log.exception("benefits_not_given", member_id=str(member_id))
        return
    until = end_of_business_day(business_day(now))
    if not given.is_member:
        until = min(until, now + timedelta(seconds=VISITOR_SECONDS))
    sightings.note(member_id, until=until)
