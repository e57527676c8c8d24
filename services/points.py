"""Members' points: granted, spent, given back, taken back, released and written off.

The book says how many, the lots say until when (docs/rules.md, section 1). Every function here
locks the member's wallet before it looks at lots, is part of the open transaction or makes its own,
and does nothing when its source has been booked before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.clock import business_day, months_expiry
from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    Source,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from domain.members import MemberStatus
from domain.points import Return, capped, claw, give_back_plan, take
from models import database
from models.ids import new_id
from services import ledger, points_expiry, points_lots
from services import rules as rule_versions
from services.ledger import BookEntry, InsufficientBalance
from services.points_lots import EarnedLot, NewLot

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """Points to be given; without an expiry of their own they live as long as the rules say.

    Without `at` they are given at the time of the call. `day_cap` as for `grant`.
    """

    member_id: UUID
    points: int
    reason: EntryReason
    source: Source
    expires_at: datetime | None = None
    issuer: AccountKind = AccountKind.ISSUED
    at: datetime | None = None
    day_cap: bool = True


@dataclass(frozen=True, slots=True)
class Clawed:
    """What became of points that were to be taken back.

    `forgiven` had expired or ended with the account; `debt` is owed from now on.
    """

    taken: int = 0
    forgiven: int = 0
    debt: int = 0


async def spendable(member_id: UUID, *, now: datetime) -> int:
    """Return what the member can spend now: lots past their instant don't count, job or no job."""
    return sum(lot.remaining for lot in await points_lots.living(member_id, now))


async def spend(
    member_id: UUID,
    points: int,
    *,
    reason: EntryReason,
    source: Source,
    now: datetime,
    path: Path = (),
) -> None:
    """Take points from the lots that expire first, and record which.

    Raises:
        InsufficientBalance: the living lots hold less; `path` is the input at fault.
    """
    if points == 0:
        return
    posting = _posting(member_id, AccountKind.SPENDABLE, AccountKind.REDEEMED, points)
    entry = BookEntry(Unit.POINTS, reason, source, (posting,), now)
    async with database.in_transaction():
        # The one account is enough: nothing is owed by who can spend.
        parts = take(await points_lots.lock_living(member_id, now), points)
        if parts is not None:
            await ledger.post_many([entry], along=points_lots.using(parts, source=source, now=now))
        elif not await ledger.is_booked(Unit.POINTS, reason, source):
            raise InsufficientBalance(path=path)


async def give_back(
    member_id: UUID,
    points: int,
    *,
    spent_by: Source,
    source: Source,
    reason: EntryReason,
    now: datetime,
) -> int:
    """Put so many of the points that `spent_by` took back into their lots; returns how many.

    The lots that expire last get theirs first; one that has ended meanwhile comes back as a new
    lot with a short life. What comes back repays debt first. A repetition gives nothing.
    """
    async with database.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
        plan = give_back_plan(await points_lots.uses_of(member_id, spent_by), points, now=now)
        given = await _give_back(member_id, plan, reason, source, now)
        assert given in (0, points), "nothing gives back more than it spent"
        if given and wallet.debt:
            await repay_debt(member_id, source=source, now=now)
        return given


async def give_back_all(
    member_id: UUID, *, spent_by: Source, reason: EntryReason, now: datetime
) -> int:
    """Put all that a source spent, and has not got back yet, into its lots; returns how many."""
    async with database.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
        uses = await points_lots.uses_of(member_id, spent_by)
        plan = give_back_plan(uses, sum(use.points for use in uses), now=now)
        given = await _give_back(member_id, plan, reason, spent_by, now)
        if given and wallet.debt:
            await repay_debt(member_id, source=spent_by, now=now)
        return given


