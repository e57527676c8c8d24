"""Leaving and coming back: who was there is forgotten, what was booked stays true."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from domain.accounts import LeavingNotConfirmed, SomethingOpen
from domain.errors import AccountBlocked, Busy, InvalidInput, WechatCodeInvalid
from domain.ledger import EntryReason, SourceKind
from domain.members import IdentityKind
from domain.messages import MessageEvent
from domain.phones import SmsCodeInvalid
from domain.wechat import WechatIdentity
from models import database as db
from models.ids import new_id
from models.members import Session, Upload
from services import (
    checkin,
    consents,
    finality,
    former_identities,
    identities,
    leaving,
    messages,
    phones,
    points,
    sessions,
    sms_codes,
)
from services.leaving import Leave
from services.uploads import PictureStorage
from tests.factories.members import JOINING, agreements
from tests.factories.orders import bought
from tests.factories.shop import DATA, NOW, a_buyer, a_cart_line, a_member, a_sku
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
ENDS = datetime(2026, 11, 29, 16, tzinfo=UTC)
"""Asked on the 22nd in Shanghai: seven whole days follow."""
APPID, OPENID, PHONE = "wx-mini", "openid-1", "+8613800138000"


class App:
    """The mini-program: a code is the openid behind it."""

    appid = APPID

    async def exchange(self, code: str) -> WechatIdentity:
        """Tell who is behind a code."""
        return WechatIdentity(appid=APPID, openid=code)


class OpenDoors:
    """Limits that let everybody in."""

    async def knock(self, _door: str, _address: str) -> int | None:
        """Count nothing."""
        return None


class Pictures:
    """A storage that notes what was deleted."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    async def delete(self, key: str) -> None:
        """Note it."""
        self.deleted.append(key)


async def sign_in(openid: str = OPENID, *, now: datetime = NOW) -> UUID:
    account = WechatIdentity(appid=APPID, openid=openid)

    async def work() -> UUID:
        async with db.in_transaction():
            found = await identities.member_behind(
                account, IdentityKind.MINI_PROGRAM, viewer_id=None, personal_data=DATA, now=now
            )
            await sessions.open_session(found.member_id, appid=APPID, lifetime=30 * DAY, now=now)
            return found.member_id

    return await db.retrying(work)


async def somebody() -> UUID:
    """Make a member with a phone, points and everything else there is to forget."""
    await agreements()
    member_id = await sign_in()
    phone = phones.seal(PHONE, DATA)
    await consents.record(member_id, JOINING, now=NOW)
    await db.execute(
        """
        UPDATE member SET nickname = '小明', birthday = '1990-02-28', gender = 'MALE',
            avatar_url = '/media/a.png', phone_encrypted = $2, phone_hash = $3,
            phone_verified_at = $4 WHERE id = $1
        """,
        member_id,
        phone.sealed,
        phone.digest,
        NOW,
    )
    await points.grant(
        member_id,
        70,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=NOW,
    )
    await checkin.check_in(member_id, now=NOW)
    await messages.tell(
        [member_id], MessageEvent.CHECK_IN_REMINDER, source_id=new_id(), facts={}, now=NOW
    )
    return member_id


async def ask(member_id: UUID, *, now: datetime = NOW, **other: Any) -> datetime:
    session_id = await db.fetch_value("SELECT id FROM session WHERE member_id = $1", member_id)
    options: dict[str, Any] = {"confirm": True, "wechat_code": OPENID} | other
    command = Leave(member_id=member_id, session_id=session_id or new_id(), **options)
    return await leaving.ask_to_leave(
        command, app=App(), personal_data=DATA, limits=OpenDoors(), now=now
    )


async def due(pictures: Pictures, now: datetime) -> int:
    return await leaving.leave_due(DATA, cast("PictureStorage", pictures), now=now)


async def leave_due(now: datetime = ENDS) -> Pictures:
    pictures = Pictures()
    while await due(pictures, now):
        pass
    return pictures


async def test_asking_ends_all_sessions_and_leaves_seven_whole_days() -> None:
    member_id = await somebody()
    await sign_in()
    assert await ask(member_id) == ENDS
    assert await Session.filter(member_id=member_id, revoked_at__isnull=True).count() == 0
    assert {row.revoke_reason for row in await Session.all()} == {"LEAVING"}
    # A second wish keeps the first one's day.
    assert await ask(member_id, now=NOW + DAY, wechat_code=None, sms_code=await sms()) == ENDS


async def sms(now: datetime = NOW + DAY) -> str:
    code = "123456"
    await db.execute(
        """
        INSERT INTO sms_code (id, phone_hash, code_hash, attempts_left, sent_at, expires_at)
        VALUES ($1, $2, $3, 5, $4, $5)
        """,
        new_id(),
        DATA.phone_digest(PHONE),
        DATA.code_digest(PHONE, code),
        now,
        now + timedelta(minutes=5),
    )
    return code


