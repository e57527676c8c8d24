"""The demo brand's rewards: goods for points, or points and cash, coupons, and codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.coupons import Terms
from domain.pricing import CouponKind
from domain.rewards import RewardKind
from models import database
from models.ids import readable_code
from services import reward_admin
from services.personal_data import PersonalData
from services.reward_admin import NewReward


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """A reward: of a SKU, by its code, of a coupon's terms, or else of so many codes."""

    name: str
    points: int
    sku: str | None = None
    terms: Terms | None = None
    codes: int = 0
    about: str = ""
    cash_fen: int = 0
    quantity: int | None = None
    each: int | None = None
    tier: str | None = None
    position: int = 0

    @property
    def kind(self) -> RewardKind:
        """Return what redeeming it brings."""
        if self.sku is not None:
            return RewardKind.GOODS
        return RewardKind.VIRTUAL if self.terms is None else RewardKind.COUPON


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
    Prize(
        name="山野电台 畅听月卡",
        points=600,
        codes=50,
        about="<p>兑换码在兑换记录中查看，一码一用。演示用码，不能在别处使用。</p>",
        each=3,
        position=4,
    ),
)

_CODE_LENGTH = 12


async def plant_rewards(data: PersonalData, *, now: datetime) -> None:
    """Write the rewards, and codes for those that hand them out."""
    codes = [prize.sku for prize in PRIZES if prize.sku]
    rows = await database.fetch("SELECT code, id FROM sku WHERE code = ANY($1)", codes)
    skus = {row["code"]: row["id"] for row in rows}
    for prize in PRIZES:
        reward_id = await reward_admin.create_reward(
            NewReward(
                kind=prize.kind,
                name=prize.name,
                points_price=prize.points,
                cash_price_fen=prize.cash_fen,
                sku_id=skus[prize.sku] if prize.sku else None,
                terms=prize.terms,
                valid_days=30 if prize.terms else None,
                quantity=prize.quantity,
                per_member_limit=prize.each,
                min_tier_code=prize.tier,
                description_html=prize.about,
                position=prize.position,
                starts_at=now,
            ),
            now=now,
        )
        if prize.codes:
            made = [readable_code(_CODE_LENGTH) for _ in range(prize.codes)]
            await reward_admin.add_codes(reward_id, made, data)
