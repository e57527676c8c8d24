"""What the hand-written handlers share: the pool, the keys, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.auth import Authenticator
from domain.rules import Rules
from gateways.personal_data import PersonalDataCipher
from gateways.tokens import Tokens
from resolvers.common.messages import chinese
from settings import Settings


@dataclass(slots=True)
class Shared:
    """Everything a handler needs, made once."""

    settings: Settings
    base_url: str
    pool: asyncpg.Pool
    http: httpx.AsyncClient
    tokens: Tokens
    data: PersonalDataCipher
    merchant_key: RSAPrivateKey
    wechat_key: RSAPublicKey
    rules: Rules
    rule_version_id: UUID
    authenticator: Authenticator
    """The mall's own: signatures are checked once, revocation is seen within seconds."""

    async def viewer(self, request: Request, now: datetime) -> UUID:
        """Check the access token and return its member."""
        found = await self.viewer_or_none(request, now)
        assert found is not None, "a token is sent"
        return found

    async def viewer_or_none(self, request: Request, now: datetime) -> UUID | None:
        """Check the access token, if there is one."""
        found = await self.authenticator.viewer(request.headers.get("authorization"), now=now)
        return None if found is None else found.member_id

    def url(self, path: str) -> str:
        """Return the address of one of our own paths."""
        return f"{self.base_url}{path}" if path.startswith("/") else path


def shared_of(request: Request) -> Shared:
    """Return what the application was started with."""
    found: Shared = request.app.state.shared
    return found


def now_utc() -> datetime:
    """Return the request's instant."""
    return datetime.now(UTC)


async def read(request: Request) -> Any:
    """Return the body's JSON; a body beyond the limit isn't read."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > shared_of(request).settings.request_max_bytes:
        raise HTTPException(413)
    return orjson.loads(await request.body())


def answer(data: dict[str, Any]) -> Response:
    """Return the answer as GraphQL would be answered."""
    return Response(orjson.dumps({"data": data}), media_type="application/json")


def told(message: str, **facts: object) -> str:
    """Return a message in Chinese."""
    text = chinese().get(message, message)
    return text.format(**facts) if facts else text


async def prepare(connection: asyncpg.Connection) -> None:
    """Read jsonb by orjson, and write texts that are JSON already."""
    await connection.set_type_codec("jsonb", encoder=str, decoder=orjson.loads, schema="pg_catalog")


def json(value: Any) -> str:
    """Return what to pass for a jsonb parameter."""
    return orjson.dumps(value).decode()


async def keep(connection: asyncpg.Connection) -> None:
    """Leave a returned connection as it is, as the mall's pool does."""