async def test_signing_in_is_staying() -> None:
    member_id = await somebody()
    await ask(member_id)
    assert await sign_in(now=ENDS - timedelta(seconds=1)) == member_id
    assert await due(Pictures(), ENDS) == 0
    assert await points.spendable(member_id, now=ENDS) == 75


async def test_the_person_is_forgotten_and_the_book_stays_true() -> None:
    member_id = await somebody()
    await a_cart_line(member_id, await a_sku())
    await Upload.create(
        member_id=member_id,
        purpose="AVATAR",
        content_type="image/png",
        bytes=1,
        status="STORED",
        storage_key="avatar/1.png",
        expires_at=NOW,
        created_at=NOW,
    )
    await ask(member_id)
    assert (await leave_due(ENDS - timedelta(microseconds=1))).deleted == []
    assert (await leave_due(ENDS + 3 * DAY)).deleted == ["avatar/1.png"]
    row = await db.fetch_one(
        "SELECT status, left_at, leaves_at, nickname, avatar_url, gender, birthday,"
        " phone_encrypted, phone_hash, phone_verified_at FROM member WHERE id = $1",
        member_id,
    )
    assert row is not None
    assert tuple(row) == ("LEFT", ENDS, None, "", None, "UNKNOWN", None, None, None, None)
    for table in ("identity", "address", "cart_line", "message", "upload"):
        assert await db.fetch_value(f"SELECT count(*) FROM {table}") == 0, table
    entry = await db.fetch_one(
        "SELECT reason, created_at, delta, balance_after FROM ledger_entry"
        " WHERE source_kind = 'LEAVING' AND seq IS NOT NULL"
    )
    assert entry is not None
    assert tuple(entry) == ("EXPIRY", ENDS, -75, 0)
    assert await db.fetch_value("SELECT count(*) FROM check_in") == 1
    await assert_books_agree()


async def test_leaving_twice_writes_nothing_more() -> None:
    member_id = await somebody()
    await ask(member_id)
    pictures = Pictures()
    await asyncio.gather(*(due(pictures, ENDS) for _ in range(4)))
    assert await due(pictures, ENDS) == 0
    assert await db.fetch_value("SELECT count(*) FROM former_identity") == 2
    with pytest.raises(AccountBlocked):
        await checkin.check_in(member_id, now=ENDS)
    await assert_books_agree()


async def test_nobody_leaves_with_something_open() -> None:
    await agreements()
    member_id = await a_buyer()
    order_id = await bought(member_id, (await a_sku(1_000), 1))
    with pytest.raises(SomethingOpen):
        await ask(member_id)
    await db.execute("UPDATE sales_order SET status = 'COMPLETED', refunds_open = 1")
    with pytest.raises(SomethingOpen):
        await ask(member_id)
    # One that is opened later puts it off, a day at a time; so does one that isn't final yet.
    await db.execute("UPDATE member SET leaves_at = $2 WHERE id = $1", member_id, ENDS)
    await leave_due(ENDS)
    assert await db.fetch_value("SELECT leaves_at FROM member WHERE id = $1", member_id) == (
        ENDS + DAY
    )
    await db.execute("UPDATE sales_order SET refunds_open = 0 WHERE id = $1", order_id)
    await finality.receive(order_id, at=NOW + DAY)
    await leave_due(ENDS + DAY)
    assert await db.fetch_value("SELECT status FROM member WHERE id = $1", member_id) == "ACTIVE"
    assert await finality.finalize_due(ENDS + DAY) == 1
    await leave_due(ENDS + 2 * DAY)
    assert await db.fetch_value("SELECT status FROM member WHERE id = $1", member_id) == "LEFT"
    kept = await db.fetch_one("SELECT member_id, payable_fen FROM sales_order")
    assert kept is not None
    assert tuple(kept) == (member_id, 1_000 + 800)
    await assert_books_agree()


async def test_who_waits_for_postgresql_holds_up_nobody_and_is_not_put_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting, ready = await a_member(), await a_member()
    await db.execute("UPDATE member SET leaves_at = $1", ENDS)
    leave = leaving._leave

    async def busy_for_one(member_id: UUID, *others: Any) -> bool:
        if member_id == waiting:
            raise Busy
        return await leave(member_id, *others)

    with monkeypatch.context() as patched:
        patched.setattr(leaving, "_leave", busy_for_one)
        assert await due(Pictures(), ENDS) == 1
        with pytest.raises(Busy):
            await due(Pictures(), ENDS)
    rows = await db.fetch("SELECT id, status, leaves_at FROM member")
    assert {tuple(row) for row in rows} == {(waiting, "ACTIVE", ENDS), (ready, "LEFT", None)}
    assert await due(Pictures(), ENDS) == 1


