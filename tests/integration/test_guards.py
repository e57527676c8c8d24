"""What a member must be before they may do something."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.errors import AccountBlocked, ConsentRequired, DomainError
from domain.members import AgreementKind
from models import database as db
from models.ids import new_id
from models.members import Member
from services import consents, guards, members
from services.consents import Answer
from tests.factories.members import JOINING, VERSION, agreements

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


async def _member(*answers: Answer) -> UUID:
    await agreements()
    async with db.in_transaction():
        member_id = await members.create(now=NOW)
        await consents.record(member_id, answers, now=NOW)
    return member_id


async def _refusal(member_id: UUID) -> type[DomainError]:
    with pytest.raises(DomainError) as refusal:
        await guards.joined_member(member_id, now=NOW)
    return refusal.type


async def test_a_member_passes() -> None:
    member_id = await _member(*JOINING)
    found = await guards.joined_member(member_id, now=NOW)
    assert (found.id, found.joined_at, found.has_joined) == (member_id, NOW, True)


@pytest.mark.parametrize("answers", [(), JOINING[:1], JOINING[1:]])
async def test_a_visitor_is_asked_for_consent(answers: tuple[Answer, ...]) -> None:
    assert await _refusal(await _member(*answers)) is ConsentRequired


async def test_who_takes_a_consent_back_is_a_visitor_again() -> None:
    member_id = await _member(*JOINING)
    async with db.in_transaction():
        refusal = Answer(AgreementKind.PRIVACY, VERSION, given=False)
        assert await consents.record(member_id, [refusal], now=NOW) is False
    assert await _refusal(member_id) is ConsentRequired
    assert (await Member.get(id=member_id)).joined_at is None
    async with db.in_transaction():
        assert await consents.record(member_id, JOINING, now=NOW) is True


async def test_a_new_version_asks_again() -> None:
    member_id = await _member(*JOINING)
    await agreements("2026-11", effective_at=NOW)
    assert await _refusal(member_id) is ConsentRequired


async def test_a_version_to_come_asks_nothing_yet() -> None:
    member_id = await _member(*JOINING)
    await agreements("2027-01", effective_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert (await guards.joined_member(member_id, now=NOW)).has_joined


@pytest.mark.parametrize("status", ["BLOCKED", "LEFT"])
async def test_a_closed_account_does_nothing(status: str) -> None:
    member_id = await _member(*JOINING)
    await Member.all().update(status=status)
    assert await _refusal(member_id) is AccountBlocked


async def test_nobody_does_nothing() -> None:
    assert await _refusal(new_id()) is AccountBlocked
