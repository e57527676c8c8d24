"""The shop: brand, rules and agreements in force."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.rules import BrandRules, MessageTemplateRules, PointsRules, Rules
from services import rules
from tests.factories.members import VERSION, agreements
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

LAUNCH = """
query LaunchScene($code: String!) {
    shop {
        name now currency hotSearches servicePhone
        agreements { kind version title url required }
        messageTemplates { id event title }
        pointsRules {
            pointsPerYuan pointsPerYuanOff maxShareBasisPoints minPointsToSpend lifetimeDays
        }
    }
    banners(slot: LAUNCH) { id imageUrl link }
    scene(sceneCode: $code) { kind targetId inviteCode }
}
"""
BRAND = Rules(
    brand=BrandRules(name="山野集", name_en="Shanye Market", service_phone="400-800-8820"),
    hot_searches=("苹果", "亚麻"),
    message_templates=(MessageTemplateRules("tmpl-1", "ORDER_SHIPPED", "发货通知", "Shipped"),),
)


async def test_the_launch_page_gets_the_brand_and_its_rules(client: GraphQLClient) -> None:
    before = datetime.now(UTC)
    await rules.publish(BRAND, effective_at=before - timedelta(days=1), now=before)
    await agreements()
    data = (await client.gql(LAUNCH, {"code": "nothing"})).data
    shop = data["shop"]
    assert before <= datetime.fromisoformat(shop.pop("now")) <= datetime.now(UTC)
    assert shop.pop("pointsRules").pop("lifetimeDays") in (365, 366)
    assert shop == {
        "name": "山野集",
        "currency": "CNY",
        "hotSearches": ["苹果", "亚麻"],
        "servicePhone": "400-800-8820",
        "agreements": [
            {
                "kind": kind,
                "version": VERSION,
                "title": f"{kind} {VERSION}",
                "url": f"https://mall.example.com/agreements/{kind.lower()}/{VERSION}",
                "required": kind in ("MEMBERSHIP", "PRIVACY"),
            }
            for kind in ("MEMBERSHIP", "PRIVACY", "MARKETING", "PERSONALISATION")
        ],
        "messageTemplates": [{"id": "tmpl-1", "event": "ORDER_SHIPPED", "title": "发货通知"}],
    }
    assert data["scene"] is None


async def test_the_shop_speaks_english_on_request(client: GraphQLClient) -> None:
    now = datetime.now(UTC)
    await rules.publish(BRAND, effective_at=now - timedelta(days=1), now=now)
    document = "{ shop { name messageTemplates { title } } }"
    answer = await client.gql(document, headers={"accept-language": "en"})
    assert answer.data["shop"] == {
        "name": "Shanye Market",
        "messageTemplates": [{"title": "Shipped"}],
    }


async def test_rules_and_agreements_hold_from_their_time_on(client: GraphQLClient) -> None:
    now = datetime.now(UTC)
    later = replace(BRAND, points=PointsRules(points_per_yuan=2))
    await rules.publish(BRAND, effective_at=now - timedelta(days=1), now=now)
    await rules.publish(later, effective_at=now + timedelta(days=1), now=now)
    await agreements()
    await agreements("2027-01", effective_at=now + timedelta(days=1))
    document = "{ shop { pointsRules { pointsPerYuan } agreements { version } } }"
    assert (await client.gql(document)).data["shop"] == {
        "pointsRules": {"pointsPerYuan": 1},
        "agreements": [{"version": VERSION}] * 4,
    }


async def test_an_empty_shop_has_its_shipped_rules(
    client: GraphQLClient, statements: StatementLog
) -> None:
    document = "{ shop { name servicePhone hotSearches agreements { kind } } }"
    assert (await client.gql(document)).data["shop"] == {
        "name": "会员商城",
        "servicePhone": None,
        "hotSearches": [],
        "agreements": [],
    }
    async with statements.record() as heard:
        await client.gql(document)
    assert len(heard) <= 2  # The rules, unless they are still fresh, and the agreements.
