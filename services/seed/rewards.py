"""The demo brand's rewards: goods for points, or points and cash, and coupons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.coupons import Terms
from domain.pricing import CouponKind
from domain.rewards import RewardKind
from models import database
from services import reward_admin
from services.reward_admin import NewReward


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """A reward: of a SKU, by its code, or of a coupon's terms."""

    name: str
    points: int
    sku: str | None = None
    terms: Terms | None = None
    cash_fen: int = 0
    quantity: int | None = None
    each: int | None = None
    tier: str | None = None
    position: int = 0


PRIZES = (
    Prize(
        name="满50减10券",
        points=300,
        terms=Terms(
            name="满50减10",
            name_en="¥10 off ¥50",
            kind=CouponKind.AMOUNT_OFF,
            amount_off_fen=1_000,
            min_spend_fen=5_000,
        ),
        position=9,
    ),
    Prize(
        name="免邮券",
        points=80,
        terms=Terms(name="免邮券", name_en="Free shipping", kind=CouponKind.FREE_SHIPPING),
        each=10,
        position=8,
    ),
    Prize(name="山野釉下彩餐碗 青釉", points=500, sku="BOWLS-1", cash_fen=990, position=7),
    Prize(name="每日坚果混合装", points=1_800, sku="NUTS-1", quantity=100, each=2, position=6),
    Prize(
        name="金卡礼 西湖龙井罐装",
        points=5_000,
        sku="TEA-1",
        quantity=20,
        each=1,
        tier="GOLD",
        position=5,
    ),
)


async def plant_rewards(*, now: datetime) -> None:
    """Write the rewards; goods show the picture of their SKU."""
    codes = [prize.sku for prize in PRIZES if prize.sku]
    rows = await database.fetch("SELECT code, id, image_url FROM sku WHERE code = ANY($1)", codes)
    skus = {row["code"]: row for row in rows}
    for prize in PRIZES:
        sku = skus[prize.sku] if prize.sku else None
        await reward_admin.create_reward(
            NewReward(
                kind=RewardKind.COUPON if sku is None else RewardKind.GOODS,
                name=prize.name,
                points_price=prize.points,
                cash_price_fen=prize.cash_fen,
                sku_id=sku["id"] if sku else None,
                terms=prize.terms,
                valid_days=30 if prize.terms else None,
                quantity=prize.quantity,
                per_member_limit=prize.each,
                min_tier_code=prize.tier,
                image_url=sku["image_url"] if sku else None,
                position=prize.position,
                starts_at=now,
            ),
            now=now,
        )