async def _give_back(
    member_id: UUID, plan: Return, reason: EntryReason, source: Source, now: datetime
) -> int:
    if not plan.points:
        return 0
    late = []
    if plan.late:
        rules = (await rule_versions.in_force(now=now)).rules.points
        end = now + timedelta(days=rules.returned_lot_days)
        late = [NewLot(member_id, plan.late, reason, source, end, now)]
    posting = _posting(member_id, AccountKind.SPENDABLE, AccountKind.REDEEMED, -plan.points)
    entry = BookEntry(Unit.POINTS, reason, source, (posting,), now)
    if not await ledger.post_many([entry], along=points_lots.adding(late)):
        return 0
    await points_lots.put_back(plan)
    return plan.points


async def grant(
    member_id: UUID,
    points: int,
    *,
    reason: EntryReason,
    source: Source,
    now: datetime,
    expires_at: datetime | None = None,
    issuer: AccountKind = AccountKind.ISSUED,
    day_cap: bool = True,
) -> int:
    """Give points that can be spent at once; they repay debt first.

    Without `expires_at` they live as long as the rules say. With `day_cap` no more are given for
    the reason on one day than the rules allow.

    Returns:
        How many were given: 0 when the source was booked before, or the day's cap is reached.
    """
    async with database.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
        if day_cap:
            points = await _within_cap(member_id, points, reason, source, now)
        if points == 0:
            return 0
        given = Grant(member_id, points, reason, source, expires_at, issuer)
        entry, lot = await parts_of(given, at=now)
        if not await ledger.post_many([entry], along=points_lots.adding([lot])):
            return 0
        if wallet.debt:
            await repay_debt(member_id, source=source, now=now)
        return points


async def grant_many(grants: Sequence[Grant], *, at: datetime) -> int:
    """Give points to many members at once, each grant with a source of its own.

    What comes of it is what `grant` would do one by one: it does for those who owe something, and
    for reasons that are capped. Returns how many points were given in all.
    """
    assert len({each.source for each in grants}) == len(grants), "a source is booked once"
    async with database.in_transaction():
        wallets = await ledger.lock_wallets(list({each.member_id for each in grants}))
        caps = await _daily_caps(at)
        alone = [
            each
            for each in grants
            if wallets[each.member_id].debt or (each.day_cap and each.reason in caps)
        ]
        apart = {each.source for each in alone}
        together = [each for each in grants if each.points and each.source not in apart]
        parts = [await parts_of(each, at=at) for each in together]
        lots = points_lots.adding([lot for _, lot in parts])
        new = await ledger.post_many([entry for entry, _ in parts], along=lots)
        total = sum(each.points for each in together if each.source in new)
        for each in alone:
            total += await grant(
                each.member_id,
                each.points,
                reason=each.reason,
                source=each.source,
                now=each.at or at,
                expires_at=each.expires_at,
                issuer=each.issuer,
                day_cap=each.day_cap,
            )
        return total


async def parts_of(given: Grant, *, at: datetime) -> tuple[BookEntry, NewLot]:
    """Return a grant's entry and lot, for who books other things along with it.

    Under the wallet's lock, for a member who owes nothing and a reason without a daily cap.
    """
    return _entry_of(given, at), await _lot_of(given, at)


def _entry_of(given: Grant, at: datetime) -> BookEntry:
    posting = _posting(given.member_id, AccountKind.SPENDABLE, given.issuer, -given.points)
    when = given.at or at
    return BookEntry(
        Unit.POINTS, given.reason, given.source, (posting,), when, counts_as_earned=True
    )


async def _lot_of(given: Grant, at: datetime) -> NewLot:
    when = given.at or at
    end = given.expires_at or await _end_by_rules(when)
    return NewLot(given.member_id, given.points, given.reason, given.source, end, when)


async def _end_by_rules(earned_at: datetime) -> datetime:
    rules = (await rule_versions.in_force(now=earned_at)).rules.points
    return months_expiry(earned_at, rules.lifetime_months)


async def _daily_caps(now: datetime) -> dict[str, int]:
    """Return how many points a day each capped reason gives."""
    rules = (await rule_versions.in_force(now=now)).rules.points
    return {cap.reason: cap.points for cap in rules.daily_caps}


