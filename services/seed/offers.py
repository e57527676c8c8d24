"""The demo brand's coupons: to claim, to buy with points, by code, by list and for paid orders.

Between them every case is there: for all and for some goods, for newcomers and for a tier, limited
and not, running and yet to come, used right away or in a window of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.coupons import Audience, CampaignKind, ReturnRule, Terms, Validity
from domain.pricing import CouponKind, Scope, ScopeKind
from services import campaign_admin
from services.campaign_admin import NewCampaign, PaidEvent

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A campaign with its template. `categories` are the names of the goods' categories.

    It begins `begins` after the demo was planted and lasts so long; `used_in` is when its coupons
    are used, in place of so many days from the claim.
    """

    code: str
    name: str
    name_en: str
    kind: CampaignKind = CampaignKind.CLAIM
    amount_off_fen: int = 0
    pay_bps: int = 10_000
    max_off_fen: int | None = None
    min_spend_fen: int = 0
    is_for_shipping: bool = False
    categories: tuple[str, ...] = ()
    return_rule: ReturnRule = ReturnRule.WHOLE_BEFORE_SHIPMENT
    days: int = 14
    begins: timedelta = timedelta()
    lasts: timedelta = _YEAR
    used_in: tuple[timedelta, timedelta] | None = None
    quantity: int | None = None
    each: int = 1
    points: int = 0
    tier: str | None = None
    audience: Audience = Audience.EVERYBODY
    paid_fen: int | None = None
    pieces_of: tuple[int, str] | None = None

    def terms(self, categories: Mapping[str, UUID]) -> Terms:
        """Return what its coupons promise."""
        ids = frozenset(categories[name] for name in self.categories)
        return Terms(
            name=self.name,
            name_en=self.name_en,
            kind=self._kind(),
            amount_off_fen=self.amount_off_fen,
            pay_bps=self.pay_bps,
            max_off_fen=self.max_off_fen,
            min_spend_fen=self.min_spend_fen,
            scope=Scope(ScopeKind.CATEGORIES, ids) if ids else Scope(),
            return_rule=self.return_rule,
        )

    def _kind(self) -> CouponKind:
        if self.is_for_shipping:
            return CouponKind.FREE_SHIPPING
        return CouponKind.AMOUNT_OFF if self.amount_off_fen else CouponKind.PERCENT_OFF

    def validity(self, now: datetime) -> Validity:
        """Return when its coupons can be used."""
        if self.used_in is None:
            return Validity(days=self.days)
        start, end = self.used_in
        return Validity(valid_from=now + start, valid_until=now + end)

    def event(self, categories: Mapping[str, UUID]) -> PaidEvent | None:
        """Return the paid order that brings one."""
        if self.kind is not CampaignKind.EVENT:
            return None
        if self.pieces_of is None:
            return PaidEvent(min_paid_fen=self.paid_fen)
        pieces, name = self.pieces_of
        return PaidEvent(category_id=categories[name], pieces=pieces)


OFFERS = (
    Offer(
        code="NEWCOMER",
        name="新人满59减10",
        name_en="Newcomers: ¥10 off ¥59",
        amount_off_fen=1_000,
        min_spend_fen=5_900,
        audience=Audience.NEWCOMERS,
        days=7,
    ),
    Offer(
        code="SPEND-99",
        name="满99减15",
        name_en="¥15 off ¥99",
        amount_off_fen=1_500,
        min_spend_fen=9_900,
        quantity=2_000,
    ),
    Offer(
        code="FRUIT",
        name="生鲜满49减8",
        name_en="Fresh food: ¥8 off ¥49",
        amount_off_fen=800,
        min_spend_fen=4_900,
        categories=("水果生鲜",),
        each=2,
    ),
    Offer(
        code="SHIPPING",
        name="免邮券",
        name_en="Free shipping",
        is_for_shipping=True,
        points=60,
        each=5,
        days=30,
        return_rule=ReturnRule.NEVER,
    ),
    Offer(
        code="SILVER",
        name="银卡88折",
        name_en="Silver: 12 % off",
        pay_bps=8_800,
        max_off_fen=3_000,
        tier="SILVER",
        quantity=500,
    ),
    Offer(
        code="WEEKEND",
        name="囤货节满199减40",
        name_en="Stock up: ¥40 off ¥199",
        amount_off_fen=4_000,
        min_spend_fen=19_900,
        quantity=300,
        begins=timedelta(days=3),
        lasts=timedelta(days=2),
        used_in=(timedelta(days=5), timedelta(days=8)),
    ),
    Offer(
        code="CODES",
        name="兑换码满50减20",
        name_en="By code: ¥20 off ¥50",
        kind=CampaignKind.CODE,
        amount_off_fen=2_000,
        min_spend_fen=5_000,
        each=3,
        days=30,
        return_rule=ReturnRule.WHOLE,
    ),
    Offer(
        code="CARE",
        name="关怀券立减5元",
        name_en="With our thanks: ¥5 off",
        kind=CampaignKind.GRANT,
        amount_off_fen=500,
        each=3,
        days=30,
    ),
    Offer(
        code="PAID-35",
        name="下单返88折",
        name_en="For your order: 12 % off",
        kind=CampaignKind.EVENT,
        pay_bps=8_800,
        max_off_fen=5_000,
        each=100,
        paid_fen=3_500,
    ),
    Offer(
        code="DRINKS-5",
        name="冲饮买5件返满100减15",
        name_en="For 5 drinks: ¥15 off ¥100",
        kind=CampaignKind.EVENT,
        amount_off_fen=1_500,
        min_spend_fen=10_000,
        each=100,
        pieces_of=(5, "茶咖冲饮"),
    ),
)


async def plant_offers(categories: Mapping[str, UUID], source: str, *, now: datetime) -> None:
    """Write the campaigns and their templates."""
    for offer in OFFERS:
        template_id = await campaign_admin.put_template(
            f"{source}-{offer.code}", offer.terms(categories), offer.validity(now), now=now
        )
        starts = now + offer.begins
        await campaign_admin.create(
            NewCampaign(
                template_id=template_id,
                kind=offer.kind,
                name=offer.name,
                claim_from=starts,
                claim_until=starts + offer.lasts,
                quantity=offer.quantity,
                per_member_limit=offer.each,
                points_price=offer.points,
                min_tier_code=offer.tier,
                audience=offer.audience,
                event=offer.event(categories),
                source=source,
                source_id=offer.code,
            ),
            now=now,
        )
