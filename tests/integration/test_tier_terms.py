"""Growth, and the tiers that it reaches, keeps and loses, on real books."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from domain.rules import Rules
from domain.tier_terms import to_keep
from loaders.members import MemberShape, member_by_id
from models import database as db
from models.ids import new_id
from models.members import Member
from services import growth, ledger, merging, tier_reviews, tier_rises
from services import rules as rule_versions
from tests.factories.shop import a_member
from tests.support.shopping import assert_books_agree

NOW = datetime(2026, 11, 15, 6, 0, tzinfo=UTC)
"""14:00 in Shanghai."""

REVIEW_AT = datetime(2027, 11, 15, 16, 0, tzinfo=UTC)
NEXT_REVIEW_AT = datetime(2028, 11, 16, 16, 0, tzinfo=UTC)
SILVER_FROM_3000, GOLD_FROM_6000 = Rules().tiers[1:]
pytestmark = pytest.mark.usefixtures("database")


async def _credit(member_id: UUID, amount: int, at: datetime = NOW, **how: Any) -> UUID:
    """Credit growth; returns the id of what it comes from."""
    source_id = new_id()
    source = (SourceKind.ORDER_FINALITY, source_id)
    await growth.credit(member_id, amount, reason=EntryReason.ORDER, source=source, at=at, **how)
    return source_id


async def _take(
    member_id: UUID, amount: int, *, now: datetime, earned_by: UUID | None = None
) -> int:
    return await growth.take_back(
        member_id,
        amount,
        reason=EntryReason.ORDER_RETURNED,
        source=(SourceKind.REFUND, new_id()),
        now=now,
        earned_by=(SourceKind.ORDER_FINALITY, earned_by) if earned_by else None,
    )


async def _held(member_id: UUID) -> tuple[str, int, int]:
    """Return a member's tier, growth and lifetime growth."""
    member = await Member.get(id=member_id)
    balances = (await ledger.balances([member_id]))[member_id]
    return member.tier_code, balances[AccountKind.GROWTH], member.lifetime_growth


async def _term(member_id: UUID) -> tuple[datetime, datetime | None, int]:
    member = await Member.get(id=member_id)
    return member.tier_since, member.tier_review_at, member.tier_since_seq


async def _terms(member_id: UUID) -> list[tuple[Any, ...]]:
    rows = await db.fetch(
        "SELECT cause, tier_code, growth, period_growth FROM tier_term"
        " WHERE member_id = $1 ORDER BY id",
        member_id,
    )
    return [tuple(row) for row in rows]


async def _gifts(member_id: UUID) -> list[int]:
    rows = await db.fetch(
        "SELECT delta FROM ledger_entry WHERE reason = 'TIER_GIFT' AND seq IS NOT NULL"
        " AND account_id IN (SELECT id FROM ledger_account WHERE member_id = $1) ORDER BY delta",
        member_id,
    )
    return [row["delta"] for row in rows]


async def _messages(member_id: UUID) -> list[tuple[str, Any]]:
    rows = await db.fetch(
        "SELECT event, facts FROM message WHERE member_id = $1 ORDER BY created_at, id", member_id
    )
    return [(row["event"], row["facts"]) for row in rows]


async def _rules_with(effective_at: datetime, silver: int, gold: int) -> UUID:
    tiers = (
        Rules().tiers[0],
        replace(SILVER_FROM_3000, growth_threshold=silver),
        replace(GOLD_FROM_6000, growth_threshold=gold),
    )
    return await rule_versions.publish(Rules(tiers=tiers), effective_at=effective_at, now=NOW)


