"""Quotes: every fen with its cause, and what stands in the way of the order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import strawberry

from domain import pricing
from domain.drafts import NO_ID, DraftLine, OrderDraft
from domain.orders import DeliveryMethod
from domain.pricing import DiscountKind
from executor.costs import cost
from executor.fields import BatchInfo, batched
from loaders.orders import store_by_id
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.ids import find_id
from resolvers.common.messages import Language, translate
from resolvers.common.order_lines import OrderLineInput
from resolvers.common.problems import user_errors
from resolvers.common.scalars import Money
from resolvers.member.addresses.types import Address
from resolvers.member.catalog.products import Sku, kept_skus
from resolvers.member.catalog.stores import Store
from resolvers.member.coupons.types import MemberCoupon, coupons_by_ids
from services.quoting import PricedDraft


@strawberry.input(
    description="An order as the member drafts it: `lines`, or the selected lines of the cart."
)
class OrderDraftInput:
    lines: list[OrderLineInput] | None = strawberry.field(
        default=None, description="1 to 100 lines; several of one SKU count as one."
    )
    from_cart: bool | None = strawberry.field(
        default=False, description="Instead of `lines`: the selected lines of the cart."
    )
    delivery: DeliveryMethod | None = strawberry.field(
        default=DeliveryMethod.EXPRESS, description="How the goods reach the member."
    )
    address_id: strawberry.ID | None = strawberry.field(
        default=None, description="EXPRESS: where to; the default address when absent."
    )
    store_id: strawberry.ID | None = strawberry.field(default=None, description="PICKUP: where.")
    coupon_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The coupons to use: one for goods, one for shipping."
    )
    best_coupons: bool | None = strawberry.field(
        default=False, description="Let the server pick the coupons that save the most."
    )
    points_to_spend: int | None = strawberry.field(
        default=0, description="Points to spend; more than is possible is a problem."
    )
    use_max_points: bool | None = strawberry.field(
        default=False, description="Spend as many points as can be."
    )
    group_buy_id: strawberry.ID | None = strawberry.field(
        default=None, description="Buy one line in a team of this group buy, at its price."
    )
    group_buy_team_id: strawberry.ID | None = strawberry.field(
        default=None, description="With groupBuyId: join this team; without it, open one."
    )

    def draft(self) -> OrderDraft:
        """Return the draft; an id that can't be one is found nowhere."""
        return OrderDraft(
            lines=None if self.lines is None else tuple(_line(line) for line in self.lines),
            from_cart=bool(self.from_cart),
            delivery=self.delivery or DeliveryMethod.EXPRESS,
            address_id=_id(self.address_id),
            store_id=_id(self.store_id),
            coupon_ids=tuple(find_id(each) or NO_ID for each in self.coupon_ids or ()),
            best_coupons=bool(self.best_coupons),
            points_to_spend=self.points_to_spend or 0,
            use_max_points=bool(self.use_max_points),
            group_buy_id=_id(self.group_buy_id),
            group_buy_team_id=_id(self.group_buy_team_id),
        )


def _line(given: OrderLineInput) -> DraftLine:
    return DraftLine(sku_id=find_id(given.sku_id) or NO_ID, quantity=given.quantity)


def _id(text: str | None) -> UUID | None:
    return None if text is None else find_id(text) or NO_ID


@strawberry.type(description="Money off, with its cause.")
class Discount:
    kind: DiscountKind = strawberry.field(description="What takes it off.")
    title: str = strawberry.field(description="The cause in words.")
    amount: Money = strawberry.field(description="How much.")
    coupon_id: strawberry.Private[UUID | None]

    @batched(description="The coupon, where one is the cause.")
    @staticmethod
    async def coupon(discounts: Sequence[Discount], info: BatchInfo) -> list[MemberCoupon | None]:
        return await coupons_by_ids(info.context, [each.coupon_id for each in discounts])

    @classmethod
    def of(cls, discount: pricing.Discount, language: Language) -> Discount:
        """Show a discount of a quote, or a stored one."""
        return cls(
            kind=discount.kind,
            title=translate(discount.title, language, **discount.facts),
            amount=Money(discount.amount_fen),
            coupon_id=discount.coupon_id,
        )


