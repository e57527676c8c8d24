"""The tokens of a session: signed access tokens (RFC 9068, HS256), and refresh tokens.

Each key is derived from a secret for its one purpose. The current secret makes tokens; a previous
one is still read, so that the secret can be changed without signing anybody out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from domain.sessions import RefreshClaim, read_refresh_token, write_refresh_token

ALGORITHM = "HS256"
TYPE = "at+jwt"
_CLAIMS = ("iss", "aud", "exp", "iat", "sub", "sid")
_MAX_LENGTH = 2_048
_CLOCK_SKEW = timedelta(seconds=30)
"""How far ahead the clock of the process may be that signed a token."""


class AccessTokenInvalid(Exception):
    """The token is not one of ours, not for us, or over."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Who a valid access token speaks for, and until when."""

    member_id: UUID
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedToken:
    """An access token and when it ends."""

    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """Secrets, the newest first, and what stands in the tokens."""

    secrets: Sequence[str] = field(repr=False)
    issuer: str
    audience: str
    access_lifetime: timedelta
    refresh_lifetime: timedelta


class Tokens:
    """Makes and reads both kinds of tokens."""

    def __init__(self, config: TokenConfig) -> None:
        assert config.secrets, "there is a secret"
        self._config = config
        self._access_keys = {_kid(key): key for key in _derived(config.secrets, b"access token")}
        self._kid, self._access_key = next(iter(self._access_keys.items()))
        self._refresh_keys = _derived(config.secrets, b"refresh token")

    @property
    def refresh_lifetime(self) -> timedelta:
        """How long a session lives after its last use."""
        return self._config.refresh_lifetime

    def access_token(self, member_id: UUID, session_id: UUID, *, now: datetime) -> SignedToken:
        """Sign a token with the current key."""
        issued_at = int(now.timestamp())
        expires_at = issued_at + int(self._config.access_lifetime.total_seconds())
        claims = {
            "iss": self._config.issuer,
            "aud": self._config.audience,
            "iat": issued_at,
            "exp": expires_at,
            "sub": str(member_id),
            "sid": str(session_id),
        }
        text = jwt.encode(
            claims, self._access_key, ALGORITHM, headers={"typ": TYPE, "kid": self._kid}
        )
        return SignedToken(text, datetime.fromtimestamp(expires_at, UTC))

    def read_access_token(self, text: str, *, now: datetime) -> AccessClaims:
        """Check everything about a token.

        Raises:
            AccessTokenInvalid: without saying why, for whoever sends it must not learn.
        """
        try:
            return self._read(text, now)
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise AccessTokenInvalid from error

    def _read(self, text: str, now: datetime) -> AccessClaims:
        if len(text) > _MAX_LENGTH:
            raise ValueError("too long")
        header = jwt.get_unverified_header(text)
        key = self._access_keys.get(str(header.get("kid")))
        if header.get("typ") != TYPE or key is None:
            raise ValueError("another kind of token")
        # The times are checked below, against the request's instant instead of the library's.
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[ALGORITHM],
            issuer=self._config.issuer,
            audience=self._config.audience,
            options={
                "require": list(_CLAIMS),
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        _check_times(claims, now)
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return AccessClaims(UUID(claims["sub"]), UUID(claims["sid"]), expires_at)

    def refresh_token(self, claim: RefreshClaim) -> str:
        """Return the refresh token of a claim, always the same under one secret."""
        return write_refresh_token(claim, self._refresh_keys[0])

    def read_refresh_token(self, text: str) -> RefreshClaim | None:
        """Read a refresh token made with any of our secrets; None when it isn't ours."""
        return read_refresh_token(text, self._refresh_keys)


def _check_times(claims: dict[str, Any], now: datetime) -> None:
    issued_at, expires_at = claims["iat"], claims["exp"]
    if type(issued_at) is not int or type(expires_at) is not int:
        raise TypeError("times are whole seconds")
    if now.timestamp() >= expires_at or (now + _CLOCK_SKEW).timestamp() < issued_at:
        raise ValueError("not now")


def _derived(secrets: Sequence[str], purpose: bytes) -> list[bytes]:
    """Return a key for the purpose from each secret; secrets are long and random (settings)."""
    return [hmac.digest(secret.encode(), b"membermall " + purpose, "sha256") for secret in secrets]


def _kid(key: bytes) -> str:
    """Name a key without giving it away."""
    return hashlib.sha256(b"kid " + key).hexdigest()[:16]
