"""Coupons over the API: the centre, claims, exchange codes, a member's own, and their goods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.coupons import Audience, CampaignKind, CouponOrigin, ReturnRule, Terms, Validity
from domain.members import SceneKind
from domain.orders import OrderStatus
from domain.pricing import CouponKind, Scope, ScopeKind
from domain.scenes import target_scene_code
from models.ids import new_id
from models.orders import Order
from services import campaign_admin, coupon_codes, coupon_terms, coupons
from services.coupons import Issue
from settings import Settings
from tests.factories.catalog import a_category, a_product
from tests.factories.coupons import FIVE_OFF, FREE_SHIPPING, a_campaign, an_order
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.shop import a_sku
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

DAY = timedelta(days=1)
CENTRE = """
query ($first: Int, $after: String) { couponCampaigns(first: $first, after: $after) {
  nodes { id status startsAt endsAt quantity remaining pointsPrice claimedByMe perMemberLimit
          minTier { name } terms { name amountOff minSpend validityText }
          problem { code message } }
  pageInfo { hasNextPage endCursor } totalCount } }
"""
CLAIM = """
mutation ($i: ClaimCouponInput!) { claimCoupon(input: $i) {
  coupon { id code status terms { name } usedOn { id } } userErrors { code message path } } }
"""
EXCHANGE = """
mutation ($i: ClaimCouponCodeInput!) { claimCouponCode(input: $i) {
  coupon { id terms { name } } userErrors { code path } } }
"""
MINE = """
query ($s: [CouponStatus!], $first: Int, $after: String) { me {
  counts { couponsUsable couponsUsed couponsExpired }
  coupons(statuses: $s, first: $first, after: $after) {
    nodes { id status validUntil terms { name scope { kind title categories { name } } }
            usedOn { id } }
    pageInfo { hasNextPage endCursor } totalCount } } }
"""
GOODS = """
query ($f: ProductFilter) { products(filter: $f) { nodes { id } totalCount } }
"""


def today() -> datetime:
    return datetime.now(UTC)


async def a_running_campaign(terms: Terms = FIVE_OFF, **facts: Any) -> UUID:
    """Make a campaign that runs now, by the server's clock."""
    facts = {"claim_from": today() - DAY, "claim_until": today() + DAY, **facts}
    return await a_campaign(terms, **facts)


async def given(
    member_id: UUID,
    terms: Terms = FIVE_OFF,
    *,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    now: datetime | None = None,
) -> UUID:
    """Give a coupon that is valid now, unless said otherwise."""
    terms_id = await coupon_terms.terms_id_of(terms, now=today())
    start, end = valid_from or today() - DAY, valid_until or today() + DAY
    issue = Issue(member_id, terms_id, start, end, CouponOrigin.BENEFIT, new_id())
    [coupon_id] = await coupons.issue([issue], now=now or today())
    return coupon_id


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def test_the_centre_as_anybody_sees_it(client: GraphQLClient) -> None:
    campaign_id = await a_running_campaign(quantity=10, min_tier_code="SILVER", points_price=5)
    [node] = (await client.gql(CENTRE)).data["couponCampaigns"]["nodes"]
    assert (node.pop("startsAt"), node.pop("endsAt")) != (None, None)
    assert node == {
        "id": str(campaign_id),
        "status": "RUNNING",
        "quantity": 10,
        "remaining": 10,
        "pointsPrice": 5,
        "claimedByMe": 0,
        "perMemberLimit": 1,
        "minTier": {"name": "银卡"},
        "terms": {
            "name": "满60减5",
            "amountOff": 500,
            "minSpend": 6000,
            "validityText": "自领取当天起 7 天内有效",
        },
        "problem": None,
    }


