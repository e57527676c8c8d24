"""A reward as an operator writes it down: one JSON file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import AwareDatetime, Field, ValidationError

from cli.coupons.files import Fen, Part, TermsFile, told
from domain.rewards import MAX_NAME_LENGTH, RewardInvalid, RewardKind
from services import reward_admin
from services.reward_admin import NewReward

_MOST = 10**12


class RewardFile(Part):
    """A reward; amounts in fen, times with their offset, `sku` as its code."""

    kind: RewardKind
    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    points_price: int = Field(ge=1, le=_MOST)
    cash_price_fen: Fen = 0
    sku: str | None = None
    terms: TermsFile | None = None
    valid_days: int | None = Field(None, ge=1, le=3_650)
    quantity: int | None = Field(None, ge=1, le=_MOST)
    per_member_limit: int | None = Field(None, ge=1, le=1_000_000)
    min_tier_code: str | None = None
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    image_url: str | None = Field(None, max_length=512)
    description_html: str = ""
    position: int = Field(0, ge=-(2**31), lt=2**31)


def read(file: Path) -> RewardFile:
    """Read a reward's file.

    Raises:
        RewardInvalid: with everything that is wrong in it.
    """
    try:
        return RewardFile.model_validate_json(file.read_bytes())
    except ValidationError as refused:
        raise RewardInvalid(told(refused)) from None
    except OSError as error:
        raise RewardInvalid([error.strerror or "can't be read"]) from None


async def put(wanted: RewardFile) -> UUID:
    """Publish a reward; returns its id.

    Raises:
        RewardInvalid: with everything that can't hold.
    """
    return await reward_admin.create_reward(await _meant(wanted), now=datetime.now(UTC))


async def check_only(wanted: RewardFile) -> None:
    """Find out whether a reward can be published, and write nothing.

    Raises:
        RewardInvalid: with everything that can't hold.
    """
    problems = await reward_admin.problems_of(await _meant(wanted), now=datetime.now(UTC))
    if problems:
        raise RewardInvalid(problems)


async def _meant(wanted: RewardFile) -> NewReward:
    plain = wanted.model_dump(exclude={"sku", "terms"})
    return NewReward(
        **plain,
        sku_id=None if wanted.sku is None else await reward_admin.sku_id_of(wanted.sku),
        terms=None if wanted.terms is None else wanted.terms.terms(),
    )
