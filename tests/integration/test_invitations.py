"""Invitations on real PostgreSQL: bound once, rewarded once, and taken back with the order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.errors import AccountBlocked, NotFound
from domain.invitations import InvitationNotPossible
from domain.ledger import EntryReason, SourceKind
from models import database as db
from models.ids import new_id
from models.members import Identity
from services import finality, invitations, merging, points, reversal, shop_purchases
from services.members import Invitation
from services.pages import PageRequest
from services.reversal import Reversal
from services.shop_purchases import ShopPurchase
from tests.factories.orders import bought
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_member, a_sku
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
FINAL = NOW + 8 * DAY


async def invited(inviter_id: UUID | None) -> UUID:
    """Make a member with an address, who came by an invitation."""
    member_id = await a_buyer()
    await db.execute(
        "UPDATE member SET invited_by_id = $2, invited_at = $3 WHERE id = $1",
        member_id,
        inviter_id,
        NOW,
    )
    return member_id


async def final_order(
    member_id: UUID, *, at: datetime = FINAL, sku: SkuFacts | None = None
) -> UUID:
    order_id = await bought(member_id, (sku or await a_sku(10), 1))
    await finality.receive(order_id, at=NOW)
    assert await finality.finalize(order_id, at=at)
    return order_id


async def held(*member_ids: UUID) -> list[int]:
    return [await points.spendable(member_id, now=FINAL + DAY) for member_id in member_ids]


async def rewards() -> list[tuple[Any, ...]]:
    rows = await db.fetch(
        "SELECT inviter_points, invitee_points, seat, refused FROM invitation_reward"
        " ORDER BY created_at, id"
    )
    return [tuple(row) for row in rows]


async def code_of(member_id: UUID) -> str:
    return str(await db.fetch_value("SELECT invite_code FROM member WHERE id = $1", member_id))


async def refund_all(order_id: UUID) -> None:
    rows = await db.fetch("SELECT id, quantity FROM order_line WHERE order_id = $1", order_id)
    await reversal.reverse(
        Reversal(
            refund_id=new_id(),
            order_id=order_id,
            quantities={row["id"]: row["quantity"] for row in rows},
            before_shipment=False,
        ),
        now=FINAL + DAY,
    )


async def test_both_get_their_points_once_the_first_order_is_final() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    order_id = await bought(member_id, (await a_sku(10), 1))
    await finality.receive(order_id, at=NOW)
    assert await invitations.reward_due(FINAL) == 0
    assert await finality.finalize(order_id, at=FINAL)
    assert await invitations.reward_due(FINAL - timedelta(microseconds=1)) == 0
    assert await invitations.reward_due(FINAL + 3 * DAY) == 1
    assert await held(inviter, member_id) == [100, 100]
    assert await rewards() == [(100, 100, 1, None)]
    # Late as the job was: its effect is of the instant the order was final.
    assert await db.fetch("SELECT created_at FROM ledger_entry WHERE created_at > $1", FINAL) == []
    await assert_books_agree()


async def test_later_orders_and_later_runs_bring_nothing_more() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    for _ in range(2):
        await final_order(member_id)
        await invitations.reward_due(FINAL)
        assert await invitations.reward_due(FINAL + DAY) == 0
    assert await held(inviter, member_id) == [100, 100]


async def test_a_visitor_and_whom_nobody_invited_bring_nothing() -> None:
    visitor = await invited(await a_member())
    await db.execute("UPDATE member SET joined_at = NULL WHERE id = $1", visitor)
    await final_order(visitor)
    await final_order(await invited(None))
    assert await invitations.reward_due(FINAL) == 0
    assert await rewards() == []


async def test_the_eleventh_of_a_day_rewards_the_newcomer_alone() -> None:
    inviter = await a_member()
    sku = await a_sku(10)
    newcomers = [await invited(inviter) for _ in range(12)]
    for member_id in newcomers:
        await final_order(member_id, sku=sku)
    assert await invitations.reward_due(FINAL) == 12
    assert await held(inviter) == [1_000]
    assert await held(*newcomers) == [100] * 12
    assert sorted(row[2] or 0 for row in await rewards()) == [0, 0, *range(1, 11)]
    # The day is that of the finality: the next one has seats of its own.
    await final_order(await invited(inviter), at=FINAL + DAY, sku=sku)
    await invitations.reward_due(FINAL + DAY)
    assert await points.spendable(inviter, now=FINAL + DAY) == 1_100
    await assert_books_agree()


async def test_twelve_finals_and_four_runs_at_once_keep_the_cap() -> None:
    inviter = await a_member()
    sku = await a_sku(10)
    newcomers = [await invited(inviter) for _ in range(12)]
    orders = [await bought(member_id, (sku, 1)) for member_id in newcomers]
    for order_id in orders:
        await finality.receive(order_id, at=NOW)
    await asyncio.gather(
        *(finality.finalize(order_id, at=FINAL) for order_id in orders),
        *(invitations.reward_due(FINAL) for _ in range(4)),
    )
    await asyncio.gather(*(invitations.reward_due(FINAL, limit=5) for _ in range(4)))
    while await invitations.reward_due(FINAL):
        pass
    assert await held(inviter) == [1_000]
    assert await held(*newcomers) == [100] * 12
    assert sorted(row[2] or 0 for row in await rewards()) == [0, 0, *range(1, 11)]
    await assert_books_agree()


async def test_one_phone_counts_once() -> None:
    inviter, first, second = await a_member(), await invited(None), await invited(None)
    await db.execute("UPDATE member SET invited_by_id = $1 WHERE id <> $1", inviter)
    await give_phone(first, b"one")
    await final_order(first)
    await invitations.reward_due(FINAL)
    # The phone goes on to another account of the same person.
    await give_phone(first, b"other")
    await give_phone(second, b"one")
    await final_order(second)
    await invitations.reward_due(FINAL)
    assert await held(inviter, first, second) == [100, 100, 0]
    assert await rewards() == [(100, 100, 1, None), (0, 0, None, "SAME_PHONE")]


async def test_two_openids_of_one_person_are_one_person() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    for owner, appid in ((inviter, "wx1"), (member_id, "wx2")):
        await Identity.create(
            member_id=owner,
            kind="MINI_PROGRAM",
            appid=appid,
            openid=appid,
            unionid="u",
            created_at=NOW,
            updated_at=NOW,
        )
    await final_order(member_id)
    await invitations.reward_due(FINAL)
    assert await rewards() == [(0, 0, None, "SAME_PERSON")]
    assert await held(inviter, member_id) == [0, 0]


async def test_who_left_and_came_back_is_no_newcomer_until_the_year_is_over() -> None:
    inviter = await a_member()
    early, late = await invited(inviter), await invited(inviter)
    for member_id, since in ((early, FINAL + DAY), (late, FINAL)):
        await db.execute(
            "UPDATE member SET newcomer_gifts_from = $2 WHERE id = $1", member_id, since
        )
        await final_order(member_id)
    await invitations.reward_due(FINAL)
    assert await held(inviter, early, late) == [100, 0, 100]


async def test_an_inviter_who_is_gone_gets_nothing_and_the_newcomer_does() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", inviter)
    await final_order(member_id)
    await invitations.reward_due(FINAL)
    assert await held(inviter, member_id) == [0, 100]
    assert await rewards() == [(0, 100, None, "INVITER_GONE")]


async def test_a_whole_refund_takes_the_reward_back_from_both_for_good() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    order_id = await final_order(member_id)
    await invitations.reward_due(FINAL)
    await points.spend(
        inviter,
        70,
        reason=EntryReason.REDEMPTION,
        source=(SourceKind.REDEMPTION, new_id()),
        now=FINAL,
    )
    await refund_all(order_id)
    assert await held(inviter, member_id) == [0, 0]
    debt = "SELECT balance FROM ledger_account WHERE member_id = $1 AND kind = 'DEBT'"
    assert await db.fetch_value(debt, inviter) == 70
    await final_order(member_id, at=FINAL + DAY)
    assert await invitations.reward_due(FINAL + DAY) == 0
    assert await held(inviter, member_id) == [0, 0]
    await assert_books_agree()


async def test_the_reward_stands_while_another_order_is_final() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    first, second = await final_order(member_id), await final_order(member_id, at=FINAL + DAY)
    await invitations.reward_due(FINAL + DAY)
    await refund_all(first)
    assert await held(inviter, member_id) == [100, 100]
    await refund_all(second)
    assert await held(inviter, member_id) == [0, 0]
    await assert_books_agree()


async def test_an_order_refunded_before_the_run_brings_nothing_and_the_next_one_does() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    await refund_all(await final_order(member_id))
    assert await invitations.reward_due(FINAL) == 1
    assert await rewards() == []
    await final_order(member_id, at=FINAL + DAY)
    await invitations.reward_due(FINAL + DAY)
    assert await rewards() == [(100, 100, 1, None)]


async def bought_at_a_counter(member_id: UUID, number: str) -> UUID:
    purchase = ShopPurchase("till", number, member_id, None, 990, FINAL)
    return await shop_purchases.record(purchase)


async def test_a_purchase_at_a_counter_counts_like_an_order() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    purchase_id = await bought_at_a_counter(member_id, "1")
    assert await bought_at_a_counter(member_id, "1") == purchase_id
    assert await invitations.reward_due(FINAL) == 1
    await bought_at_a_counter(member_id, "2")
    assert await invitations.reward_due(FINAL) == 0
    assert await rewards() == [(100, 100, 1, None)]
    assert await db.fetch_value("SELECT purchase_id FROM invitation_reward") == purchase_id
    await assert_books_agree()


async def bring_back(purchase_id: UUID, amount_fen: int, number: str) -> None:
    await shop_purchases.give_back(
        purchase_id, amount_fen, source="till", source_id=number, now=FINAL + DAY
    )


async def test_bringing_all_back_takes_the_reward_back_unless_another_purchase_stands() -> None:
    inviter = await a_member()
    member_id = await invited(inviter)
    purchase_id = await bought_at_a_counter(member_id, "1")
    await invitations.reward_due(FINAL)
    await bring_back(purchase_id, 500, "r1")
    order_id = await final_order(member_id)
    await bring_back(purchase_id, 490, "r2")
    assert await db.fetch_value("SELECT order_id FROM invitation_reward") == order_id
    assert (await held(inviter))[0] == 100
    await refund_all(order_id)
    assert await held(inviter) == [0]
    await assert_books_agree()


async def test_a_failing_one_is_put_off_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inviter = await a_member()
    sick, well = await invited(inviter), await invited(inviter)
    for member_id in (sick, well):
        await final_order(member_id)
    grant = points.grant

    async def fail_for_one(member_id: UUID, *args: Any, **options: Any) -> int:
        if member_id == sick:
            raise RuntimeError("broken")
        return await grant(member_id, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(points, "grant", fail_for_one)
        assert await invitations.reward_due(FINAL) == 2
    assert await held(inviter, sick, well) == [100, 0, 100]
    assert await invitations.reward_due(FINAL) == 0
    assert await invitations.reward_due(FINAL + DAY) == 1
    assert [row[:2] for row in await rewards()] == [(100, 100), (100, 100)]
    await assert_books_agree()


async def give_phone(member_id: UUID, digest: bytes) -> None:
    await db.execute(
        "UPDATE member SET phone_hash = $2, phone_encrypted = $2, phone_verified_at = $3"
        " WHERE id = $1",
        member_id,
        digest,
        NOW,
    )


async def accept(member_id: UUID, inviter_id: UUID) -> None:
    code = (await code_of(inviter_id)).lower()
    await invitations.accept(member_id, Invitation(f" {code} "), now=NOW)


async def inviter_of(member_id: UUID) -> UUID | None:
    found: UUID | None = await db.fetch_value(
        "SELECT invited_by_id FROM member WHERE id = $1", member_id
    )
    return found


async def test_a_visitor_accepts_one_invitation_and_repeating_it_changes_nothing() -> None:
    visitor, inviter, other = await a_member(joined=False), await a_member(), await a_member()
    await accept(visitor, inviter)
    await accept(visitor, inviter)
    with pytest.raises(InvitationNotPossible):
        await accept(visitor, other)
    assert await inviter_of(visitor) == inviter


async def test_members_themselves_and_unknown_codes_are_refused() -> None:
    visitor, member_id = await a_member(joined=False), await a_member()
    with pytest.raises(InvitationNotPossible):
        await accept(visitor, visitor)
    with pytest.raises(InvitationNotPossible):
        await accept(member_id, await a_member())
    with pytest.raises(NotFound) as refusal:
        await invitations.accept(visitor, Invitation("NOBODY99"), now=NOW)
    assert refusal.value.path == ("inviteCode",)
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", visitor)
    with pytest.raises(AccountBlocked):
        await accept(visitor, member_id)
    assert await inviter_of(visitor) is None


async def test_ten_invitations_accepted_at_once_bind_one() -> None:
    visitor = await a_member(joined=False)
    inviters = [await a_member() for _ in range(10)]
    done = await asyncio.gather(
        *(accept(visitor, inviter) for inviter in inviters), return_exceptions=True
    )
    [bound] = [inviter for inviter, one in zip(inviters, done, strict=True) if one is None]
    assert await inviter_of(visitor) == bound
    assert sum(isinstance(one, InvitationNotPossible) for one in done) == 9


async def test_the_list_shows_how_far_each_one_is() -> None:
    inviter = await a_member()
    joined, ordered, done, back = [await invited(inviter) for _ in range(4)]
    await bought(ordered, (await a_sku(10), 1))
    await final_order(done)
    await invitations.reward_due(FINAL)
    back_order = await final_order(back)
    await invitations.reward_due(FINAL)
    await refund_all(back_order)
    page = await invitations.invitees(inviter, PageRequest(first=10))
    shown = {row["id"]: (row["has_ordered"], row["is_settled"], row["points"]) for row in page.rows}
    assert shown == {
        joined: (False, False, 0),
        ordered: (True, False, 0),
        done: (True, True, 100),
        back: (False, True, 0),
    }
    assert await page.count() == 4


async def test_a_merge_adds_rewarded_invitations_up_and_keeps_who_was_rewarded() -> None:
    survivor, loser = await a_member(), await a_member()
    await db.execute("UPDATE member SET created_at = $2 WHERE id = $1", survivor, NOW - DAY)
    sku = await a_sku(10)
    for inviter in (survivor, loser):
        for _ in range(6):
            await final_order(await invited(inviter), sku=sku)
    await invitations.reward_due(FINAL)
    assert await merging.merge(loser, survivor, now=FINAL) == survivor
    seats = await db.fetch("SELECT inviter_id, seat FROM invitation_reward ORDER BY seat")
    assert [tuple(row) for row in seats] == [(survivor, seat) for seat in range(1, 13)]
    await final_order(await invited(survivor), sku=sku)
    await invitations.reward_due(FINAL)
    assert await held(survivor) == [1_200]
    await assert_books_agree()


async def test_an_invited_member_who_is_merged_is_rewarded_once() -> None:
    inviter = await a_member()
    older, younger = await invited(inviter), await invited(inviter)
    await db.execute("UPDATE member SET created_at = $2 WHERE id = $1", older, NOW - DAY)
    await final_order(younger)
    await invitations.reward_due(FINAL)
    await merging.merge(younger, older, now=FINAL)
    await final_order(older)
    assert await invitations.reward_due(FINAL) == 0
    assert await held(inviter, older) == [100, 100]


async def test_a_reward_that_is_due_is_the_survivor_s_after_a_merge() -> None:
    inviter = await a_member()
    older, younger = await invited(inviter), await invited(inviter)
    await db.execute("UPDATE member SET created_at = $2 WHERE id = $1", older, NOW - DAY)
    await final_order(younger)
    await merging.merge(younger, older, now=FINAL)
    assert await invitations.reward_due(FINAL) == 1
    assert await held(inviter, older) == [100, 100]
    assert await db.fetch_value("SELECT invitee_id FROM invitation_reward") == older
