"""Limits on the doors: who knocks too often waits, whatever they bring."""

from typing import Any

import pytest

from models.members import Member, SignInAttempt, SmsCode
from services.rate_limits import Door
from settings import Settings
from tests.factories.members import signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.ports import ReplacePorts
from tests.support.sessions import PHONE, call, send_sms_code


class Shut:
    """Doors of which one is shut for seven seconds; notes who knocks."""

    def __init__(self, shut: Door) -> None:
        self.shut = shut
        self.knocks: list[tuple[str, str]] = []

    async def knock(self, door: Door, address: str) -> int | None:
        self.knocks.append((door, address))
        return 7 if door is self.shut else None


@pytest.fixture
async def token(client: GraphQLClient, settings: Settings) -> str:
    return (await signed_in_member(settings)).token


@pytest.mark.parametrize(
    ("mutation", "knock"),
    [
        ("signInWithMiniProgram", (Door.SIGN_IN, {"code": "x"})),
        ("signInWithOfficialAccount", (Door.SIGN_IN, {"code": "x"})),
        ("signInWithPhone", (Door.SIGN_IN, {"phone": PHONE, "smsCode": "123456"})),
        ("refreshSession", (Door.REFRESH, {"refreshToken": "x"})),
        ("bindPhone", (Door.BIND_PHONE, {"wechatCode": "x"})),
    ],
)
async def test_a_shut_door_says_when_to_come_back(
    client: GraphQLClient,
    token: str,
    replace_ports: ReplacePorts,
    mutation: str,
    knock: tuple[Door, dict[str, Any]],
) -> None:
    door, facts = knock
    limits = Shut(door)
    replace_ports(limits=limits)
    refused = await call(client, mutation, token, **facts)
    assert refused.refusal == ("RATE_LIMITED", None)
    assert refused.payload["userErrors"][0]["retryAfterSeconds"] == 7
    assert limits.knocks == [(door, "127.0.0.1")]
    assert await SignInAttempt.all().count() == 0
    assert await Member.all().count() == 1


async def test_the_door_of_sms_codes_is_limited_too(
    client: GraphQLClient, replace_ports: ReplacePorts
) -> None:
    limits = Shut(Door.SMS)
    replace_ports(limits=limits)
    refused = await send_sms_code(client)
    assert refused.code == "RATE_LIMITED"
    assert refused.payload["retryAfterSeconds"] == 7
    assert await SmsCode.all().count() == 0


async def test_doors_are_shut_to_floods(client: GraphQLClient) -> None:
    outcomes = [await call(client, "refreshSession", refreshToken="x") for _ in range(241)]
    codes = [outcome.code for outcome in outcomes]
    assert codes == ["REFRESH_TOKEN_INVALID"] * 240 + ["RATE_LIMITED"]