@strawberry.type(description="A line of a quote.")
class QuoteLine:
    quantity: int = strawberry.field(description="Pieces.")
    unit_price: Money = strawberry.field(description="One piece at list price.")
    goods_total: Money = strawberry.field(description="All pieces at list price.")
    discount_total: Money = strawberry.field(description="Goods discounts, without points.")
    payable: Money = strawberry.field(description="goodsTotal − discountTotal − pointsOff.")
    discounts: list[Discount] = strawberry.field(description="This line's share of each discount.")
    points_off: Money = strawberry.field(description="This line's share of the points.")
    sku_id: strawberry.Private[UUID]

    @batched(description="What is bought.")
    @staticmethod
    async def sku(lines: Sequence[QuoteLine], info: BatchInfo) -> list[Sku]:
        return await kept_skus(info, [line.sku_id for line in lines])

    @classmethod
    def of(cls, line: pricing.QuotedLine, language: Language) -> QuoteLine:
        """Show a priced line."""
        return cls(
            quantity=line.quantity,
            unit_price=Money(line.unit_price_fen),
            goods_total=Money(line.goods_total_fen),
            discount_total=Money(line.discount_total_fen),
            payable=Money(line.payable_fen),
            discounts=[Discount.of(discount, language) for discount in line.discounts],
            points_off=Money(line.points_off_fen),
            sku_id=line.sku_id,
        )


@strawberry.type(description="A coupon that this order could use.")
class UsableCoupon:
    coupon: MemberCoupon = strawberry.field(description="The coupon.")
    amount_off: Money = strawberry.field(description="What it would take off.")


@strawberry.type(description="A coupon that this order can't use.")
class UnusableCoupon:
    coupon: MemberCoupon = strawberry.field(description="The coupon.")
    reason: str = strawberry.field(description="Why not.")
    missing_amount: Money | None = strawberry.field(description="What more goods would do.")
    missing_pieces: int | None = strawberry.field(description="How many more pieces would do.")

    @classmethod
    def of(
        cls, unusable: pricing.UnusableCoupon, coupon: MemberCoupon, language: Language
    ) -> UnusableCoupon:
        """Show a coupon with what stands in its way."""
        missing_fen = unusable.missing_fen
        return cls(
            coupon=coupon,
            reason=translate(unusable.reason, language, **unusable.facts),
            missing_amount=None if missing_fen is None else Money(missing_fen),
            missing_pieces=unusable.missing_pieces,
        )


@strawberry.type(description="What a little more would bring: 再买 ¥12.00 可用满100减15券.")
class PriceHint:
    message: str = strawberry.field(description="In words.")
    missing_amount: Money | None = strawberry.field(description="How much more.")
    missing_pieces: int | None = strawberry.field(description="How many more pieces.")
    coupon_id: strawberry.Private[UUID | None]

    @batched(description="The coupon that it would bring into play.")
    @staticmethod
    async def coupon(hints: Sequence[PriceHint], info: BatchInfo) -> list[MemberCoupon | None]:
        return await coupons_by_ids(info.context, [hint.coupon_id for hint in hints])

    @classmethod
    def of(cls, hint: pricing.Hint, language: Language) -> PriceHint:
        """Show a hint."""
        missing_fen = hint.missing_fen
        return cls(
            message=translate(hint.message, language, **hint.facts),
            missing_amount=None if missing_fen is None else Money(missing_fen),
            missing_pieces=hint.missing_pieces,
            coupon_id=hint.coupon_id,
        )


_COUPONS = cost(items=50)
"""More coupons than that are rare: campaigns limit how many a member has."""


