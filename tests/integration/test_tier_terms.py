"""Growth, and the tiers that it reaches, keeps and loses, on real books."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.ledger import AccountKind, EntryReason, SourceKind
from models import database as db
from models.ids import new_id
from models.members import Member
from services import growth, ledger, tier_reviews
from tests.factories.shop import a_member

NOW = datetime(2026, 11, 15, 6, 0, tzinfo=UTC)
"""14:00 in Shanghai."""

REVIEW_AT = datetime(2027, 11, 15, 16, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


async def _credit(member_id: UUID, amount: int, at: datetime = NOW) -> UUID:
    source_id = new_id()
    await growth.credit(
        member_id,
        amount,
        reason=EntryReason.ORDER,
        source=(SourceKind.ORDER_FINALITY, source_id),
        at=at,
    )
    return source_id


async def _growth(member_id: UUID) -> int:
    return (await ledger.balances([member_id]))[member_id][AccountKind.GROWTH]


async def test_a_credit_reaches_a_tier_at_once_with_the_gift_of_each_level() -> None:
    member_id = await a_member()
    await _credit(member_id, 6_500)
    member = await Member.get(id=member_id)
    assert (member.tier_code, member.tier_since, member.tier_review_at) == ("GOLD", NOW, REVIEW_AT)
    assert (member.lifetime_growth, member.tier_since_seq) == (6_500, 1)
    assert (await ledger.balances([member_id]))[member_id][AccountKind.SPENDABLE] == 400


async def test_a_review_lowers_by_one_level() -> None:
    member_id = await a_member()
    await _credit(member_id, 6_500)
    await _credit(member_id, 2_500, NOW + timedelta(days=1))
    assert await tier_reviews.review_due(REVIEW_AT - timedelta(microseconds=1)) == 0
    assert await tier_reviews.review_due(REVIEW_AT) == 1
    assert await tier_reviews.review_due(REVIEW_AT) == 0
    member = await Member.get(id=member_id)
    assert (member.tier_code, member.tier_since) == ("SILVER", REVIEW_AT)
    assert await _growth(member_id) == 3_000
    assert member.lifetime_growth == 9_000
    terms = await db.fetch("SELECT tier_code, cause, period_growth FROM tier_term ORDER BY id")
    assert [tuple(term) for term in terms] == [("GOLD", "UPGRADE", 0), ("SILVER", "DOWN", 2_500)]
