"""Growth: credited with the tiers that it reaches, and taken back (docs/rules.md, section 2).

Every function here locks the member, then their wallet, is part of the open transaction or makes
its own, and does nothing when its source has been booked before. A review that is due comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    Source,
    Unit,
    member_account,
    system_account,
)
from domain.tier_terms import (
    TermCause,
    after_refund,
    fallen_to,
    passed_levels,
    reached,
    standing_terms,
    term_of,
)
from models import database
from services import benefits, ledger, tier_reviews, tier_standings
from services import rules as rule_versions
from services.benefits import Upgrade
from services.ledger import BookEntry
from services.rules import RulesInForce
from services.tier_standings import BegunTerm, Standing, growth_account


@dataclass(frozen=True, slots=True)
class GrowthCredit:
    """Growth to be credited; `from_pending`: it was booked as pending, and is final now."""

    member_id: UUID
    growth: int
    reason: EntryReason
    source: Source
    at: datetime
    from_pending: bool = False


async def credit(
    member_id: UUID,
    growth: int,
    *,
    reason: EntryReason,
    source: Source,
    at: datetime,
    from_pending: bool = False,
) -> None:
    """Credit growth; a tier that it reaches begins at once, with the gift of each tier passed."""
    if growth == 0:
        return
    async with database.in_transaction():
        standings = await standings_of([member_id], as_of=at)
        credited = GrowthCredit(member_id, growth, reason, source, at, from_pending)
        await credit_many([credited], standings)


async def standings_of(member_ids: Sequence[UUID], *, as_of: datetime) -> dict[UUID, Standing]:
    """Lock members and their wallets for growth that moves at that time; reviews due come first."""
    standings = await tier_standings.lock(member_ids)
    await tier_reviews.review_overdue(list(standings.values()), as_of=as_of)
    return standings


async def credit_many(
    credits: Sequence[GrowthCredit],
    members: Mapping[UUID, Standing],
    *,
    rules: RulesInForce | None = None,
) -> None:
    """Credit growth in the given order; it comes to the same as one credit after the other.

    `members` are the locked standings (`standings_of`) of all of them: they are brought up to date,
    so that the next batch of the same transaction goes on from there. Without `rules` those hold
    that are in force at each credit's time. There is no statement for each member.
    """
    wanted = [each for each in credits if each.growth]
    new = await ledger.post_many([entry_of(each) for each in wanted])
    credited = [each for each in wanted if each.source in new]
    rises: list[_Rise] = []
    for each in credited:
        standing = members[each.member_id]
        standing.growth += each.growth
        standing.growth_seq += 1
        standing.lifetime_growth += each.growth
        in_force = rules or await rule_versions.in_force(now=each.at)
        rise = _raised(standing, in_force, cause=TermCause.UPGRADE, at=each.at)
        if rise is not None:
            rises.append(rise)
    if credited:
        changed = {each.member_id: members[each.member_id] for each in credited}
        await tier_standings.save_lifetime(list(changed.values()))
    await _begin(rises)


def entry_of(credited: GrowthCredit) -> BookEntry:
    """Return what a credit writes into the book."""
    pending = member_account(credited.member_id, AccountKind.GROWTH_PENDING)
    issued = system_account(AccountKind.GROWTH_ISSUED)
    posting = Posting(
        debit=pending if credited.from_pending else issued,
        credit=growth_account(credited.member_id),
        amount=credited.growth,
    )
    return BookEntry(Unit.GROWTH, credited.reason, credited.source, (posting,), credited.at)


async def raise_standings(
    standings: Sequence[Standing], in_force: RulesInForce, *, cause: TermCause, at: datetime
) -> int:
    """Raise locked members to what their growth has reached, with the gifts; returns how many."""
    rises = [
        rise
        for standing in standings
        if (rise := _raised(standing, in_force, cause=cause, at=at)) is not None
    ]
    await _begin(rises)
    return len(rises)


async def _begin(rises: Sequence[_Rise]) -> None:
    if rises:
        await tier_standings.begin([begun for begun, _ in rises])
        await benefits.give_upgrade_gifts([upgrade for _, upgrade in rises])


_Rise = tuple[BegunTerm, Upgrade]


def _raised(
    standing: Standing, in_force: RulesInForce, *, cause: TermCause, at: datetime
) -> _Rise | None:
    """Raise a standing to the tier that its growth has reached; None if it is no higher one."""
    rules = in_force.rules
    old, new = rules.tier(standing.term.tier_code), reached(standing.growth, rules)
    if new.level <= old.level:
        return None
    standing.term = term_of(new, since=at, since_seq=standing.growth_seq, rules=rules)
    begun = BegunTerm(
        member_id=standing.member_id,
        term=standing.term,
        cause=cause,
        tier=new,
        floor_code=standing.floor_code,
        growth=standing.growth,
        rules=in_force,
        at=at,
    )
    passed = passed_levels(old, new, rules)
    return begun, Upgrade(standing.member_id, passed, in_force, at)


async def take_back(
    member_id: UUID,
    growth: int,
    *,
    reason: EntryReason,
    source: Source,
    now: datetime,
    earned_by: Source | None = None,
) -> int:
    """Take back growth that had been credited; returns how much there was to take.

    The tier becomes what it would be had the growth never come, not below the one that the last
    review left; gifts stay. With `earned_by`, the credit's source, it counts in the term that
    earned it, else in the one of now.
    """
    if growth == 0:
        return 0
    async with database.in_transaction():
        standing = (await standings_of([member_id], as_of=now))[member_id]
        taken = min(growth, standing.growth)
        entry = BookEntry(
            Unit.GROWTH,
            reason,
            source,
            _taking(growth_account(member_id), taken),
            now,
            corrects=await _credited_by(member_id, earned_by),
        )
        # Without a posting, too, the book notes that this source has taken its part.
        if not await ledger.post_many([entry]):
            return 0
        standing.growth -= taken
        standing.growth_seq += bool(taken)
        standing.lifetime_growth = max(standing.lifetime_growth - growth, 0)
        await tier_standings.save_lifetime([standing])
        await _lower(standing, now=now)
        return taken


async def take_pending_back(member_id: UUID, growth: int, *, source: Source, now: datetime) -> None:
    """Take back growth that isn't final yet."""
    if growth == 0:
        return
    account_id = member_account(member_id, AccountKind.GROWTH_PENDING)
    postings = _taking(account_id, growth)
    entry = BookEntry(Unit.GROWTH, EntryReason.ORDER_RETURNED, source, postings, now)
    async with database.in_transaction():
        await ledger.post_many([entry])


