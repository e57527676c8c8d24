"""Steps 4 and 6: what each coupon would take off, or why it can't (rules, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from domain.money import to_pay_fen
from domain.pricing import texts
from domain.pricing.inputs import Coupon, CouponKind, CouponStatus, DiscountKind
from domain.pricing.results import Facts, Hint, UnusableCoupon, UsableCoupon
from domain.pricing.worksheet import Cause, SheetLine

_WHY_NOT_USABLE = {
    CouponStatus.NOT_YET_VALID: texts.COUPON_NOT_YET_VALID,
    CouponStatus.RESERVED: texts.COUPON_RESERVED,
    CouponStatus.USED: texts.COUPON_USED,
    CouponStatus.EXPIRED: texts.COUPON_EXPIRED,
    CouponStatus.REVOKED: texts.COUPON_REVOKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a coupon takes off, in fen; with nothing off, `reason` says why.

    `places` are the positions of the lines that it is taken off. `is_refusal` tells a coupon that
    may not be used from one that merely finds nothing to take off and so is not consumed.
    `worth_fen` is what it would take off once nothing is missing.
    """

    coupon: Coupon
    off_fen: int = 0
    places: Sequence[int] = ()
    reason: str | None = None
    facts: Facts = field(default_factory=dict)
    missing_fen: int | None = None
    missing_pieces: int | None = None
    worth_fen: int = 0
    is_refusal: bool = True

    @property
    def cause(self) -> Cause:
        """Return this coupon as the cause of a discount."""
        for_shipping = self.coupon.is_for_shipping
        return Cause(
            kind=DiscountKind.SHIPPING if for_shipping else DiscountKind.COUPON,
            title=texts.COUPON_TITLE,
            facts=self.coupon.titles,
            source_id=self.coupon.id,
        )


def judge_goods_coupon(coupon: Coupon, lines: Sequence[SheetLine]) -> Verdict:
    """Say what a goods coupon takes off what steps 1 to 3 left."""
    if coupon.status is not CouponStatus.USABLE:
        return Verdict(coupon=coupon, reason=_WHY_NOT_USABLE[coupon.status])
    if coupon.kind is CouponKind.GIFT:
        return _judge_gift(coupon, lines)
    places = _covered_places(coupon, lines)
    if not places:
        return _out_of_scope(coupon, lines)
    spend_fen = sum(lines[place].left_fen for place in places)
    pieces = sum(lines[place].line.quantity for place in places)
    worth_fen = _off_fen(coupon, max(spend_fen, coupon.min_spend_fen))
    below = _below_threshold(coupon, spend_fen, pieces, worth_fen)
    if below:
        return below
    return _takes_off(coupon, _off_fen(coupon, spend_fen), places, texts.COUPON_NOTHING_LEFT)


@dataclass(frozen=True, slots=True)
class ShippingCoupon:
    """A shipping coupon and the lines it covers, found once and judged after each goods coupon.

    `refusal` is what no goods coupon changes: its status, or no goods in scope.
    """

    coupon: Coupon
    places: Sequence[int] = ()
    pieces: int = 0
    refusal: Verdict | None = None

    @classmethod
    def of(cls, coupon: Coupon, lines: Sequence[SheetLine]) -> ShippingCoupon:
        """Find the lines that a coupon covers."""
        if coupon.status is not CouponStatus.USABLE:
            refusal = Verdict(coupon=coupon, reason=_WHY_NOT_USABLE[coupon.status])
            return cls(coupon, refusal=refusal)
        places = _covered_places(coupon, lines)
        if not places:
            return cls(coupon, refusal=_out_of_scope(coupon, lines))
        return cls(coupon, places, sum(lines[place].line.quantity for place in places))

    def off_fen(self, lefts: Sequence[int], fee_fen: int) -> int:
        """Return what this takes off the fee: as `judge`, told without a reason."""
        coupon = self.coupon
        if self.refusal or self.pieces < coupon.min_pieces:
            return 0
        # Most have no threshold, and nothing is added up for them.
        least = coupon.min_spend_fen
        if least and sum(lefts[place] for place in self.places) < least:
            return 0
        return fee_fen if coupon.max_off_fen is None else min(fee_fen, coupon.max_off_fen)

    def judge(self, lefts: Sequence[int], fee_fen: int) -> Verdict:
        """Say what this takes off the fee that the tier left.

        `lefts` is what step 4 left on each line: points are the member's own and don't count
        against the threshold.
        """
        if self.refusal:
            return self.refusal
        coupon = self.coupon
        off_fen = fee_fen if coupon.max_off_fen is None else min(fee_fen, coupon.max_off_fen)
        spend_fen = sum(lefts[place] for place in self.places)
        below = _below_threshold(coupon, spend_fen, self.pieces, off_fen)
        return below or _takes_off(coupon, off_fen, (), texts.COUPON_NO_SHIPPING)


