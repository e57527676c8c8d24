"""Two members become one: everything moves, once, and nothing is lost on the way."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import DomainError
from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from domain.members import AgreementKind, IdentityKind, SceneKind, UploadPurpose
from domain.rules import DailyCapRules, PointsRules, Rules
from models import database as db
from models.catalog import PurchaseCount
from models.ids import new_id
from models.members import Address, Consent, Identity, Member, MemberMerge, Scene, Session, Upload
from models.orders import CartLine, IdempotencyKey, Order
from services import consents, ledger, members, merging, points, rules
from services.consents import Answer
from services.members import Phone
from services.verification import verify
from tests.factories.members import JOINING, VERSION, agreements
from tests.factories.shop import a_cart_line, a_sku, an_address

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
pytestmark = pytest.mark.usefixtures("database")


async def _member(*, now: datetime = NOW, phone: Phone | None = None) -> UUID:
    async with db.in_transaction():
        return await members.create(now=now, phone=phone)


async def _merge(first: UUID, second: UUID, *, now: datetime = NOW) -> UUID | None:
    async def work() -> UUID | None:
        async with db.in_transaction():
            return await merging.merge(first, second, now=now)

    return await db.retrying(work)


async def _identity(
    member_id: UUID, appid: str, openid: str, *, unionid: str | None = None
) -> None:
    await Identity.create(
        member_id=member_id,
        kind=IdentityKind.MINI_PROGRAM,
        appid=appid,
        openid=openid,
        unionid=unionid,
        created_at=NOW,
        updated_at=NOW,
    )


async def _post(member_id: UUID, kind: AccountKind, amount: int, unit: Unit = Unit.POINTS) -> None:
    issuer = AccountKind.ISSUED if unit is Unit.POINTS else AccountKind.GROWTH_ISSUED
    posting = Posting(system_account(issuer), member_account(member_id, kind), amount)
    await ledger.post(
        [posting],
        unit=unit,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=NOW,
    )


async def _points(member_id: UUID, amount: int, *, expires_at: datetime) -> None:
    await points.grant(
        member_id,
        amount,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=NOW,
        expires_at=expires_at,
    )


async def _order(member_id: UUID) -> UUID:
    order = await Order.create(
        order_no=new_id().hex[:30],
        member_id=member_id,
        status="CANCELLED",
        delivery="PICKUP",
        goods_total_fen=0,
        discount_total_fen=0,
        shipping_fen=0,
        points_spent=0,
        points_off_fen=0,
        payable_fen=0,
        tier_code="REGULAR",
        placed_at=NOW,
        pay_before=NOW,
    )
    return order.id


async def _assert_books_agree() -> None:
    findings = [
        finding
        for finding in await verify()
        if finding.check.name.startswith(("ledger.", "points.")) and not finding.is_clean
    ]
    assert findings == []


async def _owned(table: str, member_id: UUID, owner: str = "member_id") -> int:
    count: int = await db.fetch_value(f"SELECT count(*) FROM {table} WHERE {owner} = $1", member_id)
    return count


async def test_points_and_growth_are_added_with_their_lots() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    soon, late = NOW + timedelta(days=10), NOW + timedelta(days=300)
    await _points(older, 40, expires_at=late)
    await _points(younger, 100, expires_at=soon)
    await points.book_pending(
        younger, 30, reason=EntryReason.ORDER, source=(SourceKind.ORDER, new_id()), now=NOW
    )
    await _post(older, AccountKind.GROWTH, 2_000, Unit.GROWTH)
    await _post(younger, AccountKind.GROWTH, 1_500, Unit.GROWTH)
    await _post(younger, AccountKind.GROWTH_PENDING, 5, Unit.GROWTH)

    assert await _merge(younger, older) == older

    balances = await ledger.balances([older, younger])
    assert balances[older] == {
        AccountKind.SPENDABLE: 240,
        AccountKind.PENDING: 30,
        AccountKind.DEBT: 0,
        AccountKind.GROWTH: 3_500,
        AccountKind.GROWTH_PENDING: 5,
    }
    assert set(balances[younger].values()) == {0}
    lots = await db.fetch(
        "SELECT member_id, remaining, expires_at FROM points_lot ORDER BY expires_at NULLS LAST"
    )
    assert [tuple(lot) for lot in lots] == [
        (older, 100, soon),
        (older, 40, late),
        (older, 100, datetime(2027, 11, 22, 16, 0, tzinfo=UTC)),  # The gift of the tier.
        (older, 30, None),
    ]
    survivor = await Member.get(id=older)
    assert (survivor.tier_code, survivor.tier_since) == ("SILVER", NOW)
    assert survivor.tier_review_at == datetime(2027, 11, 22, 16, 0, tzinfo=UTC)
    await _assert_books_agree()


async def _owe(member_id: UUID, amount: int) -> None:
    """Take back points that the member never had."""
    source = (SourceKind.REFUND, new_id())
    clawed = await points.take_back(
        member_id,
        amount,
        earned_by=(SourceKind.ORDER, new_id()),
        source=source,
        reason=EntryReason.ORDER_RETURNED,
        now=NOW,
    )
    assert clawed.debt == amount


async def test_what_both_owe_is_added() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _owe(older, 3)
    await _owe(younger, 4)
    await _merge(younger, older)
    assert (await ledger.balances([older]))[older][AccountKind.DEBT] == 7
    await _assert_books_agree()


async def test_what_one_has_repays_what_the_other_owes() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _points(older, 40, expires_at=NOW + timedelta(days=300))
    await _points(older, 5, expires_at=NOW + timedelta(days=10))
    await _owe(younger, 8)
    await _merge(younger, older)
    balances = (await ledger.balances([older]))[older]
    assert (balances[AccountKind.SPENDABLE], balances[AccountKind.DEBT]) == (37, 0)
    lots = await db.fetch("SELECT remaining FROM points_lot ORDER BY expires_at")
    assert [lot["remaining"] for lot in lots] == [0, 37]
    earned = await db.fetch("SELECT member_id, earned FROM ledger_account WHERE earned > 0")
    assert [tuple(row) for row in earned] == [(older, 45)]
    await _assert_books_agree()


async def test_what_both_were_given_today_counts_against_one_cap() -> None:
    caps = PointsRules(daily_caps=(DailyCapRules("REVIEW", 50),))
    await rules.publish(Rules(points=caps), effective_at=LONG_AGO, now=LONG_AGO)
    older, younger = await _member(now=LONG_AGO), await _member()

    async def review(member_id: UUID) -> int:
        source = (SourceKind.ADJUSTMENT, new_id())
        return await points.grant(member_id, 20, reason=EntryReason.REVIEW, source=source, now=NOW)

    assert [await review(member_id) for member_id in (older, younger)] == [20, 20]
    await _merge(younger, older)
    assert await _owned("points_cap_count", younger) == 0
    assert [await review(older) for _ in range(2)] == [10, 0]
    await _assert_books_agree()


async def test_everything_that_has_an_owner_moves() -> None:
    older, younger, invited = await _member(now=LONG_AGO), await _member(), await _member()
    sku = await a_sku()
    await _identity(younger, "wx-mini", "o1")
    await Session.create(
        member_id=younger, rotated_at=NOW, expires_at=NOW + timedelta(days=30), created_at=NOW
    )
    order_id = await _order(younger)
    await an_address(older)
    await an_address(younger)
    await Upload.create(
        member_id=younger,
        purpose=UploadPurpose.AVATAR,
        content_type="image/png",
        bytes=1,
        storage_key="k",
        expires_at=NOW,
        created_at=NOW,
    )
    await Scene.create(code="s1", kind=SceneKind.HOME, inviter_id=younger, created_at=NOW)
    await PurchaseCount.create(member_id=older, sku_id=sku.id, pieces=2)
    await PurchaseCount.create(member_id=younger, sku_id=sku.id, pieces=3)
    await IdempotencyKey.create(
        actor_id=younger, operation="placeOrder", key="k", request_hash=b"h", created_at=NOW
    )
    await Member.filter(id=invited).update(invited_by_id=younger)

    assert await _merge(older, younger) == older

    for table in ("identity", "session", "sales_order", "upload", "purchase_count"):
        assert (await _owned(table, older), await _owned(table, younger)) == (1, 0), table
    assert (await Order.get(id=order_id)).member_id == older  # type: ignore[attr-defined]  # Tortoise makes it.
    assert await _owned("idempotency_key", older, "actor_id") == 1
    assert await _owned("scene", older, "inviter_id") == 1
    assert await _owned("member", older, "invited_by_id") == 1
    assert (await PurchaseCount.get()).pieces == 5
    assert await Address.filter(member_id=older).count() == 2
    assert await Address.filter(member_id=older, is_default=True).count() == 1
    loser = await Member.get(id=younger)
    assert (loser.status, loser.merged_into_id) == ("MERGED", older)  # type: ignore[attr-defined]
    record = await MemberMerge.get()
    assert (record.loser_id, record.survivor_id) == (younger, older)  # type: ignore[attr-defined]
    assert record.moved["orders"] == record.moved["sessions"] == record.moved["purchases"] == 1


async def test_the_carts_become_one_of_at_most_99_pieces_each() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    both, own, other = await a_sku(), await a_sku(), await a_sku()
    await a_cart_line(older, both, 60, selected=False)
    await a_cart_line(older, own, 2)
    await a_cart_line(younger, both, 60)
    await a_cart_line(younger, other, 3)
    await _merge(older, younger)
    lines = {line.sku_id: line for line in await CartLine.all()}  # type: ignore[attr-defined]
    assert {sku: line.quantity for sku, line in lines.items()} == {
        both.id: 99,
        own.id: 2,
        other.id: 3,
    }
    assert lines[both.id].selected
    assert await _owned("cart_line", older) == 3


async def test_a_default_address_of_the_loser_stays_the_default_of_one_without() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    address_id = await an_address(younger)
    await _merge(older, younger)
    assert (await Address.get(member_id=older, is_default=True)).id == address_id


@pytest.mark.parametrize("older_said_no", [True, False])
async def test_a_refusal_wins_whoever_said_it_and_whenever(*, older_said_no: bool) -> None:
    await agreements()
    older, younger = await _member(now=LONG_AGO), await _member()
    no, yes = (older, younger) if older_said_no else (younger, older)
    async with db.in_transaction():
        refusal = Answer(AgreementKind.MARKETING, VERSION, given=False)
        await consents.record(no, [*JOINING, refusal], now=NOW - timedelta(hours=2))
        consent = Answer(AgreementKind.MARKETING, VERSION, given=True)
        await consents.record(yes, [consent], now=NOW - timedelta(hours=1))
    await _merge(older, younger)
    standing = await consents.standing(older)
    assert standing[AgreementKind.MARKETING].given is False
    assert standing[AgreementKind.MEMBERSHIP].given is True
    assert (await Member.get(id=older)).joined_at == NOW - timedelta(hours=2)
    assert await Consent.filter(member_id=younger).count() == 0


async def test_a_refusal_of_what_is_required_leaves_a_visitor() -> None:
    await agreements()
    older, younger = await _member(now=LONG_AGO), await _member()
    async with db.in_transaction():
        await consents.record(older, JOINING, now=NOW - timedelta(hours=2))
        refusal = Answer(AgreementKind.PRIVACY, VERSION, given=False)
        await consents.record(younger, [refusal], now=NOW - timedelta(hours=3))
    await _merge(older, younger)
    assert (await Member.get(id=older)).joined_at is None


async def test_the_phone_that_was_verified_last_stays() -> None:
    older = await _member(now=LONG_AGO, phone=Phone(b"old", b"old-digest"))
    younger = await _member(phone=Phone(b"new", b"new-digest"))
    await _merge(older, younger)
    survivor, loser = await Member.get(id=older), await Member.get(id=younger)
    assert (survivor.phone_encrypted, survivor.phone_hash) == (b"new", b"new-digest")
    assert (loser.phone_encrypted, loser.phone_hash) == (None, None)


async def test_nobody_is_left_as_their_own_inviter() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await Member.filter(id=older).update(invited_by_id=younger)
    await Member.filter(id=younger).update(invited_by_id=older)
    await _merge(older, younger)
    assert (await Member.get(id=older)).invited_by_id is None  # type: ignore[attr-defined]


async def test_two_openids_of_one_app_stay_apart() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _identity(older, "wx-mini", "o1")
    await _identity(younger, "wx-mini", "o2")
    await _points(younger, 10, expires_at=NOW + timedelta(days=1))
    assert await _merge(older, younger) is None
    assert await MemberMerge.all().count() == 0
    assert await _owned("points_lot", younger) == 1


async def test_two_unionids_stay_apart() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _identity(older, "wx-mini", "o1", unionid="u1")
    await _identity(younger, "wx-official", "o2", unionid="u2")
    assert await _merge(older, younger) is None
    assert await MemberMerge.all().count() == 0


@pytest.mark.parametrize("status", ["BLOCKED", "LEFT"])
async def test_a_closed_account_is_not_merged(status: str) -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await Member.filter(id=older).update(status=status)
    assert await _merge(older, younger) is None
    assert await MemberMerge.all().count() == 0


async def test_merging_again_answers_the_same_and_writes_nothing() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _points(younger, 10, expires_at=NOW + timedelta(days=1))
    assert [await _merge(older, younger) for _ in range(2)] == [older, older]
    assert await _merge(younger, older) == older
    assert await MemberMerge.all().count() == 1
    assert (await ledger.balances([older]))[older][AccountKind.SPENDABLE] == 10
    await _assert_books_agree()


async def test_who_was_merged_stands_for_the_survivor() -> None:
    oldest = await _member(now=LONG_AGO - timedelta(days=1))
    older, younger = await _member(now=LONG_AGO), await _member()
    assert await _merge(older, younger) == older
    assert await _merge(younger, oldest) == oldest
    assert await members.survivor_of(younger) == oldest


async def _total(ids: Sequence[UUID], kind: AccountKind) -> int:
    return sum(accounts[kind] for accounts in (await ledger.balances(ids)).values())


async def test_simultaneous_merges_of_three_leave_one_with_everything() -> None:
    ids = [await _member(now=LONG_AGO + timedelta(days=day)) for day in range(3)]
    for index, member_id in enumerate(ids):
        await _points(member_id, 10 ** (index + 1), expires_at=NOW + timedelta(days=1))
        await _order(member_id)
    first, second, third = ids
    pairs = [(first, second), (second, third), (third, first), (second, first), (third, second)]
    survivors = await asyncio.gather(*(_merge(*pair) for pair in pairs))
    assert set(survivors) <= {first, second}
    assert [row.id for row in await Member.filter(status="ACTIVE")] == [first]
    assert await MemberMerge.all().count() == 2
    assert (await ledger.balances([first]))[first][AccountKind.SPENDABLE] == 1_110
    assert await _total(ids, AccountKind.SPENDABLE) == 1_110
    assert await _owned("sales_order", first) == 3
    await _assert_books_agree()


async def test_points_spent_while_merging_are_spent_once() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _points(younger, 100, expires_at=NOW + timedelta(days=1))

    async def spend() -> int:
        async def work() -> None:
            async with db.in_transaction():
                await points.spend(
                    younger,
                    10,
                    reason=EntryReason.ORDER_DEDUCTION,
                    source=(SourceKind.ORDER, new_id()),
                    now=NOW,
                )

        try:
            await db.retrying(work)
        except DomainError:
            return 0
        return 10

    spent = await asyncio.gather(*(spend() for _ in range(5)), _merge(older, younger))
    await merging.gather_stragglers(now=NOW)
    left = (await ledger.balances([older]))[older][AccountKind.SPENDABLE]
    assert left == 100 - sum(amount for amount in spent[:-1] if isinstance(amount, int))
    assert await _total([younger], AccountKind.SPENDABLE) == 0
    await _assert_books_agree()


async def test_what_is_written_for_the_loser_after_the_merge_follows() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _merge(older, younger)
    sku = await a_sku()
    await a_cart_line(younger, sku, 2)
    await _order(younger)
    await points.book_pending(
        younger, 30, reason=EntryReason.ORDER, source=(SourceKind.ORDER, new_id()), now=NOW
    )
    later = NOW + timedelta(minutes=1)
    assert await merging.gather_stragglers(now=later) == 1
    assert await merging.gather_stragglers(now=later) == 0
    assert (await _owned("cart_line", older), await _owned("sales_order", older)) == (1, 1)
    assert (await ledger.balances([older]))[older][AccountKind.PENDING] == 30
    await _assert_books_agree()


async def test_one_that_cannot_be_gathered_does_not_keep_the_others_waiting() -> None:
    stuck, younger = await _member(now=LONG_AGO), await _member()
    await _identity(stuck, "app", "o1")
    await _merge(stuck, younger, now=NOW - timedelta(minutes=1))
    await _identity(younger, "app", "o2")  # A second identity of one app can't move over.
    older, other = await _member(now=LONG_AGO), await _member()
    await _merge(older, other)
    await _order(other)
    assert await merging.gather_stragglers(now=NOW + timedelta(minutes=1)) == 1
    assert await _owned("sales_order", older) == 1


async def test_old_merges_are_not_looked_at_again() -> None:
    older, younger = await _member(now=LONG_AGO), await _member()
    await _merge(older, younger)
    await _order(younger)
    assert await merging.gather_stragglers(now=NOW + merging.STRAGGLERS_FOR) == 0