async def test_the_centre_says_why_not(client: GraphQLClient, member: SignedInMember) -> None:
    ends = {name: today() + DAY * place for place, name in enumerate("abcdef", start=1)}
    await a_running_campaign(claim_until=ends["a"])
    await a_running_campaign(claim_until=ends["b"], quantity=0)
    await a_running_campaign(claim_until=ends["c"], min_tier_code="GOLD")
    await a_running_campaign(claim_until=ends["d"], points_price=1)
    await a_running_campaign(claim_until=ends["e"], audience=Audience.NEWCOMERS)
    await a_running_campaign(claim_from=today() + DAY, claim_until=ends["f"])
    order_id = await an_order(member.id)
    await Order.filter(id=order_id).update(
        status=OrderStatus.COMPLETED, paid_at=today(), timeout_due_at=None
    )

    async def problems(token: str | None) -> list[str | None]:
        found = (await client.gql(CENTRE, token=token)).data["couponCampaigns"]["nodes"]
        return [node["problem"] and node["problem"]["code"] for node in found]

    of_all = [None, "COUPON_SOLD_OUT", None, None, None, "CAMPAIGN_NOT_STARTED"]
    assert await problems(None) == of_all
    assert await problems(member.token) == [
        None,
        "COUPON_SOLD_OUT",
        "TIER_TOO_LOW",
        "INSUFFICIENT_POINTS",
        "COUPON_NOT_CLAIMABLE",
        "CAMPAIGN_NOT_STARTED",
    ]


async def test_a_visitor_is_told_what_is_missing(client: GraphQLClient, settings: Settings) -> None:
    campaign_id = await a_running_campaign()
    visitor = await signed_in_member(settings, joined=False)
    [node] = (await client.gql(CENTRE, token=visitor.token)).data["couponCampaigns"]["nodes"]
    assert node["problem"]["code"] == "CONSENT_REQUIRED"
    payload = await claim(client, visitor, campaign_id)
    assert [error["code"] for error in payload["userErrors"]] == ["CONSENT_REQUIRED"]


async def claim(
    client: GraphQLClient, member: SignedInMember, campaign_id: UUID, key: str = "k"
) -> Any:
    variables = {"i": {"campaignId": str(campaign_id), "idempotencyKey": key}}
    return (await client.gql(CLAIM, variables, member.token)).data["claimCoupon"]


async def test_what_the_centre_does_not_show(client: GraphQLClient, member: SignedInMember) -> None:
    await a_running_campaign(claim_until=today() - timedelta(seconds=1))
    await a_running_campaign(claim_from=today() + 8 * DAY, claim_until=today() + 9 * DAY)
    await a_running_campaign(kind=CampaignKind.CODE)
    withdrawn = await a_running_campaign()
    await campaign_admin.withdraw(withdrawn)
    listed = await a_running_campaign(audience=Audience.LISTED)
    centre = (await client.gql(CENTRE, token=member.token)).data["couponCampaigns"]
    assert (centre["nodes"], centre["totalCount"]) == ([], 0)
    await campaign_admin.list_members(listed, [member.id])
    centre = (await client.gql(CENTRE, token=member.token)).data["couponCampaigns"]
    assert [node["id"] for node in centre["nodes"]] == [str(listed)]
    assert (await client.gql(CENTRE)).data["couponCampaigns"]["nodes"] == []