class TestReaching:
    async def test_a_tier_begins_at_once_with_the_gift_of_each_level_passed(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_500)
        assert await _held(member_id) == ("GOLD", 6_500, 6_500)
        assert await _term(member_id) == (NOW, REVIEW_AT, 1)
        assert await _gifts(member_id) == [100, 300]
        assert await _terms(member_id) == [("UPGRADE", "GOLD", 6_500, 0)]
        assert await _messages(member_id) == [("TIER_CHANGED", {"tier": "金卡", "tier_en": "Gold"})]
        await assert_books_agree()

    async def test_growth_below_the_threshold_changes_nothing(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 2_999)
        assert await _held(member_id) == ("REGULAR", 2_999, 2_999)
        assert await _terms(member_id) == []
        assert await _gifts(member_id) == []

    async def test_a_repeated_source_credits_nothing(self) -> None:
        member_id = await a_member()
        source = (SourceKind.CHECK_IN, new_id())
        for _ in range(2):
            await growth.credit(member_id, 5, reason=EntryReason.CHECK_IN, source=source, at=NOW)
        assert await _held(member_id) == ("REGULAR", 5, 5)

    async def test_pending_growth_counts_once_it_is_final(self) -> None:
        member_id = await a_member()
        order_id = await _credit_pending(member_id, 3_200)
        assert await _held(member_id) == ("REGULAR", 0, 0)
        await growth.credit(
            member_id,
            3_200,
            reason=EntryReason.ORDER,
            source=(SourceKind.ORDER_FINALITY, order_id),
            at=NOW,
            from_pending=True,
        )
        assert await _held(member_id) == ("SILVER", 3_200, 3_200)
        balances = (await ledger.balances([member_id]))[member_id]
        assert balances[AccountKind.GROWTH_PENDING] == 0

    async def test_pending_growth_is_taken_back_before_it_counts(self) -> None:
        member_id = await a_member()
        await _credit_pending(member_id, 3_200)
        await growth.take_pending_back(
            member_id, 200, source=(SourceKind.REFUND, new_id()), now=NOW
        )
        balances = (await ledger.balances([member_id]))[member_id]
        assert balances[AccountKind.GROWTH_PENDING] == 3_000
        assert await _held(member_id) == ("REGULAR", 0, 0)

    async def test_twenty_credits_at_once_reach_a_tier_once(self) -> None:
        member_id = await a_member()
        await asyncio.gather(*(_credit(member_id, 310) for _ in range(20)))
        assert await _held(member_id) == ("GOLD", 6_200, 6_200)
        assert await _gifts(member_id) == [100, 300]
        assert [term[:2] for term in await _terms(member_id)] == [
            ("UPGRADE", "SILVER"),
            ("UPGRADE", "GOLD"),
        ]
        await assert_books_agree()

    async def test_a_gift_comes_once_in_a_life_for_each_rule_version(self) -> None:
        member_id = await a_member()
        order_id = await _credit(member_id, 3_100)
        await _take(member_id, 3_100, now=NOW, earned_by=order_id)
        await _credit(member_id, 3_100)
        assert await _held(member_id) == ("SILVER", 3_100, 3_100)
        assert await _gifts(member_id) == [100]
        later = NOW + timedelta(days=1)
        await _rules_with(later, 3_000, 5_000)
        await _take(member_id, 3_100, now=later)
        await _credit(member_id, 3_100, later)
        assert await _gifts(member_id) == [100, 100]

    async def test_many_credits_come_to_the_same_as_one_after_the_other(self) -> None:
        amounts = [2_000, 900, 200, 2_900, 50]
        one_by_one, together = await a_member(), await a_member()
        for number, amount in enumerate(amounts):
            await _credit(one_by_one, amount, NOW + timedelta(hours=number))
        async with db.in_transaction():
            standings = await growth.standings_of([together], as_of=NOW)
            for part in (amounts[:3], amounts[3:]):
                begin = NOW + timedelta(hours=0 if part == amounts[:3] else 3)
                await growth.credit_many(_credits(together, part, begin), standings)
        for read in (_held, _terms, _gifts):
            assert await read(together) == await read(one_by_one)
        assert await _term(together) == await _term(one_by_one)
        await assert_books_agree()


def _credits(member_id: UUID, amounts: Sequence[int], begin: datetime) -> list[growth.GrowthCredit]:
    return [
        growth.GrowthCredit(
            member_id,
            amount,
            EntryReason.SHOP_PURCHASE,
            (SourceKind.SHOP_PURCHASE, new_id()),
            begin + timedelta(hours=number),
        )
        for number, amount in enumerate(amounts)
    ]