async def _within_cap(
    member_id: UUID, points: int, reason: EntryReason, source: Source, now: datetime
) -> int:
    """Count points against the day's cap of their reason; returns how many it lets through."""
    cap = (await _daily_caps(now)).get(reason)
    if cap is None:
        return points
    day = business_day(now)
    # The wallet is locked: nobody counts between this and what is counted below.
    counted = await database.fetch_one(
        """
        SELECT EXISTS (
            SELECT 1 FROM ledger_transaction
            WHERE source_kind = $4 AND source_id = $5 AND reason = $2 AND unit = 'POINTS'
        ) AS is_booked, (
            SELECT points FROM points_cap_count
            WHERE member_id = $1 AND reason = $2 AND day = $3
        ) AS points
        """,
        member_id,
        reason,
        day,
        source[0],
        source[1],
    )
    assert counted is not None
    through = 0 if counted["is_booked"] else capped(points, counted["points"] or 0, cap)
    if through:
        await database.execute(
            """
            INSERT INTO points_cap_count AS counted (id, member_id, reason, day, points)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (member_id, day, reason) DO UPDATE
            SET points = counted.points + excluded.points
            """,
            new_id(),
            member_id,
            reason,
            day,
            through,
        )
    return through


async def book_pending(
    member_id: UUID, points: int, *, reason: EntryReason, source: Source, now: datetime
) -> bool:
    """Book points that become spendable when their source is final; tells whether it did so now."""
    if points == 0:
        return False
    posting = _posting(member_id, AccountKind.PENDING, AccountKind.ISSUED, -points)
    entry = BookEntry(Unit.POINTS, reason, source, (posting,), now)
    lot = NewLot(member_id, points, reason, source, None, now)
    async with database.in_transaction():
        await ledger.lock_wallet(member_id)
        return bool(await ledger.post_many([entry], along=points_lots.adding([lot])))


async def release(member_id: UUID, *, source: Source, at: datetime) -> int:
    """Make the pending points of a source spendable: it is final. They repay debt first.

    Their life begins at that instant. Returns how many; 0 when none are pending, or no longer any.
    """
    async with database.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
        lot = await points_lots.earned_by(member_id, source, at)
        if lot is None or not lot.is_pending:
            return 0
        end = await _end_by_rules(at) if lot.remaining else at
        await points_lots.open_pending(lot.id, end)
        if not lot.remaining:
            return 0
        final = (SourceKind.ORDER_FINALITY, source[1])
        posting = Posting(
            debit=member_account(member_id, AccountKind.PENDING),
            credit=member_account(member_id, AccountKind.SPENDABLE),
            amount=lot.remaining,
        )
        await ledger.post_many(
            [BookEntry(Unit.POINTS, lot.reason, final, (posting,), at, counts_as_earned=True)]
        )
        if wallet.debt:
            await repay_debt(member_id, source=final, now=at)
        return lot.remaining


async def repay_debt(member_id: UUID, *, source: Source, now: datetime) -> int:
    """Have living lots repay what the member owes, those that expire first; returns how much.

    It follows every credit, so who owes something has no living lot.
    """
    async with database.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
        lots = await points_lots.living(member_id, now) if wallet.debt else []
        repaid = min(wallet.debt, sum(lot.remaining for lot in lots))
        if not repaid:
            return 0
        postings = (
            _posting(member_id, AccountKind.SPENDABLE, AccountKind.ISSUED, repaid),
            _posting(member_id, AccountKind.DEBT, AccountKind.OWED, repaid),
        )
        posted = await ledger.post_many(
            [BookEntry(Unit.POINTS, EntryReason.DEBT_REPAID, source, postings, now)]
        )
        assert posted, "a credit repays once"
        await points_lots.take(take(lots, repaid) or [])
        return repaid


