"""Invitations: accepting one, the reward once a first order is final, and who was invited.

Nothing is given for sharing. Both sides get their points when the invited member's first order is
final, within bounds that make inviting oneself pointless (docs/rules.md, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import structlog

from domain.clock import business_day
from domain.errors import AccountBlocked, Busy, NotFound
from domain.invitations import InvitationFacts, InvitationNotPossible, decide
from domain.ledger import EntryReason, SourceKind
from domain.members import MemberStatus
from models import database
from models.ids import new_id
from services import ledger, points
from services import rules as rule_versions
from services.members import Invitation, inviter_of
from services.pages import Page, PageRequest, make_page

log = structlog.get_logger(__name__)

LOOKED_AT_AGAIN = timedelta(days=1)
"""When an invitation that failed is tried again."""


async def accept(member_id: UUID, invitation: Invitation, *, now: datetime) -> None:
    """Remember who invited a signed-in visitor; accepting the same again changes nothing.

    Raises:
        NotFound: the codes lead to nobody.
        InvitationNotPossible: it is their own, they are a member, or another invited them.
        AccountBlocked
    """
    status = await database.fetch_value("SELECT status FROM member WHERE id = $1", member_id)
    if status != MemberStatus.ACTIVE:
        raise AccountBlocked
    inviter_id = await inviter_of(invitation, now=now)
    if inviter_id is None:
        raise NotFound(thing="invitation", path=("inviteCode",))
    bound = await database.execute(
        """
        UPDATE member SET invited_by_id = $2, invited_at = $3, updated_at = $3
        WHERE id = $1 AND status = 'ACTIVE' AND id <> $2 AND invited_by_id IS NULL
          AND joined_at IS NULL
        """,
        member_id,
        inviter_id,
        now,
    )
    if not bound:
        await _explain(member_id, inviter_id)


async def _explain(member_id: UUID, inviter_id: UUID) -> None:
    """Say why nothing was bound, unless this very inviter was bound before."""
    row = await database.fetch_one(
        "SELECT status, invited_by_id FROM member WHERE id = $1", member_id
    )
    if row is None or row["status"] != MemberStatus.ACTIVE:
        raise AccountBlocked
    if row["invited_by_id"] != inviter_id:
        raise InvitationNotPossible


async def first_purchase_final(member_ids: Sequence[UUID], *, at: datetime) -> None:
    """Note that a purchase of these members is final; whose invitation is settled stays as it is.

    Part of the transaction that makes it final. The reward follows by `reward_due`.
    """
    await database.execute(
        """
        UPDATE member SET invitation_due_at = $2
        WHERE id = ANY($1) AND invited_by_id IS NOT NULL AND joined_at IS NOT NULL
          AND invitation_due_at IS NULL
          AND NOT EXISTS (SELECT FROM invitation_reward WHERE invitee_id = member.id)
        """,
        list(member_ids),
        at,
    )


async def reward_due(as_of: datetime, *, limit: int = 200) -> int:
    """Settle invitations whose first purchase was final by then; returns how many.

    One transaction; each reward takes effect at the instant of its finality. One that fails is
    logged, and looked at again a day later.
    """

    async def work() -> int:
        async with database.in_transaction():
            due = await _lock_due(as_of, limit)
            for member_id in due:
                try:
                    async with database.savepoint():
                        await _settle(member_id)
                except Busy:
                    raise
                except Exception:
                    log.exception("invitation_not_settled", member_id=str(member_id))
                    await _put_off(member_id, until=as_of + LOOKED_AT_AGAIN)
            return len(due)

    return await database.retrying(work)


async def _lock_due(as_of: datetime, limit: int) -> list[UUID]:
    """Lock the invited and their inviters, then all wallets, each in id order.

    Whoever has been merged or invited by another meanwhile is read again after the lock.
    """
    rows = await database.fetch(
        """
        SELECT id, invited_by_id FROM member WHERE invitation_due_at <= $1
        ORDER BY invitation_due_at, id LIMIT $2
        """,
        as_of,
        limit,
    )
    if not rows:
        return []
    both = {id_ for row in rows for id_ in (row["id"], row["invited_by_id"]) if id_ is not None}
    await database.execute(
        "SELECT FROM member WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", list(both)
    )
    await ledger.lock_wallets(list(both))
    return [row["id"] for row in rows]


async def _put_off(member_id: UUID, *, until: datetime) -> None:
    await database.execute(
        "UPDATE member SET invitation_due_at = $2 WHERE id = $1", member_id, until
    )


async def _settle(invitee_id: UUID) -> None:
    """Decide on one invitation and write down what came of it; the locks are held."""
    facts = await database.fetch_one(_FACTS, invitee_id)
    await database.execute("UPDATE member SET invitation_due_at = NULL WHERE id = $1", invitee_id)
    if facts is None:  # Not invited any more, left, or all was refunded.
        return
    at: datetime = facts["at"]
    rules = (await rule_versions.in_force(now=at)).rules.members
    rewarded = await database.fetch_value(_REWARDED, facts["inviter_id"], business_day(at))
    decision = decide(
        _judged(facts, rewarded, at),
        points=rules.invitation_points,
        cap=rules.rewarded_invitations_per_day,
    )
    reward_id = new_id()
    inviter_points = await _give(
        facts["inviter_id"], decision.inviter_points, source_id=reward_id, at=at
    )
    invitee_points = await _give(invitee_id, decision.invitee_points, source_id=invitee_id, at=at)
    await database.execute(
        _RECORD,
        reward_id,
        invitee_id,
        facts["inviter_id"],
        facts["order_id"],
        facts["purchase_id"],
        business_day(at),
        None if decision.refused else rewarded + 1,
        inviter_points,
        invitee_points,
        decision.refused,
        None if facts["is_phone_known"] else facts["phone_hash"],
        at,
    )


# A purchase at a counter is final at once, and counts like an order. What was refunded doesn't.
_FIRST_FINAL = """
SELECT order_id, purchase_id FROM (
    SELECT id AS order_id, NULL::uuid AS purchase_id, finalized_at AS at FROM sales_order
    WHERE member_id = {member} AND finalized_at IS NOT NULL AND status <> 'REFUNDED'
    UNION ALL
    SELECT NULL, id, purchased_at FROM shop_purchase
    WHERE member_id = {member} AND refunded_fen < amount_fen
) AS standing
ORDER BY at, order_id, purchase_id LIMIT 1
"""

_FACTS = f"""
SELECT invitee.invitation_due_at AS at, invitee.invited_by_id AS inviter_id, first.order_id,
       first.purchase_id, invitee.phone_hash, invitee.newcomer_gifts_from,
       inviter.status AS inviter_status, inviter.joined_at AS inviter_joined_at,
       invitee.id = inviter.id OR EXISTS (
           SELECT FROM identity AS own JOIN identity AS other ON other.unionid = own.unionid
           WHERE own.member_id = invitee.id AND other.member_id = inviter.id
       ) AS is_same_person,
       coalesce(invitee.phone_hash = inviter.phone_hash, false) OR EXISTS (
           SELECT FROM invitation_reward WHERE phone_hash = invitee.phone_hash
       ) AS is_phone_known