def _judge_gift(coupon: Coupon, lines: Sequence[SheetLine]) -> Verdict:
    """Say what a gift coupon pays: one piece of its SKU, which doesn't help reach its threshold."""
    gift = next(
        (
            place
            for place, line in enumerate(lines)
            if line.line.sku_id == coupon.gift_sku_id and _may_take(coupon, line)
        ),
        None,
    )
    if gift is None:
        return Verdict(coupon=coupon, reason=texts.COUPON_GIFT_MISSING)
    places = _covered_places(coupon, lines)
    if not places:
        return _out_of_scope(coupon, lines)
    gift_fen = lines[gift].unit_left_fen
    spend_fen = sum(lines[place].left_fen for place in places)
    pieces = sum(lines[place].line.quantity for place in places)
    if gift in places:
        spend_fen, pieces = spend_fen - gift_fen, pieces - 1
    below = _below_threshold(coupon, spend_fen, pieces, gift_fen)
    return below or _takes_off(coupon, gift_fen, (gift,), texts.COUPON_NOTHING_LEFT)


def _may_take(coupon: Coupon, line: SheetLine) -> bool:
    return coupon.stacks_with_campaigns or not line.is_campaign


def _covered_places(coupon: Coupon, lines: Sequence[SheetLine]) -> list[int]:
    return [
        place
        for place, line in enumerate(lines)
        if _may_take(coupon, line) and coupon.scope.covers(line.line)
    ]


def _off_fen(coupon: Coupon, spend_fen: int) -> int:
    """Return what a goods coupon takes off an amount of goods, never more than the amount."""
    if coupon.kind is CouponKind.PERCENT_OFF:
        off_fen = spend_fen - to_pay_fen(spend_fen, coupon.pay_bps)
    else:
        off_fen = coupon.amount_off_fen
    if coupon.max_off_fen is not None:
        off_fen = min(off_fen, coupon.max_off_fen)
    return min(off_fen, spend_fen)


def _out_of_scope(coupon: Coupon, lines: Sequence[SheetLine]) -> Verdict:
    held_back = any(coupon.scope.covers(line.line) for line in lines)
    reason = texts.COUPON_NOT_WITH_CAMPAIGNS if held_back else texts.COUPON_OUT_OF_SCOPE
    return Verdict(coupon=coupon, reason=reason)


def _below_threshold(coupon: Coupon, spend_fen: int, pieces: int, worth_fen: int) -> Verdict | None:
    """Say what the goods in scope miss for this coupon; None when they miss nothing."""
    missing_fen = max(0, coupon.min_spend_fen - spend_fen) or None
    missing_pieces = max(0, coupon.min_pieces - pieces) or None
    if missing_fen:
        facts: Facts = {"missing_fen": missing_fen}
        reason = texts.COUPON_BELOW_MIN_SPEND
    elif missing_pieces:
        facts = {"missing_pieces": missing_pieces}
        reason = texts.COUPON_BELOW_MIN_PIECES
    else:
        return None
    return Verdict(
        coupon=coupon,
        reason=reason,
        facts=facts,
        missing_fen=missing_fen,
        missing_pieces=missing_pieces,
        worth_fen=worth_fen,
    )


def _takes_off(coupon: Coupon, off_fen: int, places: Sequence[int], otherwise: str) -> Verdict:
    if off_fen == 0:
        return Verdict(coupon=coupon, reason=otherwise, is_refusal=False)
    return Verdict(coupon=coupon, off_fen=off_fen, places=places)


def usable_coupons(verdicts: Iterable[Verdict]) -> tuple[UsableCoupon, ...]:
    """Return the coupons that take something off: most first, then earliest expiry, lowest id."""
    usable = [verdict for verdict in verdicts if verdict.off_fen]
    usable.sort(key=lambda v: (-v.off_fen, v.coupon.valid_until, v.coupon.id))
    return tuple(UsableCoupon(coupon_id=v.coupon.id, off_fen=v.off_fen) for v in usable)


def unusable_coupons(verdicts: Iterable[Verdict]) -> tuple[UnusableCoupon, ...]:
    """Return the coupons that take nothing off, with why: earliest expiry first, then lowest id."""
    ordered = sorted(verdicts, key=lambda v: (v.coupon.valid_until, v.coupon.id))
    return tuple(
        UnusableCoupon(
            coupon_id=v.coupon.id,
            reason=v.reason,
            facts=v.facts,
            missing_fen=v.missing_fen,
            missing_pieces=v.missing_pieces,
        )
        for v in ordered
        if v.reason is not None
    )


def coupon_hints(verdicts: Iterable[Verdict], applied_off_fen: int) -> list[Hint]:
    """Return what coupons of one kind miss that would save more than the applied one does."""
    near = [v for v in verdicts if (v.missing_fen or v.missing_pieces)]
    near.sort(key=lambda v: (v.missing_fen or 0, v.missing_pieces or 0, v.coupon.id))
    return [_hint(verdict) for verdict in near if verdict.worth_fen > applied_off_fen]


def _hint(verdict: Verdict) -> Hint:
    by_spend = verdict.missing_fen is not None
    return Hint(
        message=texts.HINT_SPEND_FOR_COUPON if by_spend else texts.HINT_ADD_FOR_COUPON,
        facts={**verdict.facts, **verdict.coupon.titles},
        missing_fen=verdict.missing_fen,
        missing_pieces=verdict.missing_pieces,
        coupon_id=verdict.coupon.id,
    )
