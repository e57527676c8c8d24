"""The numbers a brand may change, as one validated document: a rule version.

Every version has an effective time; orders and tier terms keep the version they used, so that
nothing re-prices later. The values given here are the shipped defaults (docs/rules.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from domain.ledger import EntryReason
from domain.messages import MessageEvent

_EVENTS = frozenset(MessageEvent)
_CAPPED = frozenset(
    {
        EntryReason.CHECK_IN,
        EntryReason.INVITATION,
        EntryReason.CAMPAIGN,
        EntryReason.TIER_GIFT,
        EntryReason.BIRTHDAY,
        EntryReason.PARTNER,
        EntryReason.ADJUSTMENT,
        EntryReason.REVIEW,
        EntryReason.PROFILE,
    }
)
"""Why points are given beside purchases. What was paid for earns what the multipliers say."""
_BENEFITS_WITH_COUPON = frozenset({"BIRTHDAY_COUPON", "MONTHLY_COUPON", "MEMBER_DAY_COUPON"})
WHOLE_BPS = 10_000
"""Basis points of a whole: 100 % = 10 000."""


@dataclass(frozen=True, slots=True)
class CouponOffer:
    """A coupon that the rules give: on all goods; 0 stands for none."""

    name: str
    name_en: str
    kind: str = "AMOUNT_OFF"
    amount_off_fen: int = 0
    pay_bps: int = WHOLE_BPS
    max_off_fen: int = 0
    min_spend_fen: int = 0
    min_pieces: int = 0
    valid_days: int = 30


@dataclass(frozen=True, slots=True)
class DailyCapRules:
    """At most so many points a day for one reason."""

    reason: str
    points: int


@dataclass(frozen=True, slots=True)
class PointsRules:
    """Earning, spending and ageing of points (rules, section 1)."""

    points_per_yuan: int = 1
    points_per_yuan_off: int = 100
    max_share_bps: int = 5_000
    min_points_to_spend: int = 0
    lifetime_months: int = 12
    returned_lot_days: int = 30
    expiring_soon_days: int = 30
    daily_caps: tuple[DailyCapRules, ...] = ()


@dataclass(frozen=True, slots=True)
class GrowthRules:
    """Growth earned per yuan and per check-in (rules, section 2)."""

    growth_per_yuan: int = 10
    growth_per_check_in: int = 5


@dataclass(frozen=True, slots=True)
class TierRules:
    """One tier: its threshold in growth, and what it gives."""

    code: str
    name: str
    name_en: str
    level: int
    growth_threshold: int
    member_price_bps: int = WHOLE_BPS
    points_multiplier_bps: int = WHOLE_BPS
    free_shipping: bool = False
    priority_minutes: int = 0
    gift_points: int = 0
    exclusive_service: bool = False


@dataclass(frozen=True, slots=True)
class TierTermRules:
    """How long a tier holds, and when its review is announced."""

    months: int = 12
    warning_days: int = 30


@dataclass(frozen=True, slots=True)
class DayCouponRules:
    """A coupon for reaching a day of the check-in cycle."""

    cycle_day: int
    offer: CouponOffer


@dataclass(frozen=True, slots=True)
class CheckInRules:
    """The check-in cycle and making up for a missed day (rules, section 3)."""

    day_points: tuple[int, ...] = (5, 5, 10, 10, 15, 15, 30)
    make_up_cost_points: int = 20
    make_up_days: int = 7
    make_ups_per_month: int = 3
    coupons: tuple[DayCouponRules, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageRules:
    """How long messages are kept, and who is reminded of a check-in from which hour on.

    The reminder is for streaks of so many days that would end with the day (rules, section 3).
    """

    keep_months: int = 12
    check_in_reminder_hour: int = 20
    check_in_reminder_streak: int = 3


@dataclass(frozen=True, slots=True)
class OrderRules:
    """Deadlines of an order (rules, section 9). Refund windows count whole days in Shanghai."""

    pay_within_minutes: int = 30
    campaign_pay_within_minutes: int = 15
    last_seconds_without_payment: int = 60
    auto_receipt_days: int = 10
    no_reason_return_days: int = 7
    final_after_days: int = 7
    max_lines: int = 100
    max_quantity: int = 99


@dataclass(frozen=True, slots=True)
class ProvinceShipping:
    """What differs for the provinces named by the first two digits of their code."""

    provinces: tuple[str, ...]
    served: bool = True
    base_fen: int = 800
    further_fen: int = 200


@dataclass(frozen=True, slots=True)
class ShippingRules:
    """The shipping template (rules, section 5, step 6); exceptions by province come first."""

    free_from_fen: int = 9_900
    base_fen: int = 800
    base_grams: int = 1_000
    base_pieces: int = 3
    further_fen: int = 200
    further_grams: int = 1_000
    further_pieces: int = 1
    exceptions: tuple[ProvinceShipping, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberRules:
    """Who may join and what a new member is given (rules, sections 2 and 11)."""

    minimum_age: int = 14
    invitation_points: int = 100
    rewarded_invitations_per_day: int = 10
    birthday_multiplier_bps: int = 20_000
    birthday_points: int = 0
    birthday_coupon_days: int = 30
    rejoin_months: int = 12
    leaving_days: int = 7


@dataclass(frozen=True, slots=True)
class BrandRules:
    """What the shop calls itself, and where it is reached; an empty phone shows none."""

    name: str = "会员商城"
    name_en: str = "Member Mall"
    service_phone: str = ""


@dataclass(frozen=True, slots=True)
class MessageTemplateRules:
    """A subscription message that the brand has had approved: WeChat's template id, its event."""

    id: str
    event: str
    title: str
    title_en: str


