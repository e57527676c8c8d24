"""Writing rewards: what points buy, until when; the codes of virtual ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.coupons import Terms
from domain.errors import InvalidInput, NotFound
from domain.rewards import (
    MAX_CODE_LENGTH,
    MAX_NAME_LENGTH,
    RewardKind,
    RewardState,
    check_price,
)
from models import database
from models.ids import new_id
from services import coupon_terms
from services.personal_data import PersonalData
from services.rich_text import clean_html

CODE_CONTEXT = "reward_code.code_encrypted"
"""Where codes belong: sealed there, they open nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReward:
    """A reward to be: goods name a SKU, a coupon its terms and days; a virtual one gets codes.

    Without a `quantity` there is no end of it; a virtual one begins with none and counts its codes.
    """

    kind: RewardKind
    name: str
    points_price: int
    starts_at: datetime
    ends_at: datetime | None = None
    cash_price_fen: int = 0
    sku_id: UUID | None = None
    terms: Terms | None = None
    valid_days: int | None = None
    quantity: int | None = None
    per_member_limit: int | None = None
    min_tier_code: str | None = None
    image_url: str | None = None
    description_html: str = ""
    position: int = 0


async def create_reward(wanted: NewReward, *, now: datetime) -> UUID:
    """Add a reward and return its id.

    Raises:
        InvalidInput: it can't be meant like this.
        NotFound: there is no such SKU.
    """
    _check(wanted)
    if wanted.sku_id is not None:
        found = await database.fetch_value("SELECT id FROM sku WHERE id = $1", wanted.sku_id)
        if found is None:
            raise NotFound(thing="SKU", path=("skuId",))
    quantity = 0 if wanted.kind is RewardKind.VIRTUAL else wanted.quantity
    terms_id = await coupon_terms.terms_id_of(wanted.terms, now=now) if wanted.terms else None
    reward_id = new_id()
    await database.execute(
        """
        INSERT INTO reward (id, kind, name, image_url, description_html, sku_id, terms_id,
                            valid_days, points_price, cash_price_fen, quantity, remaining,
                            per_member_limit, min_tier_code, position, starts_at, ends_at, status,
                            created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15, $16, $17,
                $18)
        """,
        reward_id,
        wanted.kind,
        wanted.name.strip(),
        wanted.image_url,
        clean_html(wanted.description_html),
        wanted.sku_id,
        terms_id,
        wanted.valid_days,
        wanted.points_price,
        wanted.cash_price_fen,
        quantity,
        wanted.per_member_limit,
        wanted.min_tier_code,
        wanted.position,
        wanted.starts_at,
        wanted.ends_at,
        RewardState.PUBLISHED,
        now,
    )
    return reward_id


def _check(wanted: NewReward) -> None:
    _require(0 < len(wanted.name.strip()) <= MAX_NAME_LENGTH, "name", "A name is expected.")
    check_price(wanted.points_price, wanted.cash_price_fen)
    is_goods = wanted.kind is RewardKind.GOODS
    is_coupon = wanted.kind is RewardKind.COUPON
    _require(is_goods == (wanted.sku_id is not None), "skuId", "Goods, and only goods, name a SKU.")
    _require(is_goods or not wanted.cash_price_fen, "cashPrice", "Only goods take cash.")
    has_terms = wanted.terms is not None and wanted.valid_days is not None
    _require(is_coupon == has_terms, "terms", "A coupon, and only a coupon, has terms and days.")
    _require(
        not is_coupon or (wanted.valid_days or 0) >= 1, "validDays", "At least 1 day is expected."
    )
    _require(
        wanted.kind is not RewardKind.VIRTUAL or wanted.quantity is None,
        "quantity",
        "A virtual reward has as many pieces as codes.",
    )
    for field, number in (("quantity", wanted.quantity), ("limit", wanted.per_member_limit)):
        _require(number is None or number >= 1, field, "At least 1 is expected.")
    ends_at = wanted.ends_at
    _require(
        ends_at is None or wanted.starts_at < ends_at,
        "endsAt",
        "The end must come after the start.",
    )


def _require(holds: bool, field: str, problem: str) -> None:
    if not holds:
        raise InvalidInput(path=(field,), problem=problem)


async def add_codes(reward_id: UUID, codes: Iterable[str], data: PersonalData) -> int:
    """Give a virtual reward more codes; returns how many were new: each is taken once.

    Raises:
        InvalidInput: one is empty or too long.
        NotFound: there is no such virtual reward.
    """
    plain = [code.strip() for code in codes]
    for index, code in enumerate(plain):
        if not 0 < len(code) <= MAX_CODE_LENGTH:
            raise InvalidInput(path=("codes", index), problem="A code is expected.")
    async with database.in_transaction():
        added = await database.execute(
            """
            INSERT INTO reward_code (id, reward_id, code_encrypted, digest)
            SELECT code.id, $1, code.sealed, code.digest
            FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS code (id, sealed, digest)
            JOIN reward ON reward.id = $1 AND reward.kind = 'VIRTUAL'
            ON CONFLICT (digest) DO NOTHING
            """,
            reward_id,
            [new_id() for _ in plain],
            [data.seal(code.encode(), context=CODE_CONTEXT) for code in plain],
            [data.keyed_digest(f"{reward_id}\n{code}", context=CODE_CONTEXT) for code in plain],
        )
        found = await database.fetch_value(
            """
            UPDATE reward SET quantity = quantity + $2, remaining = remaining + $2
            WHERE id = $1 AND kind = 'VIRTUAL' RETURNING id
            """,
            reward_id,
            added,
        )
        if found is None:
            raise NotFound(thing="reward", path=("rewardId",))
        return added


async def withdraw(reward_id: UUID) -> None:
    """Take a reward out of the mall; what was redeemed of it stands.

    Raises:
        NotFound: there is no such reward.
    """
    found = await database.fetch_value(
        "UPDATE reward SET status = 'WITHDRAWN' WHERE id = $1 RETURNING id", reward_id
    )
    if found is None:
        raise NotFound(thing="reward", path=("rewardId",))


def open_code(sealed: bytes, data: PersonalData) -> str:
    """Return a code as its member needs it."""
    return data.open(sealed, context=CODE_CONTEXT).decode()