async def _credit_pending(member_id: UUID, amount: int) -> UUID:
    """Book growth as paying an order does; returns the order's id."""
    order_id = new_id()
    pending = member_account(member_id, AccountKind.GROWTH_PENDING)
    await ledger.post(
        [Posting(system_account(AccountKind.GROWTH_ISSUED), pending, amount)],
        unit=Unit.GROWTH,
        reason=EntryReason.ORDER,
        source=(SourceKind.ORDER, order_id),
        now=NOW,
    )
    return order_id


class TestReview:
    @pytest.mark.parametrize(
        ("tier_growth", "earned", "left"),
        [
            (6_500, 6_000, ("GOLD", 12_500)),
            (6_500, 5_999, ("SILVER", 5_999)),
            (6_500, 2_500, ("SILVER", 3_000)),
            (3_500, 2_999, ("REGULAR", 2_999)),
        ],
    )
    async def test_growth_of_the_term_decides(
        self, tier_growth: int, earned: int, left: tuple[str, int]
    ) -> None:
        member_id = await a_member()
        # The growth that reached the tier belongs to the term before.
        await _credit(member_id, tier_growth)
        await db.execute("UPDATE member SET tier_review_at = $1", REVIEW_AT + timedelta(days=99))
        await _credit_without_rise(member_id, earned)
        await db.execute("UPDATE member SET tier_review_at = $1", REVIEW_AT)
        assert await tier_reviews.review_due(REVIEW_AT - timedelta(microseconds=1)) == 0
        assert await tier_reviews.review_due(REVIEW_AT) == 1
        assert (await _held(member_id))[:2] == left
        since, review_at, _ = await _term(member_id)
        assert since == REVIEW_AT
        assert review_at == (None if left[0] == "REGULAR" else NEXT_REVIEW_AT)
        assert await tier_reviews.review_due(REVIEW_AT) == 0
        assert (await _held(member_id))[2] == tier_growth + earned
        await assert_books_agree()

    async def test_growth_of_the_review_day_belongs_to_the_next_term(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_000)
        await _credit(member_id, 2_000, REVIEW_AT - timedelta(microseconds=1))
        await _credit(member_id, 4_000, REVIEW_AT)  # It finds the review due, and has it done.
        assert await _held(member_id) == ("GOLD", 7_000, 12_000)
        assert [term[:2] for term in await _terms(member_id)] == [
            ("UPGRADE", "GOLD"),
            ("DOWN", "SILVER"),
            ("UPGRADE", "GOLD"),
        ]
        assert await tier_reviews.review_due(REVIEW_AT) == 0

    async def test_a_year_without_runs_is_made_up_for_review_by_review(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_000)
        late = NEXT_REVIEW_AT + timedelta(days=40)
        assert await tier_reviews.review_due(late) == 1
        assert await tier_reviews.review_due(late) == 0
        assert await _held(member_id) == ("REGULAR", 0, 6_000)
        entries = await db.fetch(
            "SELECT delta, created_at FROM ledger_entry WHERE reason = 'TIER_REVIEW'"
            " AND seq IS NOT NULL ORDER BY seq"
        )
        assert [tuple(entry) for entry in entries] == [
            (-3_000, REVIEW_AT),
            (-3_000, NEXT_REVIEW_AT),
        ]

    async def test_a_review_that_was_due_comes_before_a_refund(self) -> None:
        member_id = await a_member()
        order_id = await _credit(member_id, 6_500)
        await _take(member_id, 6_500, now=REVIEW_AT + timedelta(days=3), earned_by=order_id)
        # SILVER is what the review left: nothing takes below it.
        assert await _held(member_id) == ("SILVER", 0, 0)
        assert [term[0] for term in await _terms(member_id)] == ["UPGRADE", "DOWN"]

    async def test_rules_published_in_the_middle_of_a_review_don_t_split_it(self) -> None:
        members = [await a_member() for _ in range(4)]
        for member_id in members:
            await _credit(member_id, 6_500)
            await _credit(member_id, 2_500, NOW + timedelta(days=9))
        assert await tier_reviews.review_due(REVIEW_AT, limit=2) == 2
        await _rules_with(REVIEW_AT + timedelta(hours=3), 1_000, 2_000)
        assert await tier_reviews.review_due(REVIEW_AT + timedelta(hours=4), limit=2) == 2
        assert {(await _held(member_id))[:2] for member_id in members} == {("SILVER", 3_000)}
        versions = await db.fetch_value(
            "SELECT count(DISTINCT rule_version_id) FROM tier_term WHERE cause = 'DOWN'"
        )
        assert versions == 1

    async def test_reviews_at_once_have_one_outcome(self) -> None:
        members = [await a_member() for _ in range(10)]
        for member_id in members:
            await _credit(member_id, 6_500)
        done = await asyncio.gather(
            *(tier_reviews.review_due(REVIEW_AT, limit=3) for _ in range(8))
        )
        while pieces := await tier_reviews.review_due(REVIEW_AT, limit=3):
            done.append(pieces)
        assert sum(done) == 10
        assert {(await _held(member_id))[:2] for member_id in members} == {("SILVER", 3_000)}
        await assert_books_agree()

    async def test_credits_while_a_review_runs_belong_to_the_next_term(self) -> None:
        members = [await a_member() for _ in range(5)]
        for member_id in members:
            await _credit(member_id, 6_500)
        await asyncio.gather(
            *(_credit(member_id, 100, REVIEW_AT) for member_id in members * 4),
            *(tier_reviews.review_due(REVIEW_AT, limit=2) for _ in range(6)),
        )
        while await tier_reviews.review_due(REVIEW_AT):
            pass
        for member_id in members:
            assert await _held(member_id) == ("SILVER", 3_400, 6_900)
            assert [term[0] for term in await _terms(member_id)] == ["UPGRADE", "DOWN"]
        await assert_books_agree()

    async def test_a_refund_counts_in_the_term_that_earned_it(self) -> None:
        member_id = await a_member()
        first = await _credit(member_id, 6_500)
        second = await _credit(member_id, 6_400, NOW + timedelta(days=30))
        now = NOW + timedelta(days=60)
        await _take(member_id, 300, now=now, earned_by=first)
        assert await _to_keep(member_id) == 0
        await _take(member_id, 500, now=now, earned_by=second)
        assert await _to_keep(member_id) == 100
        assert await tier_reviews.review_due(REVIEW_AT) == 1
        assert (await _held(member_id))[:2] == ("SILVER", 5_900)

    async def test_who_falls_back_into_a_term_that_is_over_is_reviewed_as_of_its_end(self) -> None:
        """As if the growth that was taken back had never come."""
        straight, returned = await a_member(), await a_member()
        gold = NOW + timedelta(days=300)
        await _credit(straight, 3_100)
        await _credit(straight, 100, gold)
        await _credit(returned, 3_100)
        order_id = await _credit(returned, 3_000, gold)
        assert (await _held(returned))[0] == "GOLD"
        for member_id in (straight, returned):
            await _credit(member_id, 700, REVIEW_AT + timedelta(days=20))
        now = REVIEW_AT + timedelta(days=30)
        await _take(returned, 2_900, now=now, earned_by=order_id)
        assert (await _held(returned))[0] == "SILVER"
        assert await tier_reviews.review_due(now) == 1
        for member_id in (straight, returned):
            assert await _held(member_id) == ("REGULAR", 800, 3_900)
            assert (await _term(member_id))[:2] == (REVIEW_AT, None)


