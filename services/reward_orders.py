"""Redeeming goods: an order with its shipping, partly or wholly paid with points.

Its line stands at list price; points take off all but the reward's cash, piece by piece, so that a
refund returns both by the pieces' shares. Address, store, stock and shipping are those of any
order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.carts import limit_reached, out_of_stock
from domain.drafts import DraftLine, OrderDraft
from domain.errors import AccountBlocked
from domain.ledger import EntryReason, SourceKind
from domain.members import MemberStatus
from domain.orders import DeliveryMethod, OrderKind
from domain.pricing import Discount, DiscountKind, Problem, UnitShares
from domain.pricing.texts import POINTS
from domain.rewards import GoodsPrice
from domain.stock_gate import hold_id
from models import database
from models.ids import new_id
from services import idempotency, points, quoting, reward_stock, settling, stock
from services.order_making import NewLine, NewOrder, insert_order, sealed_address
from services.personal_data import PersonalData
from services.placing import DraftRefused, PriceChanged
from services.quoting import DraftedLine, PricedDraft
from services.reward_stock import NewRedemption
from services.stock import StockGate
from services.stock_holds import SoldOut, held


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsWanted:
    """Pieces of a reward's SKU, at what the reward takes for one, and where they shall go."""

    member_id: UUID
    reward_id: UUID
    sku_id: UUID
    quantity: int
    points_price: int
    cash_price_fen: int
    per_member_limit: int | None
    delivery: DeliveryMethod
    address_id: UUID | None
    store_id: UUID | None
    expected_payable_fen: int | None
    operation: str
    idempotency_key: str
    request: object


@dataclass(frozen=True, slots=True)
class _Priced:
    """What was looked up: the draft with its shipping, and the price of its one line."""

    draft: PricedDraft
    line: DraftedLine
    goods: GoodsPrice


async def redeem_goods(
    wanted: GoodsWanted, gate: StockGate, data: PersonalData, *, now: datetime
) -> UUID:
    """Redeem goods, once per idempotency key, and return the redemption's id.

    Raises:
        DraftRefused: with every problem of the order; paths are those of the input.
        PriceChanged: it takes another amount of money than the member saw.
        RewardSoldOut, RewardLimitReached, InsufficientPoints, AccountBlocked
    """
    priced = await _price(wanted, now)
    name = hold_id(wanted.member_id, wanted.operation, wanted.idempotency_key)
    redemption_id = new_id()

    async def write() -> UUID:
        return await _write(wanted, priced, redemption_id, data, now)

    try:
        return await held(gate, name, {wanted.sku_id: wanted.quantity}, redemption_id, write)
    except SoldOut as sold_out:
        left = sold_out.left[wanted.sku_id]
        product = priced.line.product_name
        problem = out_of_stock(product=product, left=left, path=("quantity",))
        raise DraftRefused((problem,)) from sold_out


async def _price(wanted: GoodsWanted, now: datetime) -> _Priced:
    """Look the order up and price its shipping: the goods cost the cash they take, whoever asks."""
    draft = OrderDraft(
        lines=(DraftLine(sku_id=wanted.sku_id, quantity=wanted.quantity),),
        delivery=wanted.delivery,
        address_id=wanted.address_id,
        store_id=wanted.store_id,
    )
    found = await quoting.build_request(wanted.member_id, draft, now=now)
    if found.status is not MemberStatus.ACTIVE:
        raise AccountBlocked
    at_cash = tuple(
        replace(line, list_price_fen=wanted.cash_price_fen, tier_price_fen=wanted.cash_price_fen)
        for line in found.request.lines
    )
    request = replace(found.request, lines=at_cash, promotions=(), coupons=())
    priced = quoting.price(replace(found, request=request))
    if priced.quote.problems:
        raise DraftRefused(tuple(map(_in_input, priced.quote.problems)))
    expected_fen = wanted.expected_payable_fen
    if expected_fen is not None and expected_fen != priced.quote.payable_fen:
        raise PriceChanged(priced)
    goods = GoodsPrice.of(
        quantity=wanted.quantity,
        list_price_fen=found.request.lines[0].list_price_fen,
        cash_price_fen=wanted.cash_price_fen,
    )
    return _Priced(priced, found.lines[0], goods)


def _in_input(problem: Problem) -> Problem:
    """Turn a path of the draft into one of the input, where the reward names the one line."""
    if problem.path[:1] != ("lines",):
        return problem
    path = ("quantity",) if problem.path[-1] == "quantity" else ("rewardId",)
    return replace(problem, path=path)


