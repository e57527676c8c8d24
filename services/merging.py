"""Merging two members who are one person: one transaction, recorded once, nothing lost.

Locks are taken in one order: the members by id, then what they own. Rows that a transaction of the
other member adds meanwhile (an order being placed) are gathered by `gather_stragglers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from domain.errors import AccountBlocked
from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
)
from domain.members import REQUIRED_AGREEMENTS, Gender, MemberStatus
from domain.merging import Ties, may_be_one
from models import database
from models.ids import new_id
from services import (
    consents,
    ledger,
    merging_tables,
    points,
    points_expiry,
    tier_merging,
    tier_reviews,
)

log = structlog.get_logger(__name__)

STRAGGLERS_FOR = timedelta(days=1)
"""Longer than any transaction may still have been writing for the merged member, and than the
workers should ever be away.
"""


async def ties_of(member_id: UUID) -> Ties:
    """Return the WeChat identities of a member."""
    rows = await database.fetch(
        "SELECT appid, unionid FROM identity WHERE member_id = $1", member_id
    )
    return Ties.of((row["appid"], row["unionid"]) for row in rows)


async def lock_survivor(member_id: UUID) -> UUID:
    """Lock the member, or whoever they were merged into, until the transaction ends.

    Raises:
        AccountBlocked: the account is closed or blocked.
    """
    while True:
        [row] = await _lock([member_id])
        if row["status"] == MemberStatus.ACTIVE:
            return member_id
        if row["status"] != MemberStatus.MERGED:
            raise AccountBlocked
        member_id = row["merged_into_id"]


async def merge(first_id: UUID, second_id: UUID, *, now: datetime) -> UUID | None:
    """Merge two members inside the open transaction; returns who is left.

    The older one stays, with their number. None, and nothing is done, if the two can't be one
    person or one of them is closed or blocked. Merging again answers with the same survivor.
    """
    pair = await _lock_pair(first_id, second_id)
    if pair is None:
        return None
    older, younger = pair
    survivor_id: UUID = older["id"]
    if older["id"] == younger["id"]:
        return survivor_id
    if not may_be_one(await ties_of(older["id"]), await ties_of(younger["id"])):
        return None
    await tier_reviews.review_members([older["id"], younger["id"]], as_of=now)
    rows = {row["id"]: row for row in await _lock([older["id"], younger["id"]])}
    await _absorb(rows[older["id"]], rows[younger["id"]], now=now)
    return survivor_id


async def _lock_pair(
    first_id: UUID, second_id: UUID
) -> tuple[asyncpg.Record, asyncpg.Record] | None:
    """Lock both members in id order and return them, the older first; None unless both are active.

    One who was merged meanwhile stands for their survivor.
    """
    while True:
        rows = {row["id"]: row for row in await _lock(sorted({first_id, second_id}))}
        first, second = rows[first_id], rows[second_id]
        if MemberStatus.MERGED in (first["status"], second["status"]):
            first_id = first["merged_into_id"] or first_id
            second_id = second["merged_into_id"] or second_id
            continue
        if any(row["status"] != MemberStatus.ACTIVE for row in (first, second)):
            return None
        older, younger = sorted((first, second), key=lambda row: (row["created_at"], row["id"]))
        return older, younger


async def _lock(ids: Sequence[UUID]) -> list[asyncpg.Record]:
    # Not FOR UPDATE: foreign keys of rows that others insert may pass, or a merge and an order
    # being paid could wait for one another.
    return await database.fetch(
        """
        SELECT id, status, merged_into_id, created_at, tier_code, tier_floor_code, tier_since,
               tier_review_at, tier_since_seq, invited_by_id, invited_at, joined_at, nickname,
               avatar_url, gender, birthday, phone_encrypted, phone_hash, phone_verified_at,
               lifetime_growth
        FROM member WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
        """,
        list(ids),
    )


async def _absorb(survivor: asyncpg.Record, loser: asyncpg.Record, *, now: datetime) -> None:
    """Move everything and write the record; both rows are locked."""
    merge_id = new_id()
    loser_id, survivor_id = loser["id"], survivor["id"]
    await _refuse_what_either_refused(loser_id, survivor_id, now=now)
    moved = await _move(loser_id, survivor_id, transfer_id=merge_id, now=now)
    await _close(loser, survivor, now=now)
    await _enrich(survivor, loser, now=now)
    await tier_merging.merge_tiers(survivor, loser, now=now)
    await database.execute(
        """
        INSERT INTO member_merge (id, loser_id, survivor_id, moved, merged_at)
        VALUES ($1, $2, $3, $4::jsonb, $5)
        """,
        merge_id,
        loser_id,
        survivor_id,
        database.to_json(moved),
        now,
    )


async def _move(
    loser_id: UUID, survivor_id: UUID, *, transfer_id: UUID, now: datetime
) -> dict[str, int]:
    """Move all that the loser owns; returns how much of each. Doing it again finds nothing left."""
    moved = {}
    for name, statement in merging_tables.OWNED.items():
        moved[name] = await database.execute(statement, loser_id, survivor_id)
    for name, statement in merging_tables.OWNED_WITH_TIME.items():
        moved[name] = await database.execute(statement, loser_id, survivor_id, now)
    moved |= await _transfer(loser_id, survivor_id, transfer_id=transfer_id, now=now)
    return moved


async def _transfer(
    loser_id: UUID, survivor_id: UUID, *, transfer_id: UUID, now: datetime
) -> dict[str, int]:
    """Move lots with their expiry, and the balances of the book; what either owed is repaid.

    Wallets come after all other locks: whoever spends or earns takes them last, too.
    """
    await ledger.lock_wallets([loser_id, survivor_id])
    lots = await database.execute(
        "UPDATE points_lot SET member_id = $2 WHERE member_id = $1", loser_id, survivor_id
    )
    rows = await database.fetch(
        "SELECT kind, unit, balance FROM ledger_account WHERE member_id = $1", loser_id
    )
    for unit in Unit:
        postings = [
            Posting(
                debit=member_account(loser_id, AccountKind(row["kind"])),
                credit=member_account(survivor_id, AccountKind(row["kind"])),
                amount=row["balance"],
            )
            for row in rows
            if row["unit"] == unit and row["balance"]
        ]
        await ledger.post(
            postings,
            unit=unit,
            reason=EntryReason.MERGE,
            source=(SourceKind.MEMBER_MERGE, transfer_id),
            now=now,
        )
    await ledger.move_earned(loser_id, survivor_id)
    # What one of them has repays what the other owes; what has ended can't, and is written off.
    await points_expiry.write_off_due([survivor_id], as_of=now)
    await points.repay_debt(survivor_id, source=(SourceKind.MEMBER_MERGE, transfer_id), now=now)
    return {"lots": lots} | {row["kind"].lower(): row["balance"] for row in rows}


async def _refuse_what_either_refused(loser_id: UUID, survivor_id: UUID, *, now: datetime) -> None:
    """Let a refusal stand: whoever of the two said no to something last, it is no for both."""
    rows = await database.fetch(
        """
        SELECT DISTINCT ON (member_id, kind) kind, version, given FROM consent
        WHERE member_id IN ($1, $2)
        ORDER BY member_id, kind, given_at DESC, id DESC
        """,
        loser_id,
        survivor_id,
    )
    refused = {row["kind"]: row["version"] for row in rows if not row["given"]}
    given = {row["kind"] for row in rows if row["given"]}
    contested = sorted(refused.keys() & given)
    if not contested:
        return
    await database.execute(
        """
        INSERT INTO consent (id, member_id, kind, version, given, given_at)
        SELECT line.id, $2, line.kind, line.version, false, $3
        FROM unnest($1::uuid[], $4::text[], $5::text[]) AS line (id, kind, version)
        """,
        [new_id() for _ in contested],
        survivor_id,
        now,
        contested,
        [refused[kind] for kind in contested],
    )


async def _close(loser: asyncpg.Record, survivor: asyncpg.Record, *, now: datetime) -> None:
    """Turn the loser into a signpost. Their invite code stays: links out there still work."""
    await database.execute(
        """
        UPDATE member
        SET status = 'MERGED', merged_into_id = $2, phone_encrypted = NULL, phone_hash = NULL,
            phone_verified_at = NULL, updated_at = $3
        WHERE id = $1
        """,
        loser["id"],
        survivor["id"],
        now,
    )


async def _enrich(survivor: asyncpg.Record, loser: asyncpg.Record, *, now: datetime) -> None:
    """Give the survivor what the loser had and they lack."""
    phone = _newer_phone(survivor, loser)
    inviter_id, invited_at = _inviter(survivor, loser)
    await database.execute(
        """
        UPDATE member
        SET nickname = $2, avatar_url = $3, gender = $4, birthday = $5, phone_encrypted = $6,
            phone_hash = $7, phone_verified_at = $8, joined_at = $9, invited_by_id = $10,
            invited_at = $11, lifetime_growth = $12, updated_at = $13
        WHERE id = $1
        """,
        survivor["id"],
        survivor["nickname"] or loser["nickname"],
        survivor["avatar_url"] or loser["avatar_url"],
        loser["gender"] if survivor["gender"] == Gender.UNKNOWN else survivor["gender"],
        survivor["birthday"] or loser["birthday"],
        phone["phone_encrypted"],
        phone["phone_hash"],
        phone["phone_verified_at"],
        await _joined_at(survivor, loser),
        inviter_id,
        invited_at,
        survivor["lifetime_growth"] + loser["lifetime_growth"],
        now,
    )


def _newer_phone(survivor: asyncpg.Record, loser: asyncpg.Record) -> asyncpg.Record:
    """Return the row whose phone was verified last: the older number may be somebody else's now."""
    have_one = [row for row in (survivor, loser) if row["phone_hash"] is not None]
    return max(have_one, key=lambda row: row["phone_verified_at"], default=survivor)