async def _credit_without_rise(member_id: UUID, amount: int) -> None:
    """Credit growth within a term by rules that raise nobody."""
    await _rules_with(NOW + timedelta(days=1), 90_000, 100_000)
    await _credit(member_id, amount, NOW + timedelta(days=2))
    await db.execute("DELETE FROM rule_version WHERE number > 1")
    rule_versions.forget_cached()


async def _to_keep(member_id: UUID) -> int:
    """Return what GOLD still needs to be kept, as a member reads it."""
    shape = MemberShape(frozenset(), has_tier_term=True)
    [row] = await member_by_id([member_id], now=NOW, shape=shape)
    assert row is not None
    return to_keep(GOLD_FROM_6000, row["term_growth"])


class TestWarning:
    async def test_a_notice_goes_out_thirty_days_before_with_what_is_needed(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_500)
        await _credit(member_id, 2_500, NOW + timedelta(days=9))
        warned_at = REVIEW_AT - timedelta(days=30)
        assert await tier_reviews.warn_due(warned_at - timedelta(microseconds=1)) == 0
        assert await tier_reviews.warn_due(warned_at) == 1
        assert await tier_reviews.warn_due(warned_at + timedelta(days=1)) == 0
        facts = {"tier": "金卡", "tier_en": "Gold", "growth": 3_500, "day": "2027-11-16"}
        assert (await _messages(member_id))[1:] == [("TIER_REVIEW_DUE", facts)]

    async def test_the_next_term_warns_again(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_500)
        assert await tier_reviews.warn_due(REVIEW_AT - timedelta(days=5)) == 1
        await tier_reviews.review_due(REVIEW_AT)
        assert await tier_reviews.warn_due(NEXT_REVIEW_AT - timedelta(days=31)) == 0
        assert await tier_reviews.warn_due(NEXT_REVIEW_AT - timedelta(days=30)) == 1

    async def test_a_review_that_is_late_warns_no_more(self) -> None:
        await _credit(await a_member(), 6_500)
        assert await tier_reviews.warn_due(REVIEW_AT) == 0