def _taking(account_id: UUID, growth: int) -> tuple[Posting, ...]:
    if not growth:
        return ()
    return (Posting(account_id, system_account(AccountKind.GROWTH_ISSUED), growth),)


async def _credited_by(member_id: UUID, earned_by: Source | None) -> UUID | None:
    """Return the transaction in which a source credited growth to the member, if it did."""
    if earned_by is None:
        return None
    transaction_id: UUID | None = await database.fetch_value(
        """
        SELECT transaction_id FROM ledger_entry
        WHERE account_id = $1 AND source_kind = $2 AND source_id = $3 AND delta > 0
        """,
        growth_account(member_id),
        *earned_by,
    )
    return transaction_id


async def _lower(standing: Standing, *, now: datetime) -> None:
    """Have a member fall to the tier that their growth still holds."""
    in_force = await rule_versions.in_force(now=now)
    rules = in_force.rules
    current = rules.tier(standing.term.tier_code)
    if not current.level:
        return
    history = await tier_standings.terms_since_review(standing)
    terms = standing_terms(history, rules)
    tier = after_refund(
        current, rules.tier(standing.floor_code), growth=standing.growth, terms=terms, rules=rules
    )
    if tier.level >= current.level:
        return
    standing.term = fallen_to(tier, terms, rules)
    await tier_standings.begin(
        [
            BegunTerm(
                member_id=standing.member_id,
                term=standing.term,
                cause=TermCause.REFUND,
                tier=tier,
                floor_code=standing.floor_code,
                growth=standing.growth,
                rules=in_force,
                at=now,
            )
        ]
    )