def _inviter(
    survivor: asyncpg.Record, loser: asyncpg.Record
) -> tuple[UUID | None, datetime | None]:
    """Keep who invited the survivor; the loser's inviter counts if the survivor never joined."""
    both = (survivor["id"], loser["id"])
    invited = [survivor] if survivor["joined_at"] else [survivor, loser]
    for row in invited:
        if row["invited_by_id"] not in (None, *both):
            return row["invited_by_id"], row["invited_at"]
    return None, None


async def _joined_at(survivor: asyncpg.Record, loser: asyncpg.Record) -> datetime | None:
    """Return since when the two together are a member; None if what is required stands refused."""
    answers = await consents.standing(survivor["id"])
    if any(kind in answers and not answers[kind].given for kind in REQUIRED_AGREEMENTS):
        return None
    joined = [row["joined_at"] for row in (survivor, loser) if row["joined_at"] is not None]
    return min(joined, default=None)


async def gather_stragglers(*, now: datetime, limit: int = 100) -> int:
    """Move what other transactions wrote for merged members while the merge ran.

    An order placed at the same moment commits after the merge has looked; nothing of it may stay
    behind. Looks at the merges of the last day; returns how many had something left. One that fails
    is left for the next look and doesn't keep the others waiting.
    """
    rows = await database.fetch(_STRAGGLERS, now - STRAGGLERS_FOR, limit)
    gathered = 0
    for row in rows:
        try:
            gathered += await _gather(row["loser_id"], now=now)
        except Exception:
            log.exception("stragglers_not_gathered", member_id=str(row["loser_id"]))
    return gathered


_STRAGGLERS = f"""
SELECT loser_id FROM member_merge
WHERE merged_at > $1 AND ({
    " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE member_id = member_merge.loser_id)"
        for table in merging_tables.NEVER_LEFT_BEHIND
    )
} OR EXISTS (
    SELECT 1 FROM ledger_account
    WHERE member_id = member_merge.loser_id AND balance > 0
))
ORDER BY merged_at LIMIT $2
"""


async def _gather(loser_id: UUID, *, now: datetime) -> bool:
    async def work() -> bool:
        async with database.in_transaction():
            try:
                survivor_id = await lock_survivor(loser_id)
            except AccountBlocked:
                return False
            moved = await _move(loser_id, survivor_id, transfer_id=new_id(), now=now)
            return any(moved.values())

    return await database.retrying(work)