class TestRefund:
    async def test_the_tier_is_what_it_would_be_without_the_growth(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 3_100)
        second = await _credit(member_id, 3_000, NOW + timedelta(days=9))
        assert await _take(member_id, 200, now=NOW + timedelta(days=10), earned_by=second) == 200
        assert await _held(member_id) == ("SILVER", 5_900, 5_900)
        assert await _term(member_id) == (NOW, REVIEW_AT, 1)
        assert await _gifts(member_id) == [100, 300]
        assert [term[:2] for term in await _terms(member_id)] == [
            ("UPGRADE", "SILVER"),
            ("UPGRADE", "GOLD"),
            ("REFUND", "SILVER"),
        ]
        await assert_books_agree()

    async def test_everything_taken_back_leaves_the_first_day(self) -> None:
        member_id = await a_member()
        created_at = (await Member.get(id=member_id)).created_at
        order_id = await _credit(member_id, 6_500)
        await _take(member_id, 6_500, now=NOW, earned_by=order_id)
        assert await _held(member_id) == ("REGULAR", 0, 0)
        assert await _term(member_id) == (created_at, None, 0)

    async def test_it_doesn_t_go_below_what_the_last_review_left(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_500)
        await tier_reviews.review_due(REVIEW_AT)
        order_id = await _credit(member_id, 4_000, REVIEW_AT + timedelta(days=1))
        assert (await _held(member_id))[0] == "GOLD"
        await _take(member_id, 4_000, now=REVIEW_AT + timedelta(days=2), earned_by=order_id)
        assert await _held(member_id) == ("SILVER", 3_000, 6_500)
        assert (await _term(member_id))[:2] == (REVIEW_AT, NEXT_REVIEW_AT)

    async def test_a_repetition_takes_nothing(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 100)
        source = (SourceKind.REFUND, new_id())
        for taken in (40, 0):
            assert taken == await growth.take_back(
                member_id, 40, reason=EntryReason.ORDER_RETURNED, source=source, now=NOW
            )
        assert await _held(member_id) == ("REGULAR", 60, 60)

    async def test_more_than_there_is_takes_what_there_is(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 100)
        assert await _take(member_id, 150, now=NOW) == 100
        assert await _held(member_id) == ("REGULAR", 0, 0)

    async def test_a_tier_that_was_given_by_hand_stays(self) -> None:
        member_id = await a_member(tier="GOLD")
        order_id = await _credit(member_id, 500)
        await _take(member_id, 500, now=NOW, earned_by=order_id)
        assert await _held(member_id) == ("GOLD", 0, 0)