async def _write(
    wanted: GoodsWanted, priced: _Priced, redemption_id: UUID, data: PersonalData, now: datetime
) -> UUID:
    """Make the redemption and its order in one transaction; an earlier one's id under its key."""
    order = _order(wanted, priced, data, now)
    async with database.in_transaction():
        claim = await idempotency.claim(
            wanted.member_id,
            wanted.operation,
            wanted.idempotency_key,
            wanted.request,
            result_id=redemption_id,
            now=now,
        )
        if not claim.is_new:
            return claim.result_id
        await insert_order(order)
        redemption = NewRedemption(
            id=redemption_id,
            member_id=wanted.member_id,
            reward_id=wanted.reward_id,
            quantity=wanted.quantity,
            points=order.points_spent,
            cash_fen=priced.goods.cash_fen,
            order_id=order.id,
            created_at=now,
        )
        await reward_stock.record(redemption, limit=wanted.per_member_limit)
        await _count_limited(wanted, priced.line)
        left = await stock.reserve({wanted.sku_id: wanted.quantity}, now=now)
        if left:
            raise SoldOut(left)
        await points.spend(
            wanted.member_id,
            order.points_spent,
            reason=EntryReason.REDEMPTION,
            source=(SourceKind.ORDER, order.id),
            now=now,
            path=("rewardId",),
        )
        if order.payable_fen == 0:
            await settling.settle_free(order.id, now=now)
        await reward_stock.take(wanted.reward_id, wanted.quantity)
        return redemption_id


async def _count_limited(wanted: GoodsWanted, line: DraftedLine) -> None:
    """Count the pieces towards the SKU's own limit, as those of any order."""
    limit = line.purchase_limit
    if limit is None:
        return
    left = await stock.count_purchases(
        wanted.member_id, {wanted.sku_id: wanted.quantity}, {wanted.sku_id: limit}
    )
    if left:
        problem = limit_reached(
            product=line.product_name, limit=limit, left=left[wanted.sku_id], path=("quantity",)
        )
        raise DraftRefused((problem,))


def _order(wanted: GoodsWanted, priced: _Priced, data: PersonalData, now: datetime) -> NewOrder:
    draft, quote, goods = priced.draft.draft, priced.draft.quote, priced.goods
    address = draft.address
    by_points = _by_points(goods)
    return NewOrder(
        id=new_id(),
        member_id=wanted.member_id,
        kind=OrderKind.REDEMPTION,
        delivery=wanted.delivery,
        store_id=draft.store_id,
        address_encrypted=sealed_address(address, data),
        region_code=address.region_code if address else None,
        remark=None,
        goods_total_fen=goods.goods_total_fen,
        discount_total_fen=0,
        shipping_fen=quote.shipping_fen,
        points_spent=wanted.points_price * wanted.quantity,
        points_off_fen=goods.points_off_fen,
        payable_fen=goods.cash_fen + quote.shipping_fen,
        discounts=(*by_points, *quote.discounts),
        tier_code=draft.request.buyer.tier.code,
        rule_version_id=draft.rule_version_id,
        placed_at=now,
        pay_before=now + timedelta(minutes=draft.request.rules.orders.pay_within_minutes),
        lines=(_line(wanted, priced, by_points),),
    )


def _by_points(goods: GoodsPrice) -> tuple[Discount, ...]:
    """Return what points take off as a discount; none where cash pays the whole price."""
    if not goods.points_off_fen:
        return ()
    kind, off_fen = DiscountKind.POINTS, goods.points_off_fen
    return (Discount(kind=kind, title=POINTS, facts={}, amount_fen=off_fen, source_id=None),)


def _line(wanted: GoodsWanted, priced: _Priced, by_points: tuple[Discount, ...]) -> NewLine:
    line, goods = priced.line, priced.goods
    each = UnitShares(
        goods.quantity,
        tuple(goods.unit_off_fen for _ in by_points),
        wanted.points_price,
        goods.cash_price_fen,
        0,
        0,
    )
    return NewLine(
        sku_id=line.sku_id,
        product_id=line.product_id,
        product_name=line.product_name,
        sku_name=line.sku_name,
        image_url=line.image_url,
        quantity=goods.quantity,
        unit_price_fen=goods.unit_price_fen,
        discount_total_fen=0,
        points_off_fen=goods.points_off_fen,
        payable_fen=goods.cash_fen,
        discounts=by_points,
        units=(each,),
    )
