"""Inviting: the program's page, accepting late, and who came by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.members import Member
from services import invitations, shop_purchases
from services.shop_purchases import ShopPurchase
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

PROGRAM = """
query ($first: Int, $after: String) { me { invitations {
  invitedCount rewardedPoints rules
  invitees(first: $first, after: $after) {
    nodes { id nickname avatarUrl invitedAt status points }
    pageInfo { hasNextPage endCursor } totalCount } } } }
"""
ACCEPT = """
mutation ($i: AcceptInvitationInput!) { acceptInvitation(input: $i) {
  member { id } userErrors { code message path } } }
"""
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def ask(client: GraphQLClient, member: SignedInMember, document: str, **values: Any) -> Any:
    answer = await client.gql(document, values, token=member.token)
    assert answer.errors == [], answer.errors
    return answer.data


async def code_of(member: SignedInMember) -> str:
    return (await Member.get(id=member.id)).invite_code


async def invited_by(inviter: SignedInMember, settings: Settings, *, minutes: int = 0) -> Member:
    came = await signed_in_member(settings)
    await Member.filter(id=came.id).update(
        invited_by_id=inviter.id,
        invited_at=NOW + timedelta(minutes=minutes),
        nickname=f"n{minutes}",
        joined_at=NOW,
    )
    return await Member.get(id=came.id)


async def test_the_page_tells_the_rules_and_who_came(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    first = await invited_by(member, settings)
    await invited_by(member, settings, minutes=1)
    await shop_purchases.record(ShopPurchase("till", "1", first.id, None, 990, NOW))
    await invitations.reward_due(NOW)
    program = (await ask(client, member, PROGRAM))["me"]["invitations"]
    assert {name: program[name] for name in ("invitedCount", "rewardedPoints", "rules")} == {
        "invitedCount": 2,
        "rewardedPoints": 100,
        "rules": "好友首单完成（过了退货期）后，你和好友各得 100 积分，每天最多奖励 10 位好友；"
        "仅分享不发放奖励。",
    }
    nodes = program["invitees"]["nodes"]
    shown = [(node["nickname"], node["status"], node["points"]) for node in nodes]
    assert shown == [("n1", "JOINED", 0), ("n0", "REWARDED", 100)]
    assert nodes[1]["invitedAt"] == "2026-11-22T04:00:00+00:00"
    assert program["invitees"]["totalCount"] == 2


async def test_pages_follow_one_another(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    for minutes in (0, 0, 0, 1):  # Three at one instant.
        await invited_by(member, settings, minutes=minutes)
    seen: list[str] = []
    after = None
    while True:
        program = (await ask(client, member, PROGRAM, first=2, after=after))["me"]["invitations"]
        page = program["invitees"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == 4


async def test_a_visitor_accepts_and_others_are_refused(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    visitor = await signed_in_member(settings, joined=False)
    wish = {"inviteCode": await code_of(member)}
    for _ in range(2):
        accepted = (await ask(client, visitor, ACCEPT, i=wish))["acceptInvitation"]
        assert accepted == {"member": {"id": str(visitor.id)}, "userErrors": []}
    [bound] = await Member.filter(id=visitor.id).values_list("invited_by_id", flat=True)
    assert bound == member.id
    refused = (await ask(client, member, ACCEPT, i={"inviteCode": await code_of(visitor)}))[
        "acceptInvitation"
    ]
    assert refused == {
        "member": None,
        "userErrors": [
            {
                "code": "NOT_ALLOWED",
                "message": "邀请仅限新用户，且只能接受一次。",
                "path": ["inviteCode"],
            }
        ],
    }
    unknown = (await ask(client, visitor, ACCEPT, i={"inviteCode": "NOBODY99"}))["acceptInvitation"]
    assert [(e["code"], e["path"]) for e in unknown["userErrors"]] == [
        ("NOT_FOUND", ["inviteCode"])
    ]


@pytest.mark.parametrize("count", [1, 20])
async def test_the_page_costs_five_statements(
    client: GraphQLClient,
    member: SignedInMember,
    settings: Settings,
    statements: StatementLog,
    count: int,
) -> None:
    for minutes in range(count):
        await invited_by(member, settings, minutes=minutes)
    document = (
        "{ me { invitations { inviteCode invitedCount rewardedPoints rules"
        " shareCard { path } invitees { nodes { nickname status points } } } } }"
    )
    await ask(client, member, document)
    async with statements.record() as heard:
        answer = await ask(client, member, document)
    assert len(answer["me"]["invitations"]["invitees"]["nodes"]) == count
    assert len(heard) == 5


async def test_another_s_invitees_are_not_shown(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    await invited_by(member, settings)
    other = await signed_in_member(settings)
    program = (await ask(client, other, PROGRAM))["me"]["invitations"]
    assert (program["invitedCount"], program["rewardedPoints"]) == (0, 0)
    assert program["invitees"]["nodes"] == []