async def test_only_the_owner_s_proof_counts() -> None:
    member_id = await somebody()
    await sign_in("somebody-else")
    with pytest.raises(LeavingNotConfirmed):
        await ask(member_id, confirm=False)
    for wrong in ("somebody-else", "nobody", "no code\n"):
        with pytest.raises(WechatCodeInvalid) as refusal:
            await ask(member_id, wechat_code=wrong)
        assert refusal.value.path[:1] == ("wechatCode",)
    for both in ({"sms_code": "123456"}, {"wechat_code": None}):
        with pytest.raises(InvalidInput):
            await ask(member_id, **both)
    await sms(NOW)
    with pytest.raises(SmsCodeInvalid):
        await ask(member_id, wechat_code=None, sms_code="654321")
    with pytest.raises(SmsCodeInvalid):
        await ask(await a_member(), wechat_code=None, sms_code="123456")
    assert await db.fetch_value("SELECT count(*) FROM member WHERE leaves_at IS NOT NULL") == 0


async def test_an_sms_code_is_good_once() -> None:
    member_id = await somebody()
    code = await sms(NOW)
    assert await ask(member_id, wechat_code=None, sms_code=code) == ENDS
    with pytest.raises(SmsCodeInvalid):
        await ask(member_id, wechat_code=None, sms_code=code)


@pytest.mark.parametrize("by", ["openid", "phone"])
async def test_who_comes_back_is_a_new_member_without_newcomers_gifts_for_a_year(by: str) -> None:
    member_id = await somebody()
    await ask(member_id)
    await leave_due()
    back = ENDS + 30 * DAY
    if by == "openid":
        anew = await sign_in(now=back)
    else:
        anew = await sign_in("another", now=back)
        await former_identities.know_again(anew, DATA.phone_digest(PHONE), now=back)
    assert anew != member_id
    gifts_from = await db.fetch_value("SELECT newcomer_gifts_from FROM member WHERE id = $1", anew)
    assert gifts_from == datetime(2027, 11, 30, 16, tzinfo=UTC)
    assert await points.spendable(anew, now=back) == 0


async def test_who_was_never_here_is_a_newcomer() -> None:
    member_id = await somebody()
    await ask(member_id)
    await leave_due()
    other = await sign_in("another", now=ENDS)
    assert (
        await db.fetch_value("SELECT newcomer_gifts_from FROM member WHERE id = $1", other) is None
    )


async def test_the_hashes_are_kept_as_long_as_they_matter() -> None:
    member_id = await somebody()
    await ask(member_id)
    await leave_due()
    digest = former_identities.openid_digest(APPID, OPENID, DATA)
    kept = await db.fetch("SELECT digest FROM former_identity")
    assert {row["digest"] for row in kept} == {digest, DATA.phone_digest(PHONE)}
    assert await former_identities.forget_former(now=ENDS + 366 * DAY) == 0
    assert await former_identities.forget_former(now=ENDS + 368 * DAY) == 2


async def test_a_failing_one_is_put_off_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sick, well = await a_member(), await a_member()
    await db.execute("UPDATE member SET leaves_at = $1", ENDS)
    write_off = points.write_off

    async def fail_for_one(member_id: UUID, **options: Any) -> int:
        if member_id == sick:
            raise RuntimeError("broken")
        return await write_off(member_id, **options)

    monkeypatch.setattr(points, "write_off", fail_for_one)
    await leave_due()
    rows = await db.fetch("SELECT id, status, leaves_at FROM member ORDER BY status")
    assert [tuple(row) for row in rows] == [
        (sick, "ACTIVE", ENDS + DAY),
        (well, "LEFT", None),
    ]


async def test_codes_sent_before_leaving_find_nobody_after() -> None:
    member_id = await somebody()
    await ask(member_id)
    await leave_due()
    assert await phones.holder_of(DATA.phone_digest(PHONE)) is None
    with pytest.raises(SmsCodeInvalid):
        await sms_codes.check(PHONE, "123456", personal_data=DATA, now=ENDS)


async def test_signing_in_at_the_last_instant_is_staying_or_coming_back() -> None:
    member_id = await somebody()
    for round_ in range(5):
        await db.execute("UPDATE member SET leaves_at = $1 WHERE status = 'ACTIVE'", ENDS)
        await asyncio.gather(
            due(Pictures(), ENDS), *(sign_in(now=ENDS) for _ in range(3)), due(Pictures(), ENDS)
        )
        here = await sign_in(now=ENDS)
        statuses = await db.fetch("SELECT id, status FROM member WHERE id = $1", here)
        assert [row["status"] for row in statuses] == ["ACTIVE"], round_
        stays = here == member_id
        left = await db.fetch_value("SELECT status FROM member WHERE id = $1", member_id)
        assert left == ("ACTIVE" if stays else "LEFT")
        member_id = here
    assert await db.fetch_value("SELECT count(*) FROM identity") == 1
    await assert_books_agree()