@strawberry.type(
    description="The price of an order:"
    " payable = goodsTotal − discountTotal − pointsOff + shipping."
)
class OrderQuote:
    lines: list[QuoteLine] = strawberry.field(description="What can be priced, in order.")
    goods_total: Money = strawberry.field(description="At list price (Sku.price).")
    discount_total: Money = strawberry.field(
        description="Goods discounts: all kinds but POINTS and SHIPPING."
    )
    shipping: Money = strawberry.field(description="Net of shipping discounts.")
    points_spent: int = strawberry.field(description="Points that the order takes.")
    points_off: Money = strawberry.field(description="What they take off.")
    payable: Money = strawberry.field(description="What is to be paid.")
    points_to_earn: int = strawberry.field(description="Points it would earn, were it paid now.")
    discounts: list[Discount] = strawberry.field(
        description="Every fen off, with its cause; but for SHIPPING, the lines' shares add up."
    )
    max_points_to_spend: int = strawberry.field(description="As many points as could be spent.")
    max_points_off: Money = strawberry.field(description="What those would take off.")
    hints: list[PriceHint] = strawberry.field(description="What a little more would bring.")
    problems: list[UserError] = strawberry.field(
        description="What stands in the way of this order; paths run from the draft."
    )
    priced: strawberry.Private[PricedDraft]

    @batched(metadata=_COUPONS, description="Coupons that this order could use.")
    @staticmethod
    async def usable_coupons(
        quotes: Sequence[OrderQuote], info: BatchInfo
    ) -> list[list[UsableCoupon]]:
        held = await _held_coupons(quotes, info)
        return [
            [
                UsableCoupon(coupon=coupon, amount_off=Money(each.off_fen))
                for each in shown.priced.quote.usable_coupons
                if (coupon := held.get(each.coupon_id))
            ]
            for shown in quotes
        ]

    @batched(metadata=_COUPONS, description="Coupons that it can't, and why.")
    @staticmethod
    async def unusable_coupons(
        quotes: Sequence[OrderQuote], info: BatchInfo
    ) -> list[list[UnusableCoupon]]:
        held = await _held_coupons(quotes, info)
        language = info.context.language
        return [
            [
                UnusableCoupon.of(each, coupon, language)
                for each in shown.priced.quote.unusable_coupons
                if (coupon := held.get(each.coupon_id))
            ]
            for shown in quotes
        ]

    @batched(description="The coupons that were used.")
    @staticmethod
    async def coupons(quotes: Sequence[OrderQuote], info: BatchInfo) -> list[list[MemberCoupon]]:
        held = await _held_coupons(quotes, info)
        return [
            [held[id_] for id_ in shown.priced.quote.coupon_ids if id_ in held] for shown in quotes
        ]

    @strawberry.field(description="Where it goes. Without addressId: the default address.")
    async def address(self, info: Info) -> Address | None:
        row = self.priced.draft.address
        return None if row is None else Address.from_row(row, info.context.ports.personal_data)

    @strawberry.field(description="Where it is picked up.")
    async def store(self, info: Info) -> Store | None:
        store_id = self.priced.draft.store_id
        if store_id is None:
            return None
        row = await info.context.loaders.of(store_by_id).load(store_id)
        return Store.from_row(row) if row else None

    @classmethod
    def of(cls, priced: PricedDraft, language: Language, *, has_input: bool = True) -> OrderQuote:
        """Show a price; without an input its problems have no path."""
        quote = priced.quote
        problems = user_errors(quote.problems, language)
        if not has_input:
            for problem in problems:
                problem.path = None
        return cls(
            lines=[QuoteLine.of(line, language) for line in quote.lines],
            goods_total=Money(quote.goods_total_fen),
            discount_total=Money(quote.discount_total_fen),
            shipping=Money(quote.shipping_fen),
            points_spent=quote.points_spent,
            points_off=Money(quote.points_off_fen),
            payable=Money(quote.payable_fen),
            points_to_earn=quote.points_to_earn,
            discounts=[Discount.of(discount, language) for discount in quote.discounts],
            max_points_to_spend=quote.max_points_to_spend,
            max_points_off=Money(quote.max_points_off_fen),
            hints=[PriceHint.of(hint, language) for hint in quote.hints],
            problems=problems,
            priced=priced,
        )


async def _held_coupons(quotes: Sequence[OrderQuote], info: BatchInfo) -> dict[UUID, MemberCoupon]:
    """Return the coupons that quotes looked at, all read at once whichever field asks first."""
    ids = list({coupon.id for each in quotes for coupon in each.priced.draft.request.coupons})
    found = await coupons_by_ids(info.context, ids)
    return {id_: coupon for id_, coupon in zip(ids, found, strict=True) if coupon is not None}