async def take_back(
    member_id: UUID,
    points: int,
    *,
    earned_by: Source,
    source: Source,
    reason: EntryReason,
    now: datetime,
) -> Clawed:
    """Take back points that `earned_by` earned; `source` is what takes them: a refund, mostly.

    Pending ones shrink. Others are clawed back: from their own lot, then from those that expire
    first; own ones that had expired are let go, and what is missing becomes debt. A repetition
    takes nothing.
    """
    if points == 0:
        return Clawed()
    entry = BookEntry(Unit.POINTS, reason, source, (), now)
    async with database.in_transaction():
        await ledger.lock_wallet(member_id)
        lot = await points_lots.earned_by(member_id, earned_by, now)
        if lot is not None and lot.is_pending:
            return await _shrink(member_id, lot, points, entry)
        return await _claw(member_id, lot, points, entry)


async def _shrink(member_id: UUID, lot: EarnedLot, points: int, entry: BookEntry) -> Clawed:
    taken = min(points, lot.remaining)
    postings = _moved(member_id, AccountKind.PENDING, AccountKind.ISSUED, taken)
    if not await ledger.post_many([replace(entry, postings=postings)]):
        return Clawed()
    await points_lots.shrink(lot.id, taken)
    return Clawed(taken=taken, forgiven=points - taken)


async def _claw(member_id: UUID, lot: EarnedLot | None, points: int, entry: BookEntry) -> Clawed:
    own = None if lot is None else lot.own
    others = await points_lots.living(member_id, entry.at)
    plan = claw(own, [each for each in others if own is None or each.id != own.id], points)
    # Debt ends with the account: who has left owes nothing any more.
    debt = 0 if plan.debt and await _has_left(member_id) else plan.debt
    postings = (
        *_moved(member_id, AccountKind.SPENDABLE, AccountKind.ISSUED, plan.taken),
        *_moved(member_id, AccountKind.DEBT, AccountKind.OWED, -debt),
    )
    # Without postings, too, the book notes that this source has taken its part.
    if not await ledger.post_many([replace(entry, postings=postings)]):
        return Clawed()
    if lot is not None and lot.has_ended and lot.remaining:
        await points_expiry.write_off_due([member_id], as_of=entry.at)  # The job is late.
    await points_lots.take(plan.parts)
    if own is not None and plan.forgiven:
        await points_lots.forgive(own.id, plan.forgiven)
    return Clawed(taken=plan.taken, forgiven=points - plan.taken - debt, debt=debt)


async def _has_left(member_id: UUID) -> bool:
    status = await database.fetch_value("SELECT status FROM member WHERE id = $1", member_id)
    return bool(status == MemberStatus.LEFT)


async def write_off(member_id: UUID, *, source: Source, now: datetime) -> int:
    """End all that a leaving member has and owes; returns the points that could be spent."""
    async with database.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
        postings = (
            *_moved(member_id, AccountKind.SPENDABLE, AccountKind.EXPIRED, wallet.spendable),
            *_moved(member_id, AccountKind.PENDING, AccountKind.ISSUED, wallet.pending),
            *_moved(member_id, AccountKind.DEBT, AccountKind.OWED, wallet.debt),
        )
        entry = BookEntry(Unit.POINTS, EntryReason.EXPIRY, source, postings, now)
        if not postings or not await ledger.post_many([entry]):
            return 0
        await points_lots.close_all(member_id, now)
        return wallet.spendable


def _posting(member_id: UUID, kind: AccountKind, system: AccountKind, amount: int) -> Posting:
    """Move points from a member's account to a system account; the other way when negative."""
    member, other = member_account(member_id, kind), system_account(system)
    if amount < 0:
        return Posting(debit=other, credit=member, amount=-amount)
    return Posting(debit=member, credit=other, amount=amount)


def _moved(
    member_id: UUID, kind: AccountKind, system: AccountKind, amount: int
) -> tuple[Posting, ...]:
    """Likewise, and nothing where nothing moves."""
    return (_posting(member_id, kind, system, amount),) if amount else ()
