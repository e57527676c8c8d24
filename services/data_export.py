"""Taking all of one's data out: asked for, prepared by a sweep, and fetched by an unguessable link.

An export is a JSON document of every row that belongs to the member, compressed and sealed; it
lives for a few days (docs/rules.md, section 11).
"""

from __future__ import annotations

import gzip
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog

from domain.accounts import EXPORT_AGAIN_AFTER, EXPORT_LIFETIME, ExportStatus, shown_export_status
from domain.errors import AccountBlocked, Busy
from models import database
from models.ids import new_id
from models.member_rows import members_by_id
from services.guards import require_active
from services.personal_data import PersonalData
from services.phones import PHONE
from services.reward_admin import open_code
from services.sealed_addresses import open_address, open_snapshot

log = structlog.get_logger(__name__)

AGAIN_AFTER = timedelta(minutes=10)
"""When an export that failed is tried again."""

CONTENT = "data_export.content"
"""What an export's content is sealed for."""
LINK = "data_export.link"
"""What the proof in an export's link is for."""

_OWN = "member_id = $1"
_OF_ORDERS = "order_id IN (SELECT id FROM sales_order WHERE member_id = $1)"
_OF_ACCOUNTS = "account_id IN (SELECT id FROM ledger_account WHERE member_id = $1)"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document: the rows of a table that are the member's, without some columns."""

    table: str
    where: str = _OWN
    without: tuple[str, ...] = ()


SECTIONS = (
    Section("member", "id = $1", ("phone_hash",)),
    Section("identity", without=("session_key_encrypted",)),
    Section("session"),
    Section("consent"),
    Section("address"),
    Section("upload"),
    Section("scene", "inviter_id = $1"),
    Section("member_merge", "survivor_id = $1"),
    Section("cart_line"),
    Section("sales_order"),
    Section("order_line", _OF_ORDERS),
    Section("order_event", _OF_ORDERS),
    Section("order_reversal", _OF_ORDERS),
    Section("payment", _OF_ORDERS),
    Section("payment_case", _OF_ORDERS),
    Section("shop_purchase"),
    Section("shop_return", "purchase_id IN (SELECT id FROM shop_purchase WHERE member_id = $1)"),
    Section("purchase_count"),
    Section("ledger_account"),
    Section("ledger_entry", _OF_ACCOUNTS),
    Section("points_lot"),
    Section("points_lot_use", "lot_id IN (SELECT id FROM points_lot WHERE member_id = $1)"),
    Section("points_cap_count"),
    Section("tier_term"),
    Section("benefit_grant"),
    Section("check_in"),
    Section("coupon"),
    Section("campaign_member"),
    Section("coupon_grant_item"),
    Section("redemption"),
    Section(
        "reward_code",
        "redemption_id IN (SELECT id FROM redemption WHERE member_id = $1)",
        ("digest",),
    ),
    Section("reward_count"),
    Section("flash_ticket"),
    Section("flash_quota"),
    Section("flash_reminder"),
    Section("group_buy_team", "leader_id = $1"),
    Section("group_buy_seat"),
    Section("group_buy_count"),
    Section("group_buy_newcomer"),
    Section("invitation_reward", "invitee_id = $1 OR inviter_id = $1", ("phone_hash",)),
    Section("message"),
    Section("data_export", without=("content_encrypted",)),
)
"""Everything that is a member's. A test finds tables of members that are missing here."""


@dataclass(frozen=True, slots=True)
class ShownExport:
    """A member's latest export: how far it is, and where it can be fetched until when."""

    status: ExportStatus
    path: str | None
    expires_at: datetime | None


async def request(member_id: UUID, *, now: datetime) -> None:
    """Have the member's data prepared; while an export is young or on its way, that one stands.

    Raises:
        AccountBlocked
    """
    member = (await members_by_id([member_id], now=now)).get(member_id)
    if member is None:
        raise AccountBlocked
    require_active(member)
    await database.execute(
        """
        INSERT INTO data_export (id, member_id, status, requested_at, due_at)
        SELECT $1, $2, 'PREPARING', $3, $3
        WHERE NOT EXISTS (
            SELECT FROM data_export
            WHERE member_id = $2 AND requested_at > $4 AND status <> 'EXPIRED'
        )
        ON CONFLICT (member_id) WHERE status = 'PREPARING' DO NOTHING
        """,
        new_id(),
        member_id,
        now,
        now - EXPORT_AGAIN_AFTER,
    )


async def latest(
    member_id: UUID, personal_data: PersonalData, *, now: datetime
) -> ShownExport | None:
    """Return the member's latest export, None if they never asked for one."""
    row = await database.fetch_one(
        """
        SELECT id, status, expires_at FROM data_export
        WHERE member_id = $1 ORDER BY requested_at DESC, id DESC LIMIT 1
        """,
        member_id,
    )
    if row is None:
        return None
    status = shown_export_status(ExportStatus(row["status"]), row["expires_at"], now)
    is_ready = status is ExportStatus.READY
    path = f"/exports/{row['id']}.{_proof(row['id'], personal_data)}" if is_ready else None
    return ShownExport(status, path, row["expires_at"])


