"""Benefits are given once in their window, at first sight, with a record."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.ledger import AccountKind
from domain.rules import MemberRules, Rules
from models import database as db
from services import benefits, consents, ledger, presence, shop_purchases
from services import rules as rule_versions
from services.shop_purchases import ShopPurchase
from tests.factories.members import JOINING, agreements
from tests.factories.shop import a_member
from tests.support.shopping import assert_books_agree
from tests.support.statements import StatementLog

SUNDAY = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


async def _member(*, tier: str = "REGULAR", birthday: date | None = None) -> UUID:
    """Make a member who has accepted what is required."""
    await agreements()
    member_id = await a_member(tier=tier, birthday=birthday)
    async with db.in_transaction():
        await consents.record(member_id, JOINING, now=SUNDAY)
    return member_id


async def _coupons(member_id: UUID) -> list[tuple[Any, ...]]:
    rows = await db.fetch(
        """
        SELECT terms.amount_off_fen, terms.min_spend_fen, coupon.valid_from, coupon.valid_until,
               benefit_grant.benefit, benefit_grant.period
        FROM coupon
        JOIN coupon_terms AS terms ON terms.id = coupon.terms_id
        JOIN benefit_grant ON benefit_grant.id = coupon.origin_id AND coupon.origin = 'BENEFIT'
        WHERE coupon.member_id = $1 ORDER BY coupon.id
        """,
        member_id,
    )
    return [tuple(row) for row in rows]


async def test_member_day_gives_the_tiers_coupon_for_that_day() -> None:
    member_id = await _member(tier="SILVER")
    assert await benefits.issue_due(member_id, now=WEDNESDAY) == 1
    end = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
    assert await _coupons(member_id) == [
        (800, 6_800, WEDNESDAY, end, "MEMBER_DAY_COUPON", "2026-11-25")
    ]


async def test_a_birthday_gives_eight_yuan_for_thirty_days() -> None:
    member_id = await _member(birthday=date(2000, 11, 22))
    assert await benefits.issue_due(member_id, now=SUNDAY) == 1
    end = datetime(2026, 12, 21, 16, 0, tzinfo=UTC)
    assert await _coupons(member_id) == [(800, 0, SUNDAY, end, "BIRTHDAY_COUPON", "2026")]


async def test_it_is_given_once_however_often_they_come() -> None:
    member_id = await _member(birthday=date(2000, 11, 22))
    seen = [benefits.issue_due(member_id, now=WEDNESDAY) for _ in range(20)]
    assert sorted(await asyncio.gather(*seen)) == [0] * 19 + [2]
    assert len(await _coupons(member_id)) == 2
    later = WEDNESDAY + timedelta(hours=3)
    assert await benefits.issue_due(member_id, now=later) == 0


async def test_the_next_window_gives_again() -> None:
    member_id = await _member()
    assert await benefits.issue_due(member_id, now=WEDNESDAY) == 1
    assert await benefits.issue_due(member_id, now=WEDNESDAY + timedelta(days=7)) == 1
    assert [coupon[-1] for coupon in await _coupons(member_id)] == ["2026-11-25", "2026-12-02"]


async def test_a_visitor_is_given_nothing() -> None:
    await agreements()
    member_id = await a_member(joined=False, birthday=date(2000, 11, 22))
    assert await benefits.issue_due(member_id, now=WEDNESDAY) == 0


async def test_a_higher_tier_on_the_same_day_gives_no_second_coupon() -> None:
    member_id = await _member()
    await benefits.issue_due(member_id, now=WEDNESDAY)
    await db.execute("UPDATE member SET tier_code = 'GOLD'")
    assert await benefits.issue_due(member_id, now=WEDNESDAY) == 0
    assert [coupon[0] for coupon in await _coupons(member_id)] == [600]


async def test_birthday_points_are_given_when_the_rules_say_so() -> None:
    member_id = await _member(birthday=date(2000, 11, 22))
    rules = Rules(members=MemberRules(birthday_points=50))
    await rule_versions.publish(rules, effective_at=SUNDAY - timedelta(days=1), now=SUNDAY)
    assert await benefits.issue_due(member_id, now=SUNDAY) == 2
    assert await benefits.issue_due(member_id, now=SUNDAY) == 0
    balances = (await ledger.balances([member_id]))[member_id]
    assert balances[AccountKind.SPENDABLE] == 50
    await assert_books_agree()


async def test_who_buys_at_a_counter_has_been_seen() -> None:
    member_id = await _member()
    await shop_purchases.record(ShopPurchase("till", "1", member_id, None, 10_000, WEDNESDAY))
    assert [coupon[-2] for coupon in await _coupons(member_id)] == ["MEMBER_DAY_COUPON"]


class TestSightings:
    async def test_a_member_is_looked_at_once_a_day(
        self, statements: StatementLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(presence, "sightings", presence.Sightings())
        member_id = await _member()
        await rule_versions.in_force(now=SUNDAY)
        counts = []
        for now in (SUNDAY, SUNDAY + timedelta(hours=11), SUNDAY + timedelta(hours=12)):
            async with statements.record() as heard:
                await presence.seen(member_id, now=now)
            counts.append(sum("FROM member" in statement for statement in heard))
        assert counts == [1, 0, 1]

    async def test_a_visitor_is_looked_at_again_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(presence, "sightings", presence.Sightings())
        await agreements()
        member_id = await a_member(joined=False)
        await presence.seen(member_id, now=WEDNESDAY)
        async with db.in_transaction():
            await consents.record(member_id, JOINING, now=WEDNESDAY)
        await presence.seen(member_id, now=WEDNESDAY + timedelta(seconds=59))
        assert await _coupons(member_id) == []
        await presence.seen(member_id, now=WEDNESDAY + timedelta(seconds=60))
        assert len(await _coupons(member_id)) == 1

    async def test_a_failure_is_not_told_and_tried_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(presence, "sightings", presence.Sightings())
        member_id = await _member()
        with monkeypatch.context() as patched:
            patched.setattr(benefits, "give_due", _broken)
            await presence.seen(member_id, now=WEDNESDAY)
        await presence.seen(member_id, now=WEDNESDAY + timedelta(seconds=5))
        assert len(await _coupons(member_id)) == 1

    async def test_no_more_are_remembered_than_fit(self) -> None:
        remembered = presence.Sightings(limit=10)
        for number in range(1, 100):
            remembered.note(UUID(int=number), until=WEDNESDAY)
            assert remembered.knows(UUID(int=number), now=SUNDAY)
        assert len(remembered) <= 20
        assert not remembered.knows(UUID(int=1), now=SUNDAY)


async def _broken(member_id: UUID, *, now: datetime) -> benefits.Given:
    raise RuntimeError
