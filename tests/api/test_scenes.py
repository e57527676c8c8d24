"""What QR codes mean, the pictures of mini-program codes, and invitations."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from domain.images import read_size
from domain.members import SceneKind
from domain.scenes import target_scene_code
from models import database as db
from models.members import Member, Scene
from services.scenes import scene_code
from settings import Settings
from tests.factories.catalog import a_product
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.sessions import sign_in
from tests.support.simulator import Simulator

SCENE = "query ($code: String!) { scene(sceneCode: $code) { code kind targetId inviteCode } }"
INVITATIONS = """{ me { invitations {
    inviteCode invitedCount shareCard { title imageUrl path h5Url miniProgramCodeUrl }
} } }"""


@pytest.fixture
async def member(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def _scene(client: GraphQLClient, code: str) -> Any:
    return (await client.gql(SCENE, {"code": code})).data["scene"]


async def _invitations(client: GraphQLClient, member: SignedInMember) -> Any:
    return (await client.gql(INVITATIONS, token=member.token)).data["me"]["invitations"]


async def _inviter(member_id: str) -> UUID | None:
    found: UUID | None = await db.fetch_value(
        "SELECT invited_by_id FROM member WHERE id = $1", UUID(member_id)
    )
    return found


async def _drawn(wxsim: Simulator) -> int:
    calls = await wxsim.journal()
    return sum(call["path"] == "/wxa/getwxacodeunlimit" for call in calls)


async def test_a_products_card_leads_to_the_product(
    client: GraphQLClient, settings: Settings, wxsim: Simulator
) -> None:
    product_id = await a_product("苹果", now=datetime.now(UTC))
    document = "query ($id: ID!) { product(id: $id) { shareCard { miniProgramCodeUrl } } }"
    answer = await client.gql(document, {"id": str(product_id)})
    url = answer.data["product"]["shareCard"]["miniProgramCodeUrl"]
    code = url.removeprefix(f"{settings.base_url}/codes/").removesuffix(".png")
    assert await _scene(client, code) == {
        "code": code,
        "kind": "PRODUCT",
        "targetId": str(product_id),
        "inviteCode": None,
    }
    shown = await client.http.get(url)
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["cache-control"] == "public, max-age=86400"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert read_size(shown.content, "image/png") is not None
    again = await client.http.get(url, headers={"if-none-match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert await _drawn(wxsim) == 1


async def test_rows_say_what_other_codes_mean(
    client: GraphQLClient, member: SignedInMember
) -> None:
    now = datetime.now(UTC)
    team = await scene_code(SceneKind.GROUP_BUY_TEAM, target_id="t1", inviter_id=member.id, now=now)
    assert await _scene(client, team) == {
        "code": team,
        "kind": "GROUP_BUY_TEAM",
        "targetId": "t1",
        "inviteCode": (await Member.get(id=member.id)).invite_code,
    }
    for code, expires_at in (("over", now), ("soon", now + timedelta(hours=1))):
        await Scene.create(code=code, kind=SceneKind.HOME, expires_at=expires_at, created_at=now)
    assert await _scene(client, "over") is None
    assert (await _scene(client, "soon"))["kind"] == "HOME"
    assert (await client.http.get("/codes/over.png")).status_code == 404


@pytest.mark.parametrize(
    "code",
    [
        "nothing",
        "p" + "0" * 22,
        "p" + "z" * 22,
        "s" + "0" * 22,
        "\x00",
        "字",
        "😀" * 8,
        "x" * 10_000,
        "' OR 1=1 --",
    ],
)
async def test_a_code_that_means_nothing(
    client: GraphQLClient, wxsim: Simulator, code: str
) -> None:
    assert await _scene(client, code) is None
    shown = await client.http.get(f"/codes/{quote(code, safe='')}.png")
    assert shown.status_code == 404
    assert shown.headers["cache-control"] == "no-store"
    assert await _drawn(wxsim) == 0


async def test_codes_of_things_that_are_gone_are_not_drawn(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = target_scene_code(SceneKind.PRODUCT, UUID(int=7))
    assert (await client.http.get(f"/codes/{code}.png")).status_code == 404
    for path in ("/codes/../codes/x.png", "/codes/a/b.png", "/codes/%00.png", "/codes/.png"):
        assert (await client.http.get(path)).status_code == 404
    assert await _drawn(wxsim) == 0


async def test_twenty_views_at_once_are_one_drawing(
    client: GraphQLClient, member: SignedInMember, wxsim: Simulator
) -> None:
    url = (await _invitations(client, member))["shareCard"]["miniProgramCodeUrl"]
    shown = await asyncio.gather(*(client.http.get(url) for _ in range(20)))
    assert {each.status_code for each in shown} == {200}
    assert len({each.content for each in shown}) == 1
    assert await _drawn(wxsim) == 1
    await client.http.get(url)
    assert await _drawn(wxsim) == 1


async def test_while_wechat_is_away_a_code_is_missing_and_drawn_later(
    client: GraphQLClient, member: SignedInMember, wxsim: Simulator
) -> None:
    url = (await _invitations(client, member))["shareCard"]["miniProgramCodeUrl"]
    await wxsim.fault("http", match={"path": "/wxa/getwxacodeunlimit"})
    shown = await asyncio.gather(*(client.http.get(url) for _ in range(3)))
    for each in shown:
        assert (each.status_code, each.json()["code"]) == (503, "WECHAT_UNAVAILABLE")
        assert each.headers["cache-control"] == "no-store"
        assert int(each.headers["retry-after"]) > 0
    await wxsim.http.delete("/faults")
    assert (await client.http.get(url)).status_code == 200


async def test_one_address_has_so_many_codes_drawn_a_minute(
    client: GraphQLClient, member: SignedInMember, settings: Settings, wxsim: Simulator
) -> None:
    limit = settings.limit_code_image[0].times
    now = datetime.now(UTC)
    codes = [
        await scene_code(SceneKind.COUPON_CAMPAIGN, target_id=str(number), now=now)
        for number in range(limit + 1)
    ]
    shown = [await client.http.get(f"/codes/{code}.png") for code in codes]
    assert [each.status_code for each in shown] == [200] * limit + [429]
    assert int(shown[-1].headers["retry-after"]) > 0
    assert await _drawn(wxsim) == limit
    # What was drawn before is free.
    assert (await client.http.get(f"/codes/{codes[0]}.png")).status_code == 200


async def test_a_poster_brings_its_inviter(
    client: GraphQLClient, member: SignedInMember, settings: Settings, wxsim: Simulator
) -> None:
    program = await _invitations(client, member)
    card = program["shareCard"]
    invite_code = (await Member.get(id=member.id)).invite_code
    code = card["miniProgramCodeUrl"].removeprefix(f"{settings.base_url}/codes/")[: -len(".png")]
    assert program == {
        "inviteCode": invite_code,
        "invitedCount": 0,
        "shareCard": {
            "title": "邀请你加入会员商城",
            "imageUrl": f"{settings.base_url}/media/share.png",
            "path": f"pages/home/index?inviteCode={invite_code}",
            "h5Url": f"{settings.base_url}/h5/home?inviteCode={invite_code}",
            "miniProgramCodeUrl": f"{settings.base_url}/codes/{code}.png",
        },
    }
    assert await _scene(client, code) == {
        "code": code,
        "kind": "INVITATION",
        "targetId": None,
        "inviteCode": invite_code,
    }
    came = await sign_in(client, await wxsim.login_code(await wxsim.user()), sceneCode=code)
    assert await _inviter(came.member_id) == member.id
    told = await sign_in(client, await wxsim.login_code(await wxsim.user()), inviteCode=invite_code)
    assert await _inviter(told.member_id) == member.id
    assert (await _invitations(client, member))["invitedCount"] == 2
    image = await client.http.get("/media/share.png")
    assert read_size(image.content, "image/png") == (500, 400)


async def test_a_member_has_one_poster_however_often_it_is_asked_for(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    programs = await asyncio.gather(*(_invitations(client, member) for _ in range(10)))
    urls = {program["shareCard"]["miniProgramCodeUrl"] for program in programs}
    assert len(urls) == 1
    assert await Scene.all().count() == 1
    other = await signed_in_member(settings)
    assert (await _invitations(client, other))["shareCard"]["miniProgramCodeUrl"] not in urls


async def test_an_account_that_is_closed_invites_nobody(
    client: GraphQLClient, member: SignedInMember
) -> None:
    code = await scene_code(SceneKind.INVITATION, inviter_id=member.id, now=datetime.now(UTC))
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member.id)
    assert (await _scene(client, code))["inviteCode"] is None
