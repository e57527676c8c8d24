"""Exchange codes: made in bulk, told once, and kept as digests alone."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

from domain.coupons import CODE_LENGTH, CampaignKind
from domain.errors import NotFound
from models import database
from models.ids import new_id, readable_code

BATCH = 10_000


def digest_of(code: str) -> bytes:
    """Return what is kept of a normalised code: 80 random bits need no slow hash."""
    return hashlib.sha256(code.encode()).digest()


async def make(campaign_id: UUID, count: int, *, batch: int = BATCH) -> AsyncIterator[list[str]]:
    """Make so many new codes of a campaign, batch by batch; nobody can tell them later.

    Each batch is in the database when it is told: one that was told can be exchanged.

    Raises:
        NotFound: there is no such campaign that gives coupons for codes.
    """
    kind = await database.fetch_value("SELECT kind FROM coupon_campaign WHERE id = $1", campaign_id)
    if kind != CampaignKind.CODE:
        raise NotFound(thing="campaign")
    left = count
    while left > 0:
        codes = [readable_code(CODE_LENGTH) for _ in range(min(batch, left))]
        await database.copy_rows(
            "exchange_code",
            ["id", "campaign_id", "digest"],
            [(new_id(), campaign_id, digest_of(code)) for code in codes],
        )
        left -= len(codes)
        yield codes


def shown(code: str) -> str:
    """Return a code as people read it: in groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))
