"""Small builders for quotes; the facts that a test asserts stay visible in it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.pricing import (
    Buyer,
    CampaignPrice,
    Coupon,
    CouponKind,
    DiscountKind,
    FullReduction,
    LimitedTimePrice,
    Line,
    QuantityDiscount,
    QuantityRule,
    Quote,
    QuoteRequest,
    Rung,
    Scope,
    ScopeKind,
)
from domain.rules import Rules

RULES = Rules()
SHANGHAI_CITY = "31"
"""The province code of the address that quotes go to unless a test says otherwise."""
EXPIRY = datetime(2026, 12, 1, tzinfo=UTC)


def uid(number: int) -> UUID:
    return UUID(int=number)


def line(number: int, price_fen: int, quantity: int = 1, **more: Any) -> Line:
    """SKU and product `number`."""
    return Line(
        sku_id=uid(number),
        product_id=uid(number),
        list_price_fen=price_fen,
        quantity=quantity,
        **more,
    )


def flash(price_fen: int, kind: DiscountKind = DiscountKind.FLASH_SALE) -> CampaignPrice:
    return CampaignPrice(kind=kind, source_id=uid(900), title="限时秒杀", price_fen=price_fen)


def buyer(tier: str = "REGULAR", *, points: int = 0, **more: Any) -> Buyer:
    return Buyer(tier=RULES.tier(tier), points_balance=points, **more)


def products(*numbers: int) -> Scope:
    return Scope(ScopeKind.PRODUCTS, frozenset(map(uid, numbers)))


def categories(*numbers: int) -> Scope:
    return Scope(ScopeKind.CATEGORIES, frozenset(map(uid, numbers)))


def limited(number: int, **more: Any) -> LimitedTimePrice:
    return LimitedTimePrice(id=uid(number), title="限时特惠", **more)


def every_second_half(number: int, **more: Any) -> QuantityDiscount:
    return QuantityDiscount(
        id=uid(number),
        title="第2件半价",
        rule=QuantityRule.EVERY_NTH_PIECE,
        pieces=2,
        pay_bps=5_000,
        **more,
    )


def three_at_80(number: int, **more: Any) -> QuantityDiscount:
    return QuantityDiscount(
        id=uid(number),
        title="3件8折",
        rule=QuantityRule.FROM_PIECES,
        pieces=3,
        pay_bps=8_000,
        **more,
    )


def reduction(number: int, *rungs: tuple[int, int], **more: Any) -> FullReduction:
    """Rungs are (from fen, off fen)."""
    steps = tuple(Rung(min_spend_fen, off_fen) for min_spend_fen, off_fen in rungs)
    return FullReduction(id=uid(number), title="满减", rungs=steps, **more)


def coupon(number: int, off_fen: int = 0, *, days: int = 0, **more: Any) -> Coupon:
    """An amount-off coupon, valid until `days` after EXPIRY."""
    more.setdefault("kind", CouponKind.AMOUNT_OFF)
    return Coupon(
        id=uid(number),
        title=f"券{number}",
        valid_until=EXPIRY + timedelta(days=days),
        amount_off_fen=off_fen,
        **more,
    )


def percent_coupon(number: int, pay_bps: int, **more: Any) -> Coupon:
    return coupon(number, kind=CouponKind.PERCENT_OFF, pay_bps=pay_bps, **more)


def shipping_coupon(number: int, **more: Any) -> Coupon:
    return coupon(number, kind=CouponKind.FREE_SHIPPING, **more)


def request(*lines: Line, use: Iterable[int] = (), **more: Any) -> QuoteRequest:
    """A request of a REGULAR member in Shanghai; `use` are the numbers of the coupons chosen."""
    more.setdefault("buyer", buyer())
    more.setdefault("rules", RULES)
    more.setdefault("province", SHANGHAI_CITY)
    return QuoteRequest(lines=lines, coupon_ids=tuple(map(uid, use)), **more)


def offs(priced: Quote) -> list[tuple[DiscountKind, int]]:
    """Every discount of the order as (kind, fen)."""
    return [(discount.kind, discount.amount_fen) for discount in priced.discounts]


def line_payables(priced: Quote) -> list[int]:
    return [each.payable_fen for each in priced.lines]


def unit_payables(priced: Quote, place: int = 0) -> list[int]:
    """What each unit of a line costs, one by one."""
    return [unit.payable_fen for unit in priced.lines[place].units for _ in range(unit.pieces)]
