"""Writing rewards, for operators and the demo's seed: what points buy, until when; their codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.coupons import CampaignInvalid, Terms, terms_problems
from domain.errors import InvalidInput, NotFound
from domain.rewards import (
    MAX_CODE_LENGTH,
    MAX_NAME_LENGTH,
    RewardInvalid,
    RewardKind,
    RewardState,
    price_problems,
)
from models import database
from models.ids import new_id
from services import campaign_admin, coupon_terms
from services import rules as rule_versions
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
    """Add a reward and return its id. Goods without a picture show that of their SKU.

    Raises:
        RewardInvalid: with everything that can't hold.
    """
    problems = await problems_of(wanted, now=now)
    if problems:
        raise RewardInvalid(problems)
    quantity = 0 if wanted.kind is RewardKind.VIRTUAL else wanted.quantity
    terms_id = None
    if wanted.terms is not None:
        titled = await campaign_admin.titled(wanted.terms)
        terms_id = await coupon_terms.terms_id_of(titled, now=now)
    reward_id = new_id()
    await database.execute(
        _CREATE,
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


_CREATE = """
INSERT INTO reward (id, kind, name, image_url, description_html, sku_id, terms_id, valid_days,
                    points_price, cash_price_fen, quantity, remaining, per_member_limit,
                    min_tier_code, position, starts_at, ends_at, status, created_at)
VALUES ($1, $2, $3, coalesce($4, (SELECT image_url FROM sku WHERE sku.id = $6)), $5, $6, $7, $8, $9,
        $10, $11, $11, $12, $13, $14, $15, $16, $17, $18)
"""


async def problems_of(wanted: NewReward, *, now: datetime) -> list[str]:
    """Return all that can't hold of a reward, a line each that begins with the field."""
    problems = _problems(wanted)
    if wanted.sku_id is not None and not await database.fetch_value(
        "SELECT EXISTS (SELECT FROM sku WHERE id = $1)", wanted.sku_id
    ):
        problems.append("sku: there is no such SKU")
    rules = (await rule_versions.in_force(now=now)).rules
    if wanted.min_tier_code not in (None, *(tier.code for tier in rules.tiers)):
        problems.append("min_tier_code: no tier has it")
    if wanted.terms is not None:
        problems += [f"terms.{problem}" for problem in await _terms_problems(wanted.terms)]
    return problems


def _problems(wanted: NewReward) -> list[str]:
    is_goods = wanted.kind is RewardKind.GOODS
    is_coupon = wanted.kind is RewardKind.COUPON
    days, limit, ends_at = wanted.valid_days, wanted.per_member_limit, wanted.ends_at
    checks = (
        (0 < len(wanted.name.strip()) <= MAX_NAME_LENGTH, f"name: 1 to {MAX_NAME_LENGTH} letters"),
        (is_goods == (wanted.sku_id is not None), "sku: for GOODS, which name one"),
        (is_goods or wanted.cash_price_fen == 0, "cash_price_fen: for GOODS alone"),
        (is_coupon == (wanted.terms is not None), "terms: for COUPON, which has them"),
        (
            is_coupon == (days is not None) and (days is None or days >= 1),
            "valid_days: for COUPON, 1 or more",
        ),
        (
            wanted.quantity is None
            or (wanted.quantity >= 1 and wanted.kind is not RewardKind.VIRTUAL),
            "quantity: 1 or more, or none; VIRTUAL counts its codes",
        ),
        (limit is None or limit >= 1, "per_member_limit: 1 or more"),
        (ends_at is None or wanted.starts_at < ends_at, "ends_at: after starts_at"),
    )
    problems = price_problems(wanted.points_price, wanted.cash_price_fen)
    return problems + [problem for holds, problem in checks if not holds]


async def _terms_problems(terms: Terms) -> list[str]:
    problems = terms_problems(terms)
    if problems:
        return problems
    try:
        await campaign_admin.titled(terms)
    except CampaignInvalid as refused:
        return refused.problems
    return []


async def sku_id_of(code: str) -> UUID:
    """Return the SKU with this code.

    Raises:
        RewardInvalid: there is none.
    """
    sku_id: UUID | None = await database.fetch_value("SELECT id FROM sku WHERE code = $1", code)
    if sku_id is None:
        raise RewardInvalid(["sku: there is no such SKU"])
    return sku_id


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
    await _turn(reward_id, RewardState.WITHDRAWN)


async def restore(reward_id: UUID) -> None:
    """Put a reward that was withdrawn back into the mall, as it was.

    Raises:
        NotFound: there is no such reward.
    """
    await _turn(reward_id, RewardState.PUBLISHED)


async def _turn(reward_id: UUID, state: RewardState) -> None:
    found = await database.fetch_value(
        "UPDATE reward SET status = $2 WHERE id = $1 RETURNING id", reward_id, state
    )
    if found is None:
        raise NotFound(thing="reward", path=("rewardId",))


def open_code(sealed: bytes, data: PersonalData) -> str:
    """Return a code as its member needs it."""
    return data.open(sealed, context=CODE_CONTEXT).decode()
