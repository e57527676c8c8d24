"""Signing in and out over the API, as the mini-program and the H5 mall do."""

from dataclasses import dataclass
from typing import Any

from tests.support.graphql import GraphQLClient
from tests.support.simulator import Simulator

_SESSION = """
session { accessToken refreshToken expiresAt isNewMember member { id memberNo joinedAt phone } }
userErrors { code message path retryAfterSeconds }
"""
_MUTATION = "mutation ($input: %sInput!) { %s(input: $input) { %s } }"
PHONE = "13812345678"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sessions mutation answered: a session, or one refusal."""

    payload: dict[str, Any]

    @property
    def session(self) -> dict[str, Any]:
        """The session of an answer without refusals."""
        assert self.payload["userErrors"] == [], self.payload["userErrors"]
        session: dict[str, Any] = self.payload["session"]
        return session

    @property
    def token(self) -> str:
        return str(self.session["accessToken"])

    @property
    def refresh_token(self) -> str:
        return str(self.session["refreshToken"])

    @property
    def member_id(self) -> str:
        return str(self.session["member"]["id"])

    @property
    def refusal(self) -> tuple[str, list[str] | None]:
        """Code and path of the one refusal; there is nothing else in the payload."""
        assert self.payload.get("session") is None
        [error] = self.payload["userErrors"]
        return error["code"], error["path"]

    @property
    def code(self) -> str:
        """OK, or the refusal's code."""
        errors = self.payload["userErrors"]
        return errors[0]["code"] if errors else "OK"


async def call(
    client: GraphQLClient, mutation: str, token: str | None = None, **input: Any
) -> Outcome:
    """Run a mutation of this area."""
    kind = mutation[0].upper() + mutation[1:]
    document = _MUTATION % (kind, mutation, _SESSION)
    answer = await client.gql(document, {"input": input}, token)
    return Outcome(answer.data[mutation])


async def sign_in(
    client: GraphQLClient, code: str, token: str | None = None, **input: Any
) -> Outcome:
    """Sign in by a code of wx.login."""
    return await call(client, "signInWithMiniProgram", token, code=code, **input)


async def sign_in_on_h5(
    client: GraphQLClient, code: str, token: str | None = None, **input: Any
) -> Outcome:
    """Sign in by a code of the official account's OAuth."""
    return await call(client, "signInWithOfficialAccount", token, code=code, **input)


async def refresh(client: GraphQLClient, refresh_token: str) -> Outcome:
    """Exchange a refresh token."""
    return await call(client, "refreshSession", refreshToken=refresh_token)


async def send_sms_code(client: GraphQLClient, phone: str = PHONE, **input: Any) -> Outcome:
    """Ask for an SMS code."""
    document = """
    mutation ($input: SendSmsCodeInput!) {
        sendSmsCode(input: $input) {
            retryAfterSeconds userErrors { code message path retryAfterSeconds }
        }
    }
    """
    answer = await client.gql(document, {"input": {"phone": phone, **input}})
    return Outcome(answer.data["sendSmsCode"])


async def sms_code(client: GraphQLClient, wxsim: Simulator, phone: str = PHONE) -> str:
    """Have a code sent and read it on the simulator's page."""
    sent = await send_sms_code(client, phone)
    assert sent.payload == {"retryAfterSeconds": 60, "userErrors": []}
    return str((await wxsim.sms(phone=phone))[0]["code"])


async def sign_in_by_phone(
    client: GraphQLClient, wxsim: Simulator, phone: str = PHONE, **input: Any
) -> Outcome:
    """Have a code sent and sign in with it."""
    code = await sms_code(client, wxsim, phone)
    return await call(client, "signInWithPhone", phone=phone, smsCode=code, **input)


async def who(client: GraphQLClient, token: str | None) -> str | None:
    """Return the id of the member behind a token; None for nobody.

    A token that is refused is "UNAUTHENTICATED".
    """
    answer = await client.gql("{ me { id } }", token=token)
    if answer.errors:
        assert "data" not in answer.body  # The token was refused before anything was run.
        [code] = answer.error_codes
        return code
    me = answer.body["data"]["me"]
    return None if me is None else str(me["id"])
