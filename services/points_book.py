"""What the mall owes its members in points: how many, until when, worth how much, and the proof.

For operators and their accountants. System accounts store no balance: a job rolls up their entries
once they are an hour old, and the rest is summed when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.ledger import SYSTEM_ACCOUNTS, AccountKind
from domain.money import worth_fen
from models import database
from models.ids import id_made_before
from services import locks, verification
from services import rules as rule_versions
from services.verification import Finding

ROLLED_UP_AFTER = timedelta(hours=1)
"""Longer than any transaction lasts: entries with older ids are all committed."""

_POINTS_KINDS = [kind for kind in SYSTEM_ACCOUNTS if kind is not AccountKind.GROWTH_ISSUED]


@dataclass(frozen=True, slots=True)
class ExpiryMonth:
    """Points that end in a month of Shanghai's calendar, named by its first day."""

    month: date
    points: int


@dataclass(frozen=True, slots=True)
class Liability:
    """What members hold at an instant, in points, and what it is worth.

    `outstanding` can be spent, `pending` not yet, `debt` members owe. `ended` has expired and is
    still to be written off: it is no liability. `booked` is what the system's accounts say that
    members hold, `ended` included.
    """

    at: datetime
    outstanding: int
    pending: int
    debt: int
    ended: int
    booked: int
    by_month: tuple[ExpiryMonth, ...]
    worth_fen: int

    @property
    def points(self) -> int:
        """Return the liability in points: what is out and on its way, less what is owed."""
        return self.outstanding + self.pending - self.debt

    @property
    def agrees(self) -> bool:
        """Tell whether members' accounts, their lots and the system's accounts say the same."""
        held = self.outstanding + self.ended + self.pending + self.debt
        lots = sum(each.points for each in self.by_month)
        return held == self.booked and lots == self.outstanding


async def liability(now: datetime) -> Liability:
    """Return what members hold and what it is worth by the rules in force, on one snapshot."""
    rules = (await rule_versions.in_force(now=now)).rules.points
    async with database.snapshot():
        months = await database.fetch(
            """
            SELECT date_trunc('month', expires_at AT TIME ZONE 'Asia/Shanghai')::date AS month,
                   sum(remaining)::bigint AS points
            FROM points_lot
            WHERE NOT is_pending AND remaining > 0 AND written_off_at IS NULL AND expires_at > $1
            GROUP BY 1 ORDER BY 1
            """,
            now,
        )
        rows = await database.fetch(
            "SELECT kind, sum(balance)::bigint AS points FROM ledger_account"
            " WHERE member_id IS NOT NULL AND unit = 'POINTS' GROUP BY kind"
        )
        system = await system_balances()
    held = {row["kind"]: row["points"] for row in rows}
    living = sum(row["points"] for row in months)
    pending, debt = held.get(AccountKind.PENDING, 0), held.get(AccountKind.DEBT, 0)
    return Liability(
        at=now,
        outstanding=living,
        pending=pending,
        debt=debt,
        ended=held.get(AccountKind.SPENDABLE, 0) - living,
        booked=-sum(system[kind] for kind in _POINTS_KINDS),
        by_month=tuple(ExpiryMonth(row["month"], row["points"]) for row in months),
        worth_fen=worth_fen(living + pending - debt, rules.points_per_yuan_off),
    )


async def proof() -> list[Finding]:
    """Run the checks of the book and of the lots; each finding tells what breaks its rule."""
    return await verification.verify(("ledger.", "points."))


async def system_balances() -> dict[AccountKind, int]:
    """Return the system accounts' balances: what was rolled up, and the entries since."""
    rows = await database.fetch(
        """
        WITH reached AS (
            SELECT account.id, account.kind, coalesce(rollup.total, 0) AS total,
                   coalesce(rollup.reached_id, '00000000-0000-0000-0000-000000000000') AS since
            FROM ledger_account AS account LEFT JOIN ledger_rollup AS rollup USING (id)
            WHERE account.member_id IS NULL
        ), later AS (
            SELECT entry.account_id, sum(entry.delta) AS total
            FROM ledger_entry AS entry JOIN reached ON reached.id = entry.account_id
            WHERE entry.seq IS NULL AND entry.id >= (SELECT since FROM reached ORDER BY 1 LIMIT 1)
              AND entry.id >= reached.since
            GROUP BY entry.account_id
        )
        SELECT reached.kind, (reached.total + coalesce(later.total, 0))::bigint AS balance
        FROM reached LEFT JOIN later ON later.account_id = reached.id
        """
    )
    return {AccountKind(row["kind"]): row["balance"] for row in rows}


async def roll_up(now: datetime, *, older_than: timedelta = ROLLED_UP_AFTER) -> int:
    """Add the system accounts' older entries to their totals; returns how many there were.

    How old they are goes by their ids, which no simulated day changes.
    """
    async with database.in_transaction():
        await locks.hold("ledger_rollup")
        await database.execute("SET LOCAL statement_timeout = 0")  # The first one reads them all.
        return int(await database.fetch_value(_ROLL_UP, id_made_before(older_than), now))


_ROLL_UP = """
WITH reached AS (
    SELECT account.id,
           coalesce(rollup.reached_id, '00000000-0000-0000-0000-000000000000') AS since
    FROM ledger_account AS account LEFT JOIN ledger_rollup AS rollup USING (id)
    WHERE account.member_id IS NULL
), more AS (
    SELECT entry.account_id, sum(entry.delta) AS total, count(*) AS entries
    FROM ledger_entry AS entry JOIN reached ON reached.id = entry.account_id
    WHERE entry.seq IS NULL AND entry.id < $1
      AND entry.id >= (SELECT since FROM reached ORDER BY 1 LIMIT 1) AND entry.id >= reached.since
    GROUP BY entry.account_id
), written AS (
    INSERT INTO ledger_rollup AS rollup (id, total, reached_id, rolled_at)
    SELECT reached.id, coalesce(more.total, 0), $1, $2
    FROM reached LEFT JOIN more ON more.account_id = reached.id
    ON CONFLICT (id) DO UPDATE
    SET total = rollup.total + excluded.total,
        reached_id = greatest(rollup.reached_id, excluded.reached_id), rolled_at = $2
)
SELECT coalesce(sum(entries), 0) FROM more
"""
