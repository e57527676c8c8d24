"""setConsents: answers to agreements in force, each a row."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.members import Consent
from settings import Settings
from tests.factories.members import VERSION, SignedInMember, agreements, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.profiles import call, me, refusal


@pytest.fixture
async def member(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


@pytest.fixture
async def visitor(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings, joined=False)


def says(kind: str, *, given: bool = True, version: str = VERSION) -> dict[str, Any]:
    return {"kind": kind, "version": version, "given": given}


async def _answer(client: GraphQLClient, member: SignedInMember, *consents: Any) -> Any:
    return await call(client, "setConsents", member.token, consents=list(consents))


async def test_marketing_is_as_easy_to_withdraw_as_to_give(
    client: GraphQLClient, member: SignedInMember
) -> None:
    before = datetime.now(UTC)
    payload = await _answer(client, member, says("MARKETING"), says("PERSONALISATION"))
    given = {each["kind"]: each for each in payload["member"]["consents"]}
    assert {kind: each["given"] for kind, each in given.items()} == {
        "MARKETING": True,
        "MEMBERSHIP": True,
        "PERSONALISATION": True,
        "PRIVACY": True,
    }
    assert before <= datetime.fromisoformat(given["MARKETING"]["at"]) <= datetime.now(UTC)
    payload = await _answer(client, member, says("MARKETING", given=False))
    assert {each["kind"]: each["given"] for each in payload["member"]["consents"]} == {
        "MARKETING": False,
        "MEMBERSHIP": True,
        "PERSONALISATION": True,
        "PRIVACY": True,
    }
    rows = await Consent.filter(member_id=member.id, kind="MARKETING").order_by("given_at")
    assert [row.given for row in rows] == [True, False]


async def test_saying_the_same_again_adds_nothing(
    client: GraphQLClient, member: SignedInMember
) -> None:
    first = await _answer(client, member, says("MARKETING"))
    again = await _answer(client, member, says("MARKETING"), says("PRIVACY"))
    assert again == first
    assert await Consent.filter(member_id=member.id).count() == 3
    assert (await _answer(client, member))["userErrors"] == []


async def test_without_an_agreement_a_member_is_a_visitor_until_they_come_back(
    client: GraphQLClient, member: SignedInMember
) -> None:
    payload = await _answer(client, member, says("PRIVACY", given=False))
    assert payload["member"]["joinedAt"] is None
    refused = await call(client, "updateProfile", member.token, birthday="1990-01-01")
    assert refusal(refused) == ("CONSENT_REQUIRED", None)
    payload = await _answer(client, member, says("PRIVACY"))
    assert payload["member"]["joinedAt"] is not None
    allowed = await call(client, "updateProfile", member.token, birthday="1990-01-01")
    assert allowed["userErrors"] == []


async def test_a_visitor_joins_by_both_agreements(
    client: GraphQLClient, visitor: SignedInMember
) -> None:
    payload = await _answer(client, visitor, says("MEMBERSHIP"))
    assert payload["member"]["joinedAt"] is None
    payload = await _answer(client, visitor, says("PRIVACY"))
    assert payload["member"]["joinedAt"] is not None


async def test_a_new_version_asks_again(client: GraphQLClient, member: SignedInMember) -> None:
    await agreements("2026-02", effective_at=datetime.now(UTC) - timedelta(seconds=1))
    assert (await me(client, member.token))["joinedAt"] is None
    payload = await _answer(client, member, says("PRIVACY"))
    assert refusal(payload) == ("INVALID_INPUT", ["consents", "0", "version"])
    payload = await _answer(
        client,
        member,
        says("MEMBERSHIP", version="2026-02"),
        says("PRIVACY", version="2026-02"),
    )
    assert payload["member"]["joinedAt"] is not None


@pytest.mark.parametrize(
    ("consents", "path"),
    [
        ([says("MARKETING", version="1999-01")], ["consents", "0", "version"]),
        ([says("PRIVACY"), says("MARKETING", version="\x00")], ["consents", "1", "version"]),
        ([says("MARKETING", version="x" * 10_000)], ["consents", "0", "version"]),
        ([says("MARKETING"), says("MARKETING", given=False)], ["consents", "1", "kind"]),
    ],
)
async def test_only_versions_in_force_are_answered_once_each(
    client: GraphQLClient, member: SignedInMember, consents: list[Any], path: list[str]
) -> None:
    assert refusal(await _answer(client, member, *consents)) == ("INVALID_INPUT", path)
    assert await Consent.filter(member_id=member.id).count() == 2


async def test_the_same_answer_many_times_at_once_is_one_row(
    client: GraphQLClient, member: SignedInMember
) -> None:
    payloads = await asyncio.gather(
        *(_answer(client, member, says("MARKETING")) for _ in range(10))
    )
    assert all(payload["userErrors"] == [] for payload in payloads)
    assert await Consent.filter(member_id=member.id, kind="MARKETING").count() == 1