def _proof(export_id: UUID, personal_data: PersonalData) -> str:
    return personal_data.keyed_digest(str(export_id), context=LINK).hex()


async def fetch(
    export_id: UUID, proof: str, personal_data: PersonalData, *, now: datetime
) -> bytes | None:
    """Return the document behind a link; None when it isn't ours, or has expired."""
    if not hmac.compare_digest(proof.encode(), _proof(export_id, personal_data).encode()):
        return None
    sealed: bytes | None = await database.fetch_value(
        """
        SELECT content_encrypted FROM data_export
        WHERE id = $1 AND status = 'READY' AND expires_at > $2
        """,
        export_id,
        now,
    )
    return None if sealed is None else gzip.decompress(personal_data.open(sealed, context=CONTENT))


async def prepare_due(personal_data: PersonalData, *, now: datetime, limit: int = 20) -> int:
    """Prepare what was asked for, the longest waiting first, and end what has expired.

    One that fails is logged and tried again later. Returns how many were prepared or ended.
    """
    rows = await database.fetch(
        "SELECT id, member_id FROM data_export WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2",
        now,
        limit,
    )
    done = await _end_expired(now)
    for row in rows:
        try:
            await _prepare(row["id"], row["member_id"], personal_data, now)
            done += 1
        except Busy as busy:
            log.warning("export_waits_for_postgresql", cause=type(busy.__cause__).__name__)
        except Exception:
            log.exception("export_failed", id=str(row["id"]))
            await database.execute(
                "UPDATE data_export SET due_at = $2 WHERE id = $1 AND due_at IS NOT NULL",
                row["id"],
                now + AGAIN_AFTER,
            )
    return done


async def _prepare(
    export_id: UUID, member_id: UUID, personal_data: PersonalData, now: datetime
) -> None:
    document = orjson.dumps(await document_of(member_id, personal_data, now=now))
    sealed = personal_data.seal(gzip.compress(document), context=CONTENT)
    await database.execute(
        """
        UPDATE data_export
        SET status = 'READY', content_encrypted = $2, ready_at = $3, expires_at = $4, due_at = NULL
        WHERE id = $1 AND status = 'PREPARING'
        """,
        export_id,
        sealed,
        now,
        now + EXPORT_LIFETIME,
    )


async def _end_expired(now: datetime) -> int:
    return await database.execute(
        """
        UPDATE data_export SET status = 'EXPIRED', content_encrypted = NULL
        WHERE status = 'READY' AND expires_at <= $1
        """,
        now,
    )


async def document_of(
    member_id: UUID, personal_data: PersonalData, *, now: datetime
) -> dict[str, Any]:
    """Return all rows of a member by table, as of one moment; what is sealed is opened."""
    document: dict[str, Any] = {"exported_at": now.isoformat()}
    async with database.snapshot():
        for section in SECTIONS:
            rows = await database.fetch(
                f"SELECT to_jsonb(owned) - $2::text[] AS content FROM {section.table} AS owned"
                f" WHERE {section.where} ORDER BY id",
                member_id,
                list(section.without),
            )
            opened = _OPENED.get(section.table)
            document[section.table] = [
                row["content"] if opened is None else opened(row["content"], personal_data)
                for row in rows
            ]
    return document


Content = dict[str, Any]


def _with_phone(member: Content, personal_data: PersonalData) -> Content:
    sealed = _bytes(member.pop("phone_encrypted"))
    phone = None if sealed is None else personal_data.open(sealed, context=PHONE).decode()
    return member | {"phone": phone}


def _with_recipient(address: Content, personal_data: PersonalData) -> Content:
    sealed = _bytes(address.pop("encrypted"))
    assert sealed is not None, "an address has a recipient"
    return address | asdict(open_address(sealed, address["region_code"], personal_data))


def _with_address(order: Content, personal_data: PersonalData) -> Content:
    sealed = _bytes(order.pop("address_encrypted"))
    address = None if sealed is None else asdict(open_snapshot(sealed, personal_data))
    return order | {"address": address}


def _with_code(given: Content, personal_data: PersonalData) -> Content:
    sealed = _bytes(given.pop("code_encrypted"))
    assert sealed is not None, "a reward's code is never empty"
    return given | {"code": open_code(sealed, personal_data)}


_OPENED: dict[str, Callable[[Content, PersonalData], Content]] = {
    "member": _with_phone,
    "address": _with_recipient,
    "sales_order": _with_address,
    "reward_code": _with_code,
}
"""What a table's rows have sealed, and how the owner sees it."""


def _bytes(shown: str | None) -> bytes | None:
    """Return the bytes that PostgreSQL shows as text: \\x and hexadecimal digits."""
    return None if shown is None else bytes.fromhex(shown.removeprefix("\\x"))
