"""Agreements in force, and members with a token, made by the services that make them in life."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.members import AgreementKind
from domain.sessions import RefreshClaim
from models import database
from models.ids import new_id
from models.members import Agreement
from services import consents, members, sessions
from services.consents import Answer
from services.members import Phone
from settings import Settings
from wiring.tokens import tokens_of

VERSION = "2026-01"
"""The version of every agreement that `agreements` publishes."""

JOINING = (
    Answer(AgreementKind.MEMBERSHIP, VERSION, given=True),
    Answer(AgreementKind.PRIVACY, VERSION, given=True),
)
"""What a visitor says to become a member."""

JOINING_INPUT = [{"kind": a.kind.value, "version": a.version, "given": True} for a in JOINING]
"""The same, as GraphQL variables."""


@dataclass(frozen=True, slots=True)
class SignedInMember:
    """A member and the tokens of one session."""

    id: UUID
    session_id: UUID
    token: str
    refresh_token: str


async def agreements(version: str = VERSION, *, effective_at: datetime | None = None) -> None:
    """Publish a version of every agreement; publishing it again changes nothing."""
    effective_at = effective_at or datetime(2026, 1, 1, tzinfo=UTC)
    for kind in AgreementKind:
        await Agreement.get_or_create(
            kind=kind,
            version=version,
            defaults={
                "id": new_id(),
                "title": f"{kind} {version}",
                "title_en": f"{kind} {version}",
                "url": f"https://mall.example.com/agreements/{kind.lower()}/{version}",
                "effective_at": effective_at,
            },
        )


async def signed_in_member(
    settings: Settings,
    *,
    joined: bool = True,
    phone: Phone | None = None,
    now: datetime | None = None,
) -> SignedInMember:
    """Make a member, or a visitor, with an open session of the application under `settings`.

    `phone` is sealed already: `services.phones.seal(number, ports.personal_data)`.
    """
    now = now or datetime.now(UTC)
    await agreements()
    tokens = tokens_of(settings)
    async with database.in_transaction():
        member_id = await members.create(now=now, phone=phone)
        if joined:
            await consents.record(member_id, JOINING, now=now)
        session_id = await sessions.open_session(
            member_id, appid=None, lifetime=timedelta(days=30), now=now
        )
    return SignedInMember(
        id=member_id,
        session_id=session_id,
        token=tokens.access_token(member_id, session_id, now=now).text,
        refresh_token=tokens.refresh_token(RefreshClaim(session_id, 0)),
    )
