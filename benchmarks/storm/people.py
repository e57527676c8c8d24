"""Members by the thousand: joined, with an address, some of them with points, all signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx

from benchmarks import crowd
from domain.ledger import EntryReason, SourceKind
from domain.members import IdentityKind
from models import database
from models.ids import new_id, number_code, readable_code
from services import consents, ledger, points
from services.points import Grant
from services.sealed_addresses import Recipient, seal_recipient
from settings import Settings
from tests.factories.members import JOINING, agreements
from tests.factories.shop import SHANGHAI
from wiring.ports import personal_data_of

POINTS = 500
_ADDRESS = Recipient(name="张三", phone="13800138000", detail="世纪大道 100 号")
PAYERS = 400
"""So many of them, at most, are known to WeChat and can pay."""

_NUMBERS = 250
"""As many addresses as are told apart in one byte, with room."""


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in member; `address` is where their phone is on the net."""

    id: str
    token: str
    address: str
    has_points: bool
    can_pay: bool


async def enlist(settings: Settings, number: int, *, with_points_every: int = 3) -> list[Person]:
    """Make so many members; needs the pool."""
    now = datetime.now(UTC)
    await agreements()
    ids = [new_id() for _ in range(number)]
    rich = set(ids[::with_points_every])
    await _write_members(settings, ids, now)
    await ledger.open_accounts(ids, now=now)
    await consents.record(ids[0], JOINING, now=now)
    await _consent_alike(ids[0], ids[1:])
    await points.grant_many([_points_of(each, now) for each in ids if each in rich], at=now)
    await _make_known_to_wechat(settings, ids[:PAYERS], now)
    tokens = crowd.tokens(settings, ids)
    return [
        Person(
            str(id_),
            token,
            f"10.{place // _NUMBERS // _NUMBERS}.{place // _NUMBERS % _NUMBERS}.{place % _NUMBERS}",
            id_ in rich,
            place < PAYERS,
        )
        for place, (id_, token) in enumerate(zip(ids, tokens, strict=True))
    ]


async def _write_members(settings: Settings, ids: list[UUID], now: datetime) -> None:
    encrypted = seal_recipient(_ADDRESS, personal_data_of(settings))
    member = ["id", "member_no", "status", "nickname", "gender", "invite_code", "joined_at"]
    member += ["tier_code", "tier_since", "lifetime_growth", "created_at", "updated_at"]
    await database.copy_rows(
        "member",
        member,
        [
            (
                *(id_, number_code(12), "ACTIVE", "", "UNKNOWN", readable_code(8), now),
                *("REGULAR", now, 0, now, now),
            )
            for id_ in ids
        ],
    )
    address = ["id", "member_id", "encrypted", "region_code", "is_default"]
    await database.copy_rows(
        "address",
        [*address, "created_at", "updated_at"],
        [(new_id(), id_, encrypted, SHANGHAI, True, now, now) for id_ in ids],
    )


async def _consent_alike(one: UUID, others: list[UUID]) -> None:
    """Have others agree to what one member agreed to."""
    rows = await database.fetch(
        "SELECT kind, version, given, given_at FROM consent WHERE member_id = $1", one
    )
    await database.copy_rows(
        "consent",
        ["id", "member_id", "kind", "version", "given", "given_at"],
        [(new_id(), id_, *tuple(row)) for id_ in others for row in rows],
    )


async def _make_known_to_wechat(settings: Settings, ids: list[UUID], now: datetime) -> None:
    users = f"{settings.simulator_url}/_sim/users"
    rows = []
    async with httpx.AsyncClient(trust_env=False) as http:
        for id_ in ids:
            made = (await http.post(users, json={})).raise_for_status().json()["user"]
            openid = made["openids"]["mini_program"]
            kind, appid = IdentityKind.MINI_PROGRAM.value, settings.wechat_mini_program_appid
            rows.append((new_id(), id_, kind, appid, openid, now, now))
    columns = ["id", "member_id", "kind", "appid", "openid", "created_at", "updated_at"]
    await database.copy_rows("identity", columns, rows)


def _points_of(member_id: UUID, now: datetime) -> Grant:
    return Grant(
        member_id,
        POINTS,
        EntryReason.ADJUSTMENT,
        (SourceKind.ADJUSTMENT, new_id()),
        expires_at=now + timedelta(days=365),
    )
