"""Whoever opens the mini-program on their birthday finds the coupon there."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from domain.clock import business_day
from models import database as db
from models.connections import DatabaseBusy
from services import benefits, presence
from settings import Settings
from tests.factories.members import signed_in_member
from tests.support.graphql import GraphQLClient


async def test_the_first_request_of_the_day_gives_what_is_due(
    client: GraphQLClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "sightings", presence.Sightings())
    member = await signed_in_member(settings)
    today = business_day(datetime.now(UTC))
    await db.execute(
        "UPDATE member SET birthday = $1",
        today.replace(year=today.year - 24, day=min(today.day, 28)),
    )
    for _ in range(3):
        answer = await client.gql("{ me { id } }", token=member.token)
        assert answer.data["me"]["id"] == str(member.id)
    found = await db.fetch(
        "SELECT benefit, coupon.member_id FROM benefit_grant"
        " JOIN coupon ON coupon.origin_id = benefit_grant.id WHERE benefit = 'BIRTHDAY_COUPON'"
    )
    assert [tuple(row) for row in found] == [("BIRTHDAY_COUPON", member.id)]


async def test_who_is_not_signed_in_is_nobody(
    client: GraphQLClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = presence.Sightings()
    monkeypatch.setattr(presence, "sightings", remembered)
    await client.gql("{ shop { name } }")
    assert len(remembered) == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DatabaseBusy(), ("warning", "benefits_wait")),
        (ZeroDivisionError(), ("error", "benefits_not_given")),
    ],
)
async def test_a_benefit_that_cannot_be_given_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: tuple[str, str]
) -> None:
    async def fail(_member_id: UUID, *, now: datetime) -> None:
        raise error

    monkeypatch.setattr(presence, "sightings", presence.Sightings())
    monkeypatch.setattr(benefits, "give_due", fail)
    with capture_logs() as lines:
        await presence.seen(UUID(int=7), now=datetime.now(UTC))
    assert [(line["log_level"], line["event"]) for line in lines] == [told]
