"""Who may do what to a member: nobody without a token, and everybody to themselves alone."""

from typing import Any

import pytest

from models import database as db
from models.members import Consent, Upload
from settings import Settings
from tests.factories.members import JOINING_INPUT, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.profiles import FORM_ADDRESS, addresses, call, me, send

NOBODYS = "0199aaaa-0000-7000-8000-000000000000"
INPUTS: dict[str, dict[str, Any]] = {
    "updateProfile": {"gender": "MALE"},
    "setConsents": {"consents": JOINING_INPUT},
    "saveAddress": FORM_ADDRESS,
    "deleteAddress": {"id": NOBODYS},
    "createUpload": {"purpose": "AVATAR", "contentType": "image/png", "bytes": 100},
}


async def _rows() -> list[int]:
    tables = ("address", "upload", "consent")
    return [await db.fetch_value(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.parametrize("mutation", INPUTS)
@pytest.mark.parametrize("token", [None, "", "nonsense", "a.b.c"])
async def test_without_a_token_nothing_is_done(
    client: GraphQLClient, mutation: str, token: str | None
) -> None:
    answer = await send(client, mutation, token, **INPUTS[mutation])
    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert answer.body.get("data") is None  # A bad token is refused before anything is run.
    assert await _rows() == [0, 0, 0]


@pytest.mark.parametrize("joined", [True, False], ids=["member", "visitor"])
@pytest.mark.parametrize("mutation", INPUTS)
async def test_members_and_visitors_act_on_themselves_alone(
    client: GraphQLClient, settings: Settings, mutation: str, joined: bool
) -> None:
    actor = await signed_in_member(settings, joined=joined)
    other = await signed_in_member(settings, joined=False)
    before = await me(client, other.token)
    payload = await call(client, mutation, actor.token, **INPUTS[mutation])
    expected = ["NOT_FOUND"] if mutation == "deleteAddress" else []
    assert [error["code"] for error in payload["userErrors"]] == expected
    assert await me(client, other.token) == before
    assert await addresses(client, other.token) == []
    assert await Consent.filter(member_id=other.id).count() == 0
    assert await Upload.filter(member_id=other.id).count() == 0


async def test_what_anybody_may_ask_needs_no_token(client: GraphQLClient) -> None:
    answer = await client.gql('{ me { id } shop { name } scene(sceneCode: "x") { code } }')
    assert answer.data == {"me": None, "shop": {"name": "会员商城"}, "scene": None}
