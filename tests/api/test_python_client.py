"""Python's gql against the running mall; what browsers use is in tests/clients."""

from __future__ import annotations

import pytest
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from graphql import print_schema

from api.schema import member_engine
from settings import Settings
from tests.factories.members import signed_in_member

RENAME = """
mutation Rename($input: UpdateProfileInput!) {
  updateProfile(input: $input) { member { nickname } userErrors { code path } }
}
"""


def client(url: str, token: str | None = None, *, reads_schema: bool = False) -> Client:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    transport = AIOHTTPTransport(f"{url}/graphql", headers=headers, ssl=False)
    return Client(transport=transport, fetch_schema_from_transport=reads_schema)


async def test_it_asks_and_changes(live: str, settings: Settings) -> None:
    member = await signed_in_member(settings)
    async with client(live, member.token) as session:
        request = gql("query Codes($n: Boolean!) { tiers { code name @include(if: $n) } }")
        request.variable_values = {"n": False}
        assert await session.execute(request) == {
            "tiers": [{"code": "REGULAR"}, {"code": "SILVER"}, {"code": "GOLD"}]
        }
        for nickname, expected in (
            ("阿梨", {"member": {"nickname": "阿梨"}, "userErrors": []}),
            ("", {"member": None, "userErrors": [{"code": "INVALID_INPUT", "path": ["nickname"]}]}),
        ):
            request = gql(RENAME)
            request.variable_values = {"input": {"nickname": nickname}}
            assert await session.execute(request) == {"updateProfile": expected}


@pytest.mark.parametrize(
    ("document", "token", "code"),
    [("{ nothing }", None, "BAD_REQUEST"), ("{ tiers { code } }", "x", "UNAUTHENTICATED")],
)
async def test_it_is_told_of_errors(live: str, document: str, token: str | None, code: str) -> None:
    async with client(live, token) as session:
        with pytest.raises(TransportQueryError) as refused:
            await session.execute(gql(document))
    assert refused.value.errors is not None
    assert [error["extensions"]["code"] for error in refused.value.errors] == [code]


async def test_it_reads_the_schema(live: str) -> None:
    asking = client(live, reads_schema=True)
    async with asking:
        assert asking.schema is not None
        told, ours = set(asking.schema.type_map), set(member_engine().schema.type_map)
        assert told == ours
        assert "type Query {" in print_schema(asking.schema)
