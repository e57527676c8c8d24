"""The inbox: told once, in the reader's language, and read by its owner alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.message_texts import MESSAGE_BODIES
from domain.messages import FACTS, MessageEvent
from models import database as db
from models.ids import new_id
from services import messages, settling
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.orders import MCHID, a_payment, cancelled, placed
from tests.factories.rewards import a_goods_reward, a_redeemer, redeemed
from tests.factories.shop import a_sku, an_address
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
INBOX = """
query ($first: Int, $after: String) { me { counts { unreadMessages }
  messages(first: $first, after: $after) { nodes { id event title body link readAt createdAt }
    pageInfo { hasNextPage endCursor } totalCount } } }
"""
READ = """
mutation ($i: MarkMessagesReadInput!) { markMessagesRead(input: $i) {
  member { counts { unreadMessages } } userErrors { code message path } } }
"""
SAMPLES: dict[str, object] = {
    "order_no": "2611220001",
    "payable_fen": 5_098,
    "carrier": "顺丰",
    "tracking_no": "SF1",
    "store": "人民广场店",
    "amount_fen": 100,
    "product": "春茶",
    "sale": "双十一",
    "time": "20:00",
    "coupon": "满60减5",
    "day": "2026-12-22",
    "points": 30,
    "tier": "银卡",
    "growth": 200,
}


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def tell(member_id: UUID, event: MessageEvent, *, minutes: int = 0) -> UUID:
    source_id = new_id()
    facts = {name: SAMPLES[name] for name in FACTS[event]}
    now = NOW + timedelta(minutes=minutes)
    assert await messages.tell([member_id], event, source_id=source_id, facts=facts, now=now) == 1
    return source_id


async def ask(client: GraphQLClient, member: SignedInMember, document: str, **values: Any) -> Any:
    answer = await client.gql(document, values, token=member.token)
    assert answer.errors == [], answer.errors
    return answer.data


async def ids_of(client: GraphQLClient, member: SignedInMember) -> list[str]:
    inbox = (await ask(client, member, INBOX))["me"]["messages"]
    return [node["id"] for node in inbox["nodes"]]


async def test_a_message_is_shown_in_the_reader_s_language(
    client: GraphQLClient, member: SignedInMember
) -> None:
    facts = {"coupon": "满60减5", "coupon_en": "¥5 off ¥60", "day": "2026-12-22"}
    await messages.tell(
        [member.id],
        MessageEvent.COUPON_EXPIRING,
        source_id=new_id(),
        facts=facts,
        link="pages/coupons/index",
        now=NOW,
    )
    [node] = (await ask(client, member, INBOX))["me"]["messages"]["nodes"]
    assert {name: node[name] for name in ("event", "title", "body", "link", "readAt")} == {
        "event": "COUPON_EXPIRING",
        "title": "优惠券即将到期",
        "body": "满60减5可使用至 2026-12-22（含当天）。",
        "link": "pages/coupons/index",
        "readAt": None,
    }
    assert node["createdAt"] == "2026-11-22T04:00:00+00:00"
    answer = await client.gql(INBOX, {}, token=member.token, headers={"accept-language": "en"})
    [node] = answer.data["me"]["messages"]["nodes"]
    assert (node["title"], node["body"]) == (
        "A coupon ends soon",
        "¥5 off ¥60 can be used up to and including 2026-12-22.",
    )


async def test_every_event_can_be_told_in_both_languages(
    client: GraphQLClient, member: SignedInMember
) -> None:
    for event in MessageEvent:
        await tell(member.id, event)
    for language in ("zh", "en"):
        answer = await client.gql(
            INBOX, {}, token=member.token, headers={"accept-language": language}
        )
        bodies = [node["body"] for node in answer.data["me"]["messages"]["nodes"]]
        assert len(set(bodies)) == len(MESSAGE_BODIES)
        assert not any("{" in body for body in bodies)


async def test_who_misses_nothing_for_their_tier_is_not_asked_for_more(
    client: GraphQLClient, member: SignedInMember
) -> None:
    for growth in (500, 0):
        facts = {"tier": "金卡", "tier_en": "Gold", "growth": growth, "day": "2027-11-16"}
        await messages.tell(
            [member.id], MessageEvent.TIER_REVIEW_DUE, source_id=new_id(), facts=facts, now=NOW
        )
    nodes = (await ask(client, member, INBOX))["me"]["messages"]["nodes"]
    assert {node["body"] for node in nodes} == {
        "还需 500 成长值，即可在 2027-11-16 评定时保住金卡。",
        "成长值已达标，2027-11-16 评定时可保住金卡。",
    }


async def test_the_same_thing_is_told_once(member: SignedInMember) -> None:
    source_id = await tell(member.id, MessageEvent.TIER_CHANGED)
    for ids in ([member.id], [member.id, member.id], []):
        told = await messages.tell(
            ids, MessageEvent.TIER_CHANGED, source_id=source_id, facts={"tier": "金卡"}, now=NOW
        )
        assert told == 0
    assert await db.fetch_value("SELECT facts ->> 'tier' FROM message") == "银卡"


async def test_a_text_without_its_facts_is_our_own_mistake(member: SignedInMember) -> None:
    with pytest.raises(AssertionError, match="TIER_REVIEW_DUE has to say day, growth"):
        await messages.tell(
            [member.id],
            MessageEvent.TIER_REVIEW_DUE,
            source_id=new_id(),
            facts={"tier": "银卡"},
            now=NOW,
        )


async def test_pages_are_newest_first_and_nothing_is_lost_between_them(
    client: GraphQLClient, member: SignedInMember
) -> None:
    for minutes in (0, 1, 1, 1, 2):  # Three of one instant.
        await tell(member.id, MessageEvent.CHECK_IN_REMINDER, minutes=minutes)
    every = await ids_of(client, member)
    seen: list[str] = []
    after = None
    while True:
        page = (await ask(client, member, INBOX, first=2, after=after))["me"]["messages"]
        seen += [node["id"] for node in page["nodes"]]
        assert page["totalCount"] == 5
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == every
    assert len(set(seen)) == 5


async def test_some_are_marked_read_and_then_all(
    client: GraphQLClient, member: SignedInMember
) -> None:
    for minutes in range(3):
        await tell(member.id, MessageEvent.CHECK_IN_REMINDER, minutes=minutes)
    [newest, *_] = await ids_of(client, member)
    for _ in range(2):  # Again, it changes nothing.
        answer = await ask(client, member, READ, i={"ids": [newest]})
        assert answer["markMessagesRead"]["member"]["counts"] == {"unreadMessages": 2}
    first_read = await db.fetch_value("SELECT read_at FROM message WHERE read_at IS NOT NULL")
    answer = await ask(client, member, READ, i={})
    assert answer["markMessagesRead"] == {
        "member": {"counts": {"unreadMessages": 0}},
        "userErrors": [],
    }
    kept = await db.fetch_value("SELECT read_at FROM message WHERE id = $1", UUID(newest))
    assert kept == first_read


async def test_nobody_marks_another_s_messages(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    await tell(member.id, MessageEvent.CHECK_IN_REMINDER)
    [theirs] = await ids_of(client, member)
    other = await signed_in_member(settings)
    assert await ids_of(client, other) == []
    await tell(other.id, MessageEvent.CHECK_IN_REMINDER)
    [mine] = await ids_of(client, other)
    for wrong in (theirs, str(new_id()), "not an id"):
        answer = await ask(client, other, READ, i={"ids": [mine, wrong]})
        assert answer["markMessagesRead"]["userErrors"] == [
            {"code": "NOT_FOUND", "message": "找不到该消息。", "path": ["ids", "1"]}
        ]
    assert await db.fetch_value("SELECT count(*) FROM message WHERE read_at IS NOT NULL") == 0
    await ask(client, other, READ, i={})
    rows = await db.fetch("SELECT member_id FROM message WHERE read_at IS NOT NULL")
    assert [row["member_id"] for row in rows] == [other.id]


async def test_more_ids_than_a_page_holds_are_refused(
    client: GraphQLClient, member: SignedInMember
) -> None:
    answer = await ask(client, member, READ, i={"ids": [str(new_id())] * 101})
    assert answer["markMessagesRead"] == {
        "member": None,
        "userErrors": [{"code": "INVALID_INPUT", "message": "最多 100 个。", "path": ["ids"]}],
    }


@pytest.mark.parametrize("count", [1, 20])
async def test_a_page_costs_two_statements(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog, count: int
) -> None:
    for minutes in range(count):
        await tell(member.id, MessageEvent.CHECK_IN_REMINDER, minutes=minutes)
    document = (
        "{ me { counts { unreadMessages } messages { nodes { id title body readAt }"
        " pageInfo { hasNextPage } } } }"
    )
    await ask(client, member, document)
    async with statements.record() as heard:
        answer = await ask(client, member, document)
    assert len(answer["me"]["messages"]["nodes"]) == count
    assert answer["me"]["counts"] == {"unreadMessages": count}
    assert len(heard) == 2


async def test_a_paid_order_is_told_of_once(client: GraphQLClient, member: SignedInMember) -> None:
    await an_address(member.id)
    order_id = await placed(member.id, (await a_sku(5_098, weight_grams=100), 2))
    told = await a_payment(order_id)
    for _ in range(2):
        await settling.settle(told, mchid=MCHID, now=NOW)
    order = await db.fetch_one("SELECT order_no, paid_fen FROM sales_order")
    assert order is not None
    [node] = (await ask(client, member, INBOX))["me"]["messages"]["nodes"]
    yuan = f"{order['paid_fen'] / 100:.2f}"
    assert (node["event"], node["title"]) == ("ORDER_PAID", "支付成功")
    assert node["body"] == f"订单 {order['order_no']} 已支付 ¥{yuan}。"
    assert node["link"] == f"pages/order/index?id={order_id}"
    answer = await client.gql(INBOX, {}, token=member.token, headers={"accept-language": "en"})
    [node] = answer.data["me"]["messages"]["nodes"]
    assert node["body"] == f"We received ¥{yuan} for order {order['order_no']}."


async def test_nothing_is_told_of_what_was_free_or_came_too_late(member: SignedInMember) -> None:
    await redeemed(await a_redeemer(tier="GOLD"), await a_goods_reward(await a_sku()))
    assert await db.fetch_value("SELECT paid_fen FROM sales_order WHERE paid_at = $1", NOW) == 0
    await an_address(member.id)
    late = await placed(member.id, (await a_sku(500), 1))
    await cancelled(late)
    told = await a_payment(late)
    assert await settling.settle(told, mchid=MCHID, now=NOW) is settling.Outcome.CASE
    assert await db.fetch_value("SELECT count(*) FROM message") == 0


async def test_messages_of_more_than_a_year_are_forgotten(member: SignedInMember) -> None:
    midnight = datetime(2026, 11, 21, 16, tzinfo=UTC)
    a_year_ago = datetime(2025, 11, 21, 16, tzinfo=UTC)
    for age in (-2, -1, 0, 1):
        facts = {"tier": "银卡"}
        at = a_year_ago + timedelta(microseconds=age)
        event = MessageEvent.TIER_CHANGED
        await messages.tell([member.id], event, source_id=new_id(), facts=facts, now=at)
    await db.execute("UPDATE message SET read_at = created_at WHERE created_at < $1", a_year_ago)
    assert await messages.forget_old(midnight - timedelta(days=1)) == 0
    assert [await messages.forget_old(midnight, limit=1) for _ in range(3)] == [1, 1, 0]
    kept = await db.fetch("SELECT created_at FROM message ORDER BY created_at")
    assert [row["created_at"] for row in kept] == [
        a_year_ago,
        a_year_ago + timedelta(microseconds=1),
    ]
