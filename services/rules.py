"""Which rule version holds now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.rules import Rules, from_document, to_document
from models import database
from models.ids import new_id

_CACHED_FOR = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """A rules document and the version it is."""

    version_id: UUID
    rules: Rules


@dataclass(frozen=True, slots=True)
class _Cached:
    """What was read, when, and the times between which it holds."""

    read_at: datetime
    since: datetime
    until: datetime | None
    found: RulesInForce

    def holds(self, now: datetime) -> bool:
        """Tell whether it may be answered with: a version begins and ends to the instant."""
        return (
            abs(now - self.read_at) < _CACHED_FOR
            and self.since <= now
            and (self.until is None or now < self.until)
        )


_cached: _Cached | None = None
_forgotten = 0
"""How often the cache was emptied: what was read before that is not put into it."""


async def in_force(*, now: datetime) -> RulesInForce:
    """Return the version in force at an instant; which there are is known for at most five seconds.

    On an empty database the shipped document becomes version 1.
    """
    global _cached  # noqa: PLW0603 (one small cache per process)
    if _cached is not None and _cached.holds(now):
        return _cached.found
    forgotten = _forgotten
    row = await database.fetch_one(
        """
        SELECT id, document, effective_at,
               (SELECT min(effective_at) FROM rule_version WHERE effective_at > $1) AS until
        FROM rule_version
        WHERE effective_at <= $1 ORDER BY effective_at DESC, number DESC LIMIT 1
        """,
        now,
    )
    if row is None:
        return RulesInForce(await _publish_shipped(now), Rules())
    found = RulesInForce(row["id"], from_document(row["document"]))
    if forgotten == _forgotten:
        _cached = _Cached(now, row["effective_at"], row["until"], found)
    return found


def forget_cached() -> None:
    """Read the version afresh next time: after publishing one, and between tests."""
    global _cached, _forgotten  # noqa: PLW0603
    _cached = None
    _forgotten += 1


async def publish(rules: Rules, *, effective_at: datetime, now: datetime) -> UUID:
    """Add the next version, in force from the given time on.

    Raises:
        RulesInvalid: what could not be read back is not stored; with everything that is wrong.
    """
    document = to_document(rules)
    from_document(document)
    version_id = new_id()
    await database.execute(
        """
        INSERT INTO rule_version (id, number, document, effective_at, created_at)
        SELECT $1, coalesce(max(number), 0) + 1, $2::jsonb, $3, $4 FROM rule_version
        """,
        version_id,
        database.to_json(document),
        effective_at,
        now,
    )
    forget_cached()
    return version_id


async def _publish_shipped(now: datetime) -> UUID:
    await database.execute(
        """
        INSERT INTO rule_version (id, number, document, effective_at, created_at)
        VALUES ($1, 1, $2::jsonb, '2000-01-01', $3) ON CONFLICT (number) DO NOTHING
        """,
        new_id(),
        database.to_json(to_document(Rules())),
        now,
    )
    version_id: UUID = await database.fetch_value("SELECT id FROM rule_version WHERE number = 1")
    return version_id
