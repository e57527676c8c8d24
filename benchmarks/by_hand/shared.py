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
from starlette.requests import Request
from starlette.responses import Response

from domain.rules import Rules
from gateways.personal_data import PersonalDataCipher
from gateways.tokens import AccessClaims, Tokens
from resolvers.common.messages import chinese
from settings import Settings


@dataclass(slots=True)
class Shared:
    """Everything a handler needs, made once."""

    settings: Settings
    pool: asyncpg.Pool
    http: httpx.AsyncClient
    tokens: Tokens
    data: PersonalDataCipher
    merchant_key: RSAPrivateKey
    wechat_key: RSAPublicKey
    rules: Rules
    rule_version_id: UUID
    verified: dict[str, AccessClaims]

    def viewer(self, request: Request, now: datetime) -> UUID:
        """Check the access token as the mall does, signatures once, and return its member."""
        text = request.headers["authorization"].removeprefix("Bearer ")
        claims = self.verified.get(text)
        if claims is None or now >= claims.expires_at:
            claims = self.verified[text] = self.tokens.read_access_token(text, now=now)
        return claims.member_id

    def url(self, path: str) -> str:
        """Return the address of one of our own paths."""
        return f"{self.settings.base_url}{path}" if path.startswith("/") else path


def shared_of(request: Request) -> Shared:
    """Return what the application was started with."""
    found: Shared = request.app.state.shared
    return found


def now_utc() -> datetime:
    """Return the request's instant."""
    return datetime.now(UTC)


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