class TestNewRules:
    async def test_rises_act_at_once_and_nobody_falls(self) -> None:
        poor, middle, rich = [await a_member() for _ in range(3)]
        await _credit(poor, 1_500)
        await _credit(middle, 2_500)
        await _credit(rich, 6_500)
        effective_at = NOW + timedelta(days=1)
        await _rules_with(effective_at, 2_000, 9_000)
        later = effective_at + timedelta(hours=1)
        await _run_rises(later)
        assert (await _held(poor))[0] == "REGULAR"
        assert (await _held(middle))[0] == "SILVER"
        assert (await _held(rich))[0] == "GOLD"
        assert (await _term(middle))[0] == effective_at
        assert await _gifts(middle) == [100]
        assert [term[0] for term in await _terms(middle)] == ["RULES"]
        assert await tier_rises.raise_after_rules(later) == 0
        await assert_books_agree()

    async def test_before_their_time_they_raise_nobody(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 2_500)
        await _rules_with(NOW + timedelta(days=1), 2_000, 9_000)
        await _run_rises(NOW + timedelta(hours=23))
        assert (await _held(member_id))[0] == "REGULAR"
        await _run_rises(NOW + timedelta(days=1))
        assert (await _held(member_id))[0] == "SILVER"

    async def test_a_review_that_is_late_comes_before_their_rise(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_500)
        await _rules_with(NOW + timedelta(days=1), 5_000, 9_000)
        await _credit(member_id, 6_100, NOW + timedelta(days=2))
        effective_at = REVIEW_AT + timedelta(hours=1)
        await _rules_with(effective_at, 3_000, 6_000)
        await _run_rises(effective_at)
        assert await _terms(member_id) == [
            ("UPGRADE", "GOLD", 6_500, 0),
            ("DOWN", "SILVER", 6_100, 6_100),
            ("RULES", "GOLD", 6_100, 0),
        ]
        await assert_books_agree()

    async def test_the_next_review_goes_by_them(self) -> None:
        member_id = await a_member()
        await _credit(member_id, 6_500)
        await _credit(member_id, 6_500, NOW + timedelta(days=1))
        await _rules_with(NOW + timedelta(days=2), 3_000, 7_000)
        await tier_reviews.review_due(REVIEW_AT)
        assert (await _held(member_id))[:2] == ("SILVER", 6_500)


async def _run_rises(as_of: datetime) -> None:
    """Go through everybody, two members at a time."""
    while await tier_rises.raise_after_rules(as_of, limit=2):
        pass


class TestMerging:
    async def test_growth_together_reaches_a_tier_that_neither_had(self) -> None:
        older, younger = await a_member(), await a_member()
        await _credit(older, 2_000)
        await _credit(younger, 2_000)
        later = NOW + timedelta(days=3)
        assert await _merge(older, younger, later) == older
        assert await _held(older) == ("SILVER", 4_000, 4_000)
        assert (await _term(older))[0] == later
        assert await _gifts(older) == [100]
        await assert_books_agree()

    async def test_a_higher_tier_comes_with_its_term_and_both_keep_their_gifts(self) -> None:
        older, younger = await a_member(), await a_member()
        await _credit(older, 3_100, NOW - timedelta(days=9))
        await _credit(younger, 6_100)
        await _merge(older, younger, NOW + timedelta(days=3))
        assert await _held(older) == ("GOLD", 9_200, 9_200)
        # What the other brought was earned when it came: it counts in this term.
        assert await _term(older) == (NOW, REVIEW_AT, 1)
        grants = await db.fetch(
            "SELECT tier_code, merged FROM benefit_grant WHERE member_id = $1 ORDER BY id", older
        )
        assert [tuple(grant) for grant in grants] == [
            ("SILVER", False),
            ("SILVER", True),
            ("GOLD", False),
        ]
        await tier_reviews.review_due(REVIEW_AT)
        assert (await _held(older))[0] == "GOLD"
        await assert_books_agree()

    async def test_a_review_that_was_due_comes_first(self) -> None:
        older, younger = await a_member(), await a_member()
        await _credit(older, 6_500)
        await _credit(younger, 100)
        await _merge(older, younger, REVIEW_AT + timedelta(days=1))
        assert await _held(older) == ("SILVER", 3_100, 6_600)


async def _merge(first: UUID, second: UUID, now: datetime) -> UUID | None:
    async with db.in_transaction():
        return await merging.merge(first, second, now=now)