async def test_the_centre_page_by_page(client: GraphQLClient) -> None:
    later = await a_running_campaign(claim_from=today() + DAY, claim_until=today() + 2 * DAY)
    running = [
        await a_running_campaign(claim_until=today() + (3 - number) * DAY) for number in range(3)
    ]
    seen: list[str] = []
    after = None
    for _ in range(4):
        answer = await client.gql(CENTRE, {"first": 1, "after": after})
        page = answer.data["couponCampaigns"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert page["totalCount"] == 4
    assert seen == [str(id_) for id_ in (*reversed(running), later)]


async def test_a_claim_and_what_is_left(client: GraphQLClient, member: SignedInMember) -> None:
    campaign_id = await a_running_campaign(quantity=2)
    payload = await claim(client, member, campaign_id)
    coupon = payload["coupon"]
    assert (coupon["status"], coupon["terms"]) == ("USABLE", {"name": "满60减5"})
    assert len(coupon["code"]) == 12
    assert (await claim(client, member, campaign_id))["coupon"] == coupon
    refused = await claim(client, member, campaign_id, "another")
    assert refused == {
        "coupon": None,
        "userErrors": [
            {
                "code": "COUPON_LIMIT_REACHED",
                "message": "每人限领 1 张。",
                "path": ["campaignId"],
            }
        ],
    }
    [node] = (await client.gql(CENTRE, token=member.token)).data["couponCampaigns"]["nodes"]
    assert (node["remaining"], node["claimedByMe"]) == (1, 1)
    assert node["problem"]["code"] == "COUPON_LIMIT_REACHED"


async def test_what_no_client_would_send(client: GraphQLClient, member: SignedInMember) -> None:
    for wrong in ("", "x", "0" * 36, str(new_id())):
        variables = {"i": {"campaignId": wrong, "idempotencyKey": "k"}}
        payload = (await client.gql(CLAIM, variables, member.token)).data["claimCoupon"]
        assert [(e["code"], e["path"]) for e in payload["userErrors"]] == [
            ("NOT_FOUND", ["campaignId"])
        ]
    document = "query ($id: ID!) { memberCoupon(id: $id) { id } }"
    for wrong in ("", "x", str(new_id())):
        answer = await client.gql(document, {"id": wrong}, member.token)
        assert answer.data == {"memberCoupon": None}


async def test_an_exchange_code(client: GraphQLClient, member: SignedInMember) -> None:
    campaign_id = await a_running_campaign(FREE_SHIPPING, kind=CampaignKind.CODE)
    [[code]] = [codes async for codes in coupon_codes.make(campaign_id, 1)]

    async def exchange(text: str, key: str) -> Any:
        variables = {"i": {"code": text, "idempotencyKey": key}}
        return (await client.gql(EXCHANGE, variables, member.token)).data["claimCouponCode"]

    assert (await exchange("WRONG", "1"))["userErrors"] == [
        {"code": "COUPON_CODE_INVALID", "path": ["code"]}
    ]
    assert (await exchange(coupon_codes.shown(code).lower(), "2"))["coupon"]["terms"] == {
        "name": "免邮券"
    }
    for number in range(18):
        assert (await exchange("GUESS", f"g{number}"))["userErrors"] == [
            {"code": "COUPON_CODE_INVALID", "path": ["code"]}
        ]
    assert (await exchange("GUESS", "too many"))["userErrors"] == [
        {"code": "RATE_LIMITED", "path": None}
    ]


async def test_the_members_coupons_by_status(client: GraphQLClient, member: SignedInMember) -> None:
    soon = await given(member.id, valid_until=today() + timedelta(hours=1))
    usable = await given(member.id)
    early = await given(member.id, valid_from=today() + DAY, valid_until=today() + 2 * DAY)
    ended = await given(member.id, valid_until=today() - timedelta(hours=1))
    used, held, revoked = [await given(member.id) for _ in range(3)]
    order_id = await an_order(member.id)
    await coupons.reserve([used], member_id=member.id, order_id=order_id, now=today())
    await coupons.use(order_id, now=today())
    unpaid_id = await an_order(member.id)
    await coupons.reserve([held], member_id=member.id, order_id=unpaid_id, now=today())
    await coupons.revoke([revoked])

    async def shown(*statuses: str) -> list[tuple[str, str]]:
        me = (await client.gql(MINE, {"s": list(statuses)}, member.token)).data["me"]
        assert me["counts"] == {"couponsUsable": 2, "couponsUsed": 1, "couponsExpired": 1}
        nodes = me["coupons"]["nodes"]
        assert me["coupons"]["totalCount"] == len(nodes)
        assert [node["usedOn"] for node in nodes if node["status"] == "USED"] == [
            {"id": str(order_id)} for node in nodes if node["status"] == "USED"
        ]
        return [(node["id"], node["status"]) for node in nodes]

    assert await shown("USABLE") == [(str(soon), "USABLE"), (str(usable), "USABLE")]
    assert await shown("NOT_YET_VALID") == [(str(early), "NOT_YET_VALID")]
    assert await shown("RESERVED") == [(str(held), "RESERVED")]
    assert await shown("USED") == [(str(used), "USED")]
    assert await shown("EXPIRED") == [(str(ended), "EXPIRED")]
    assert await shown("REVOKED") == [(str(revoked), "REVOKED")]
    live = await shown("USABLE", "RESERVED", "NOT_YET_VALID")
    assert [id_ for id_, _ in live] == [str(id_) for id_ in (soon, usable, held, early)]
    newest_first = [revoked, held, used, ended, early, usable, soon]
    assert [id_ for id_, _ in await shown()] == [str(id_) for id_ in newest_first]
    assert [id_ for id_, _ in await shown("USED", "EXPIRED")] == [str(used), str(ended)]


async def test_the_members_coupons_page_by_page(
    client: GraphQLClient, member: SignedInMember
) -> None:
    end = today() + DAY
    ids = [await given(member.id, valid_until=end, now=end - DAY) for _ in range(5)]
    for statuses, expected in ((["USABLE"], ids), ([], ids[::-1])):
        seen: list[str] = []
        after = None
        for _ in range(3):
            variables = {"s": statuses, "first": 2, "after": after}
            page = (await client.gql(MINE, variables, member.token)).data["me"]["coupons"]
            seen += [node["id"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
        assert seen == [str(id_) for id_ in expected]


async def test_the_small_print(client: GraphQLClient, member: SignedInMember) -> None:
    fruit = await a_category("水果")
    terms = Terms(
        name="88折",
        name_en="12 % off",
        kind=CouponKind.PERCENT_OFF,
        pay_bps=8_800,
        max_off_fen=2_000,
        min_pieces=2,
        min_spend_fen=5_000,
        scope=Scope(ScopeKind.CATEGORIES, frozenset({fruit})),
        return_rule=ReturnRule.NEVER,
        description="仅限线上。",
        description_en="Online only.",
    )
    campaign_id = await a_running_campaign(terms, validity=Validity(days=1))
    coupon_id = (await claim(client, member, campaign_id))["coupon"]["id"]
    document = """
    query ($id: ID!) { memberCoupon(id: $id) { terms {
      name kind amountOff payPercent maxOff minSpend minPieces stacksWithCampaigns
      scope { kind title categories { id name } } giftSku { id } description } } }
    """
    answer = await client.gql(document, {"id": coupon_id}, member.token)
    assert answer.data["memberCoupon"]["terms"] == {
        "name": "88折",
        "kind": "PERCENT_OFF",
        "amountOff": None,
        "payPercent": 88,
        "maxOff": 2000,
        "minSpend": 5000,
        "minPieces": 2,
        "stacksWithCampaigns": False,
        "scope": {
            "kind": "CATEGORIES",
            "title": "水果",
            "categories": [{"id": str(fruit), "name": "水果"}],
        },
        "giftSku": None,
        "description": "仅限线上。\n适用商品优惠后满 ¥50.00 可用。\n适用商品满 2 件可用。\n"
        "最高优惠 ¥20.00。\n不可与秒杀、拼团价同享。\n退款后不予退回。",
    }
    english = await client.gql(
        document, {"id": coupon_id}, member.token, headers={"accept-language": "en"}
    )
    told = english.data["memberCoupon"]["terms"]
    assert told["name"] == "12 % off"
    assert told["description"].splitlines()[0] == "Online only."
    assert told["description"].splitlines()[-1] == "It doesn't come back when an order is refunded."


async def test_a_gift_names_its_sku(client: GraphQLClient, member: SignedInMember) -> None:
    sku = await a_sku(500)
    gift = Terms(name="赠品", name_en="Gift", kind=CouponKind.GIFT, gift_sku_id=sku.id)
    coupon_id = await given(member.id, gift)
    document = "query ($id: ID!) { memberCoupon(id: $id) { terms { giftSku { id price } } } }"
    answer = await client.gql(document, {"id": str(coupon_id)}, member.token)
    assert answer.data["memberCoupon"]["terms"]["giftSku"] == {"id": str(sku.id), "price": 500}


async def test_where_a_coupon_can_be_used(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    fruit = await a_category("水果")
    apples = await a_category("苹果", parent_id=fruit)
    pear, apple = await a_product(categories=[fruit]), await a_product(categories=[apples])
    cup = await a_product()

    async def goods(token: str | None = None, **filter_: str) -> set[str]:
        found = (await client.gql(GOODS, {"f": filter_}, token)).data["products"]
        assert found["totalCount"] == len(found["nodes"])
        return {node["id"] for node in found["nodes"]}

    def scoped(kind: ScopeKind, *ids: UUID) -> Terms:
        return Terms(
            name="x",
            name_en="x",
            kind=CouponKind.AMOUNT_OFF,
            amount_off_fen=1,
            scope=Scope(kind, frozenset(ids)),
            scope_title="x",
        )

    everything = {str(pear), str(apple), str(cup)}
    of_all = await given(member.id)
    of_fruit = await given(member.id, scoped(ScopeKind.CATEGORIES, fruit))
    of_cup = await a_running_campaign(scoped(ScopeKind.PRODUCTS, cup))
    assert await goods(member.token, memberCouponId=str(of_all)) == everything
    assert await goods(member.token, memberCouponId=str(of_fruit)) == {str(pear), str(apple)}
    assert await goods(couponCampaignId=str(of_cup)) == {str(cup)}
    both = {"memberCouponId": str(of_fruit), "couponCampaignId": str(of_cup)}
    assert await goods(member.token, **both) == set()
    stranger = await signed_in_member(settings)
    for token in (stranger.token, None):
        assert await goods(token, memberCouponId=str(of_all)) == set()
    for wrong in ("x", str(new_id())):
        assert await goods(member.token, memberCouponId=wrong) == set()
        assert await goods(couponCampaignId=wrong) == set()

    page = """query ($id: ID!) { product(id: $id) { couponCampaigns(first: 5) {
        nodes { id } pageInfo { hasNextPage } totalCount } } }"""
    ids = {}
    for product_id in (pear, cup):
        found = (await client.gql(page, {"id": str(product_id)})).data["product"]
        ids[product_id] = [node["id"] for node in found["couponCampaigns"]["nodes"]]
        assert found["couponCampaigns"]["totalCount"] == len(ids[product_id])
    assert ids == {pear: [], cup: [str(of_cup)]}


async def test_a_poster_leads_to_a_campaign(client: GraphQLClient) -> None:
    campaign_id = await a_running_campaign()
    document = "query ($c: String!) { scene(sceneCode: $c) { kind targetId } }"

    async def scene(target: UUID) -> Any:
        code = target_scene_code(SceneKind.COUPON_CAMPAIGN, target)
        return (await client.gql(document, {"c": code})).data["scene"]

    assert await scene(campaign_id) == {
        "kind": "COUPON_CAMPAIGN",
        "targetId": str(campaign_id),
    }
    assert await scene(new_id()) is None


@pytest.mark.parametrize("rows", [1, 20])
async def test_lists_cost_the_same_however_long(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog, rows: int
) -> None:
    for number in range(rows):
        await a_running_campaign(per_member_limit=2, claim_until=today() + DAY * (number + 1))
        await given(member.id)
        await a_product()
    async with statements.record() as heard:
        answer = await client.gql(CENTRE, token=member.token)
    assert len(answer.data["couponCampaigns"]["nodes"]) == rows
    centre = len(heard)
    async with statements.record() as heard:
        answer = await client.gql(MINE, {"s": ["USABLE"]}, member.token)
    assert len(answer.data["me"]["coupons"]["nodes"]) == rows
    mine = len(heard)
    document = "{ products { nodes { id couponCampaigns(first: 3) { nodes { id } } } } }"
    async with statements.record() as heard:
        answer = await client.gql(document)
    assert len(answer.data["products"]["nodes"]) == rows
    assert (centre, mine, len(heard)) == (6, 2, 3)
