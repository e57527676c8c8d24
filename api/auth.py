"""Who a request speaks for: access tokens, and which sessions have ended since they were signed.

A token is checked without asking PostgreSQL. What has happened since, sign-outs and merges, every
process learns by looking once a second, and keeps as long as a token that it concerns may live.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog

from gateways.tokens import AccessClaims, AccessTokenInvalid, Tokens
from resolvers.common.errors import unauthenticated
from services import sessions
from settings import Settings
from wiring.tokens import tokens_of

LOOK_EVERY_SECONDS = 1.0
OVERLAP = timedelta(minutes=2)
"""Each look goes back this far: a transaction may commit long after the time it writes down."""

log = structlog.get_logger(__name__)


class Viewer(NamedTuple):
    """The member and the session of a valid token."""

    member_id: UUID
    session_id: UUID


class Authenticator:
    """Reads the Authorization header of every request."""

    def __init__(self, settings: Settings) -> None:
        self._tokens: Tokens = tokens_of(settings)
        self._verified = VerifiedTokens()
        lifetime = timedelta(seconds=settings.access_token_lifetime_seconds)
        self._news = News(lifetime + OVERLAP)

    async def viewer(self, authorization: str | None, *, now: datetime) -> Viewer | None:
        """Return who is signed in, None without a header.

        Raises:
            ApiError: UNAUTHENTICATED for any token that doesn't hold now, and for other schemes.
        """
        if authorization is None:
            return None
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated()
        text = text.strip()
        claims = self._verified.find(text, now=now)
        if claims is None:
            try:
                claims = self._tokens.read_access_token(text, now=now)
            except AccessTokenInvalid:
                raise unauthenticated() from None
            self._verified.remember(text, claims)
        if self._news.has_ended(claims.session_id):
            raise unauthenticated()
        return Viewer(self._news.survivor_of(claims.member_id), claims.session_id)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look for news while the block runs; the first look is done before it starts."""
        await self.look(now=datetime.now(UTC))
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def look(self, *, now: datetime) -> None:
        """Learn what has ended and merged since the last look."""
        self._news.learn(await sessions.changes_since(self._news.since(now)), now=now)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                await self.look(now=datetime.now(UTC))
            except Exception:
                log.warning("session_news_failed", exc_info=True)


class VerifiedTokens:
    """Tokens whose signature has been checked, as long as they last: a phone sends one all day.

    What happens to its session meanwhile is not remembered here but asked of `News` each time.
    Bounded: when so many are new they become old, and an old one that nobody sends until as many
    others are new is forgotten.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._new: dict[str, AccessClaims] = {}
        self._old: dict[str, AccessClaims] = {}

    def __len__(self) -> int:
        """Return how many are remembered: twice the limit at most."""
        return len(self._new) + len(self._old)

    def find(self, text: str, *, now: datetime) -> AccessClaims | None:
        """Return the claims of a token that still holds; None for one that must be checked."""
        claims = self._new.get(text)
        if claims is None:
            claims = self._old.pop(text, None)
            if claims is None:
                return None
            self.remember(text, claims)
        return claims if now < claims.expires_at else None

    def remember(self, text: str, claims: AccessClaims) -> None:
        """Keep the claims of a token that was checked."""
        if len(self._new) >= self._limit:
            self._old, self._new = self._new, {}
        self._new[text] = claims


class News:
    """Sessions that have ended and members who were merged, as long as a token may name them."""

    def __init__(self, kept_for: timedelta) -> None:
        self._kept_for = kept_for
        self._looked_at: datetime | None = None
        self._ended: dict[UUID, datetime] = {}
        self._survivors: dict[UUID, UUID] = {}
        self._tidied_at: datetime | None = None

    def since(self, now: datetime) -> datetime:
        """Return how far back to look: everything that matters at first, then what is new."""
        if self._looked_at is None:
            return now - self._kept_for
        return min(self._looked_at, now) - OVERLAP

    def learn(self, changes: sessions.Changes, *, now: datetime) -> None:
        """Take in what a look has found, and forget what no living token can name."""
        self._ended |= changes.ended_sessions
        # Merges are few, and a chain of them must stay whole: they are kept.
        self._survivors |= changes.survivors
        self._looked_at = now
        if self._tidied_at is None or now - self._tidied_at > OVERLAP:
            horizon = now - self._kept_for
            self._ended = {id_: at for id_, at in self._ended.items() if at > horizon}
            self._tidied_at = now

    def has_ended(self, session_id: UUID) -> bool:
        """Tell whether the session was signed out or revoked."""
        return session_id in self._ended

    def survivor_of(self, member_id: UUID) -> UUID:
        """Return who holds the member's account now."""
        while member_id in self._survivors:
            member_id = self._survivors[member_id]
        return member_id