FROM member AS invitee
JOIN member AS inviter ON inviter.id = invitee.invited_by_id
JOIN LATERAL ({_FIRST_FINAL.format(member="invitee.id")}) AS first ON true
WHERE invitee.id = $1 AND invitee.status = 'ACTIVE' AND invitee.joined_at IS NOT NULL
  AND invitee.invitation_due_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM invitation_reward WHERE invitee_id = invitee.id)
"""

# The highest seat, not their number: what a merge brought along counts, whichever seats it has.
_REWARDED = """
SELECT coalesce(max(seat), 0)::int FROM invitation_reward WHERE inviter_id = $1 AND day = $2
"""

_RECORD = """
INSERT INTO invitation_reward (id, invitee_id, inviter_id, order_id, purchase_id, day, seat,
                               inviter_points, invitee_points, refused, phone_hash, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


def _judged(facts: asyncpg.Record, rewarded: int, at: datetime) -> InvitationFacts:
    gifts_from = facts["newcomer_gifts_from"]
    return InvitationFacts(
        is_same_person=facts["is_same_person"],
        is_phone_known=facts["is_phone_known"],
        came_back=gifts_from is not None and at < gifts_from,
        is_inviter_there=facts["inviter_status"] == MemberStatus.ACTIVE
        and facts["inviter_joined_at"] is not None,
        rewarded_today=rewarded,
    )


async def _give(member_id: UUID, amount: int, *, source_id: UUID, at: datetime) -> int:
    """Give a side its points. The invited side's source is the member, the inviter's the reward."""
    return await points.grant(
        member_id,
        amount,
        reason=EntryReason.INVITATION,
        source=(SourceKind.INVITATION, source_id),
        now=at,
    )


async def take_back(purchase_id: UUID, *, now: datetime) -> None:
    """Take the reward back from both when the order or purchase that earned it is refunded wholly.

    If another one of the invited member is final, the reward stands on that one. Part of the
    transaction of the refund, which has counted what was refunded.
    """
    row = await database.fetch_one(_STANDING_ON, purchase_id)
    if row is None:
        return
    other = await database.fetch_one(_FIRST_FINAL.format(member="$1"), row["invitee_id"])
    if other is not None:
        await database.execute(
            "UPDATE invitation_reward SET order_id = $2, purchase_id = $3 WHERE id = $1",
            row["id"],
            *other,
        )
        return
    sides = (
        (row["invitee_id"], row["invitee_points"], row["invitee_id"]),
        (row["inviter_id"], row["inviter_points"], row["id"]),
    )
    await ledger.lock_wallets([row["invitee_id"], row["inviter_id"]])
    for member_id, amount, source_id in sides:
        await points.take_back(
            member_id,
            amount,
            earned_by=(SourceKind.INVITATION, source_id),
            source=(SourceKind.INVITATION, uuid5(source_id, "taken back")),
            reason=EntryReason.INVITATION,
            now=now,
        )
    await database.execute(
        "UPDATE invitation_reward SET taken_back_at = $2 WHERE id = $1", row["id"], now
    )


_STANDING_ON = """
SELECT id, invitee_id, inviter_id, inviter_points, invitee_points FROM invitation_reward
WHERE (order_id = $1 OR purchase_id = $1) AND taken_back_at IS NULL FOR UPDATE
"""


async def invitees(member_id: UUID, request: PageRequest) -> Page[Any]:
    """Return a page of those who came by a member's invitation, the latest first."""
    at, id_ = request.after or (None, None)
    rows = await database.fetch(
        """
        SELECT member.id, member.nickname, member.avatar_url, member.invited_at,
               reward.id IS NOT NULL AS is_settled,
               CASE WHEN reward.taken_back_at IS NULL THEN coalesce(reward.inviter_points, 0)
                    ELSE 0 END AS points,
               EXISTS (
                   SELECT FROM sales_order
                   WHERE sales_order.member_id = member.id AND paid_at IS NOT NULL
                     AND sales_order.status <> 'REFUNDED'
               ) AS has_ordered
        FROM member LEFT JOIN invitation_reward AS reward ON reward.invitee_id = member.id
        WHERE member.invited_by_id = $1 AND member.status <> 'MERGED'
          AND ($2::timestamptz IS NULL OR (member.invited_at, member.id) < ($2, $3::uuid))
        ORDER BY member.invited_at DESC, member.id DESC LIMIT $4
        """,
        member_id,
        at,
        id_,
        request.limit,
    )

    async def count() -> int:
        return int(
            await database.fetch_value(
                "SELECT count(*) FROM member WHERE invited_by_id = $1 AND status <> 'MERGED'",
                member_id,
            )
        )

    return make_page(request, rows, lambda row: (row["invited_at"], row["id"]), count)