@dataclass(frozen=True, slots=True)
class CatalogRules:
    """When a product is called new or a best seller, and up to how many pieces stock is low."""

    new_for_days: int = 30
    best_seller_pieces: int = 100
    low_stock_pieces: int = 10


@dataclass(frozen=True, slots=True)
class BenefitCouponRules:
    """A coupon that tiers bring: for a birthday, each month, or a day of the week.

    No tier codes stand for all tiers; `weekday` is ISO's (3 = Wednesday), for the member day alone.
    """

    benefit: str
    offer: CouponOffer
    tier_codes: tuple[str, ...] = ()
    weekday: int = 3


DEFAULT_TIERS = (
    TierRules("REGULAR", "普卡", "Regular", 0, 0),
    TierRules("SILVER", "银卡", "Silver", 1, 3_000, 9_800, 12_000, gift_points=100),
    TierRules("GOLD", "金卡", "Gold", 2, 6_000, 9_500, 15_000, True, 5, gift_points=300),
)


DEFAULT_BENEFIT_COUPONS = (
    BenefitCouponRules("BIRTHDAY_COUPON", CouponOffer("生日券", "Birthday", amount_off_fen=800)),
    *(
        BenefitCouponRules(
            "MEMBER_DAY_COUPON",
            CouponOffer(
                f"会员日满68减{off_fen // 100}",
                f"Member day: ¥{off_fen // 100} off ¥68",
                amount_off_fen=off_fen,
                min_spend_fen=6_800,
                valid_days=1,
            ),
            (tier_code,),
        )
        for tier_code, off_fen in (("REGULAR", 600), ("SILVER", 800), ("GOLD", 1_000))
    ),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """One rule version's document."""

    points: PointsRules = PointsRules()
    growth: GrowthRules = GrowthRules()
    tiers: tuple[TierRules, ...] = DEFAULT_TIERS
    tier_terms: TierTermRules = TierTermRules()
    check_in: CheckInRules = CheckInRules()
    orders: OrderRules = OrderRules()
    shipping: ShippingRules = ShippingRules()
    members: MemberRules = MemberRules()
    hot_searches: tuple[str, ...] = field(default=())
    brand: BrandRules = BrandRules()
    catalog: CatalogRules = CatalogRules()
    message_templates: tuple[MessageTemplateRules, ...] = ()
    messages: MessageRules = MessageRules()
    benefit_coupons: tuple[BenefitCouponRules, ...] = DEFAULT_BENEFIT_COUPONS

    def tier(self, code: str) -> TierRules:
        """Return the tier of that code; the lowest when a newer version dropped the code."""
        for tier in self.tiers:  # Asked for each SKU of a list: a loop is the fastest way.
            if tier.code == code:
                return tier
        return self.tiers[0]

    def next_tier(self, code: str) -> TierRules | None:
        """Return the tier above, None at the top."""
        above = self.tier(code).level + 1
        for tier in self.tiers:
            if tier.level == above:
                return tier
        return None


class RulesInvalid(ValueError):
    """A rules document that can't hold; `problems` are one line each, all found at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def to_document(rules: Rules) -> dict[str, Any]:
    """Return the rules as plain values, ready for JSON."""
    return dataclasses.asdict(rules)


def from_document(document: Mapping[str, Any]) -> Rules:
    """Read a document; what it leaves out has its shipped default.

    Raises:
        RulesInvalid: with every wrong name, type and number.
    """
    problems: list[str] = []
    rules: Rules = _read(Rules, document, "", problems)
    if not problems:
        problems = _contradictions(rules)
    if problems:
        raise RulesInvalid(problems)
    return rules


def _read(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    if dataclasses.is_dataclass(kind):
        return _read_object(kind, value, path, problems)
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            problems.append(f"{path}: a list is expected")
            return ()
        item = get_args(kind)[0]
        return tuple(_read(item, v, f"{path}[{i}]", problems) for i, v in enumerate(value))
    if type(value) is not kind:
        problems.append(f"{path}: {kind.__name__} is expected, not {value!r}")
    elif kind is int and not 0 <= value <= 1_000_000_000:
        problems.append(f"{path}: {value} is not between 0 and 1000000000")
    return value


def _read_object(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    if not isinstance(value, Mapping):
        problems.append(f"{path}: an object is expected")
        return NoneType
    hints = get_type_hints(kind)
    known = {f.name: f for f in dataclasses.fields(kind)}
    prefix = f"{path}." if path else ""
    problems.extend(f"{prefix}{name}: unknown" for name in value if name not in known)
    required = dataclasses.MISSING
    for name, entry in known.items():
        missing = entry.default is required and entry.default_factory is required
        if missing and name not in value:
            problems.append(f"{prefix}{name}: missing")
    given = {
        name: _read(hints[name], item, f"{prefix}{name}", problems)
        for name, item in value.items()
        if name in known
    }
    return kind(**given) if not problems else NoneType


def _contradictions(rules: Rules) -> list[str]:
    return [
        *_tier_contradictions(rules.tiers),
        *_number_contradictions(rules),
        *_offer_contradictions(rules),
    ]


def _tier_contradictions(tiers: tuple[TierRules, ...]) -> list[str]:
    thresholds = [tier.growth_threshold for tier in tiers]
    checks = (
        (thresholds[:1] == [0], "tiers: the first one's growth_threshold is 0"),
        (
            all(low < high for low, high in pairwise(thresholds)),
            "tiers: growth_threshold is strictly increasing",
        ),
        (
            [tier.level for tier in tiers] == list(range(len(tiers))),
            "tiers: level counts from 0 in order",
        ),
        (len({tier.code for tier in tiers}) == len(tiers), "tiers: code is unique"),
        *(
            (
                1 <= tier.member_price_bps <= WHOLE_BPS,
                f"tiers.{tier.code}.member_price_bps: from 1 to {WHOLE_BPS}",
            )
            for tier in tiers
        ),
    )
    return [problem for holds, problem in checks if not holds]


_BOUNDS = {
    "points.points_per_yuan_off": (1, 1_000_000),
    "points.lifetime_months": (1, 120),
    "points.returned_lot_days": (1, 366),
    "points.expiring_soon_days": (0, 366),
    "tier_terms.months": (1, 120),
    "tier_terms.warning_days": (0, 366),
    "check_in.make_up_days": (0, 31),
    "members.birthday_coupon_days": (1, 365),
    "members.rejoin_months": (0, 120),
    "members.leaving_days": (0, 366),
    "messages.keep_months": (1, 120),
    "messages.check_in_reminder_hour": (0, 23),
    "messages.check_in_reminder_streak": (1, 366),
    "orders.pay_within_minutes": (1, 10_080),
    "orders.campaign_pay_within_minutes": (1, 10_080),
    "orders.auto_receipt_days": (0, 366),
    "orders.no_reason_return_days": (0, 366),
    "orders.final_after_days": (0, 366),
    "orders.max_lines": (1, 100),
    "orders.max_quantity": (1, 99),
    "catalog.new_for_days": (0, 3_660),
}
"""Between which numbers a brand chooses: beyond, there are no such dates, or lists without end."""


def _number_contradictions(rules: Rules) -> list[str]:
    checks = (
        (rules.points.max_share_bps <= WHOLE_BPS, f"points.max_share_bps: at most {WHOLE_BPS}"),
        (1 <= len(rules.check_in.day_points) <= 31, "check_in.day_points: from 1 to 31 days"),
        *(
            (low <= attrgetter(path)(rules) <= high, f"{path}: from {low} to {high}")
            for path, (low, high) in _BOUNDS.items()
        ),
        *(
            (template.event in _EVENTS, f"message_templates.{template.id}.event: unknown")
            for template in rules.message_templates
        ),
        *(
            (cap.reason in _CAPPED, f"points.daily_caps: {cap.reason!r} can't be capped")
            for cap in rules.points.daily_caps
        ),
        (
            len({cap.reason for cap in rules.points.daily_caps}) == len(rules.points.daily_caps),
            "points.daily_caps: reason is unique",
        ),
    )
    return [problem for holds, problem in checks if not holds]


def _offer_contradictions(rules: Rules) -> list[str]:
    """Tell what can't hold of the coupons that the rules give."""
    cycle = len(rules.check_in.day_points)
    offers = [
        *(("check_in.coupons", day.offer) for day in rules.check_in.coupons),
        *(("benefit_coupons", benefit.offer) for benefit in rules.benefit_coupons),
    ]
    checks = (
        *(
            (1 <= day.cycle_day <= cycle, f"check_in.coupons: cycle_day from 1 to {cycle}")
            for day in rules.check_in.coupons
        ),
        *(
            (
                benefit.benefit in _BENEFITS_WITH_COUPON,
                f"benefit_coupons: {benefit.benefit!r} is no benefit with a coupon",
            )
            for benefit in rules.benefit_coupons
        ),
        *(
            (1 <= benefit.weekday <= 7, "benefit_coupons: weekday from 1 to 7")
            for benefit in rules.benefit_coupons
        ),
        *(
            (_is_possible(offer), f"{path}: {offer.name!r} is no possible coupon")
            for path, offer in offers
        ),
    )
    return [problem for holds, problem in checks if not holds]


def _is_possible(offer: CouponOffer) -> bool:
    """Tell whether an offer takes something off as its kind does, and lives at least a day."""
    takes_off = {
        "AMOUNT_OFF": offer.amount_off_fen >= 1,
        "PERCENT_OFF": 1 <= offer.pay_bps < WHOLE_BPS,
        "FREE_SHIPPING": True,
    }
    return takes_off.get(offer.kind, False) and 1 <= offer.valid_days <= 3_660
