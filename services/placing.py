"""Placing an order: priced, held at the gate, then decided by one short transaction.

The price is read and the Redis gate asked before the transaction opens, so that nothing slow or
remote happens in it and no lock is held longer than a few statements. Locks are taken in one order:
the idempotency key, a team with the member's counts there, the cart's lines, the coupons, purchase
counts, stock levels by SKU id, the wallet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.carts import limit_reached, out_of_stock
from domain.coupons import CouponNotApplicable
from domain.drafts import OrderDraft
from domain.errors import AccountBlocked, Busy, Conflict, DomainError, ErrorCode, InvalidInput
from domain.ledger import EntryReason, SourceKind
from domain.members import MemberStatus
from domain.orders import OrderKind
from domain.pricing import Problem, QuotedLine
from domain.stock_gate import hold_id
from models import database
from models.ids import new_id
from services import (
    campaign_stock,
    coupons,
    group_seats,
    idempotency,
    points,
    quoting,
    settling,
    stock,
)
from services.group_seats import SeatWanted
from services.ledger import InsufficientBalance
from services.members import Invitation, bind_inviter
from services.order_making import NewLine, NewOrder, insert_order, sealed_address
from services.personal_data import PersonalData
from services.quoting import DraftedLine, PricedDraft
from services.stock import StockGate
from services.stock_holds import SoldOut, held

OPERATION = "placeOrder"
MAX_REMARK_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """A member's order. `expected_payable_fen` is the total they saw."""

    member_id: UUID
    draft: OrderDraft
    expected_payable_fen: int | None
    remark: str | None
    idempotency_key: str
    invite_code: str | None = None

    @property
    def request(self) -> object:
        """Return what must be equal for two orders under one key to be the same."""
        return (self.draft, self.expected_payable_fen, self.remark, self.invite_code)


class PriceChanged(DomainError):
    """The order costs another amount than the member saw; nothing was placed."""

    code = ErrorCode.PRICE_CHANGED
    message = "The price is now {payable_fen}. Please check it and order again."

    def __init__(self, priced: PricedDraft) -> None:
        super().__init__(path=("expectedPayable",), payable_fen=priced.quote.payable_fen)
        self.priced = priced


class DraftRefused(Exception):
    """What stands in the way of this order, all of it; paths run from the draft."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = problems


async def place_order(
    command: PlaceOrder, gate: StockGate, data: PersonalData, *, now: datetime
) -> UUID:
    """Place the order, once per idempotency key, and return its id.

    Raises:
        DraftRefused: with every problem of the draft.
        PriceChanged: carries the new price.
        AccountBlocked, Conflict, IdempotencyKeyReused, InvalidInput
    """
    idempotency.check_key(command.idempotency_key)
    _check_remark(command.remark)
    try:
        order_id = await _place(command, gate, data, now)
    except (DraftRefused, PriceChanged, Conflict):
        # Its own first attempt may have emptied the cart or the shelf for this repeat.
        earlier = await idempotency.recall(
            command.member_id, OPERATION, command.idempotency_key, command.request
        )
        if earlier is None:
            raise
        return earlier
    if command.invite_code:
        invitation = Invitation(invite_code=command.invite_code)
        await bind_inviter(command.member_id, invitation, now=now)
    return order_id


def _check_remark(remark: str | None) -> None:
    if remark is not None and (len(remark) > MAX_REMARK_LENGTH or "\x00" in remark):
        raise InvalidInput(path=("remark",), problem="At most 200 characters are expected.")


async def _place(command: PlaceOrder, gate: StockGate, data: PersonalData, now: datetime) -> UUID:
    priced = await quoting.quote_draft(command.member_id, command.draft, now=now)
    _require_agreement(command, priced)
    quantities = {line.stock_id: line.quantity for line in priced.draft.lines}
    name = hold_id(command.member_id, OPERATION, command.idempotency_key)
    order_id = new_id()

    async def write() -> UUID:
        return await _write(command, priced, order_id, data, now)

    try:
        return await held(gate, name, quantities, order_id, write)
    except SoldOut as sold_out:
        raise DraftRefused(_sold_out(priced, sold_out.left)) from sold_out


def _require_agreement(command: PlaceOrder, priced: PricedDraft) -> None:
    if priced.draft.status is not MemberStatus.ACTIVE:
        raise AccountBlocked
    if priced.quote.problems:
        raise DraftRefused(priced.quote.problems)
    expected_fen = command.expected_payable_fen
    if expected_fen is not None and expected_fen != priced.quote.payable_fen:
        raise PriceChanged(priced)


def _sold_out(priced: PricedDraft, left: Mapping[UUID, int]) -> tuple[Problem, ...]:
    return tuple(
        out_of_stock(product=line.product_name, left=left[line.stock_id], path=line.quantity_path)
        for line in priced.draft.lines
        if line.stock_id in left
    )


async def _write(
    command: PlaceOrder, priced: PricedDraft, order_id: UUID, data: PersonalData, now: datetime
) -> UUID:
    """Place the order in one transaction; the id of an earlier one when the key has been used."""
    async with database.in_transaction():
        claim = await idempotency.claim(
            command.member_id,
            OPERATION,
            command.idempotency_key,
            command.request,
            result_id=order_id,
            now=now,
        )
        if not claim.is_new:
            return claim.result_id
        await _insert(command, priced, order_id, data, now)
        await _reserve_coupons(command, priced, order_id, now)
        await _count_limited(command.member_id, priced)
        # Last, since other orders wait for these rows.
        left = await _reserve_pieces(priced, now)
        if left:
            raise SoldOut(left)
        await _spend_points(command.member_id, priced, order_id, now)
        if priced.quote.payable_fen == 0:
            await settling.settle_free(order_id, now=now)
        return order_id


async def _insert(
    command: PlaceOrder, priced: PricedDraft, order_id: UUID, data: PersonalData, now: datetime
) -> None:
    """Write the order; one for a team with its seat there, whose row stays locked."""
    order = _order(command, priced, order_id, data, now)
    offer = priced.draft.offer
    if offer is None:
        await insert_order(order)
        return
    wanted = SeatWanted(
        order_id=order_id,
        member_id=command.member_id,
        group_buy_id=offer.group_buy_id,
        team_id=offer.team_id,
        pieces=priced.draft.lines[0].quantity,
        held_until=order.pay_before,
    )
    try:
        place = await group_seats.find_place(wanted, priced.draft.request.rules.orders, now=now)
        await insert_order(replace(order, kind=OrderKind.GROUP_BUY, team_id=place.team_id))
        await group_seats.take(wanted, place, now=now)
    except Busy:
        raise
    except DomainError as error:
        raise DraftRefused((quoting.problem_of(error),)) from error


async def _reserve_pieces(priced: PricedDraft, now: datetime) -> dict[UUID, int]:
    """Reserve the SKUs' pieces, or those that a campaign has set aside for its one line.

    Returns:
        What is left of each shelf that is short; empty when all are reserved.
    """
    lines = priced.draft.lines
    shelf = lines[0].campaign_stock_id
    if shelf is None:
        return await stock.reserve({line.sku_id: line.quantity for line in lines}, now=now)
    left = await campaign_stock.reserve(shelf, lines[0].quantity, now=now)
    return {} if left is None else {shelf: left}


async def _reserve_coupons(
    command: PlaceOrder, priced: PricedDraft, order_id: UUID, now: datetime
) -> None:
    """Have the order hold the coupons that took something off; others stay as they are."""
    try:
        await coupons.reserve(
            priced.quote.coupon_ids, member_id=command.member_id, order_id=order_id, now=now
        )
    except CouponNotApplicable as error:
        chosen = command.draft.coupon_ids
        path: tuple[str, ...] = ("bestCoupons",)
        if not command.draft.best_coupons:
            path = ("couponIds", str(chosen.index(error.coupon_id)))
        raise DraftRefused(
            (Problem(code=error.code, message=error.message, path=path, facts={}),)
        ) from error


async def _count_limited(member_id: UUID, priced: PricedDraft) -> None:
    limited = {line.sku_id: line for line in priced.draft.lines if line.purchase_limit is not None}
    if not limited:
        return
    limits = {sku_id: line.purchase_limit or 0 for sku_id, line in limited.items()}
    quantities = {sku_id: line.quantity for sku_id, line in limited.items()}
    left = await stock.count_purchases(member_id, quantities, limits)
    if left:
        raise DraftRefused(
            tuple(
                limit_reached(
                    product=limited[sku_id].product_name,
                    limit=limits[sku_id],
                    left=pieces,
                    path=limited[sku_id].quantity_path,
                )
                for sku_id, pieces in left.items()
            )
        )


async def _spend_points(
    member_id: UUID, priced: PricedDraft, order_id: UUID, now: datetime
) -> None:
    """Take the order's points. A settlement, too, locks stock before the member's accounts."""
    try:
        await points.spend(
            member_id,
            priced.quote.points_spent,
            reason=EntryReason.ORDER_DEDUCTION,
            source=(SourceKind.ORDER, order_id),
            now=now,
        )
    except InsufficientBalance as error:
        path = ("pointsToSpend",)
        raise DraftRefused(
            (Problem(code=error.code, message=error.message, path=path, facts={}),)
        ) from error


def _order(
    command: PlaceOrder, priced: PricedDraft, order_id: UUID, data: PersonalData, now: datetime
) -> NewOrder:
    """Return the order to write: the draft as it was priced."""
    draft, quote = priced.draft, priced.quote
    address = draft.address
    return NewOrder(
        id=order_id,
        member_id=command.member_id,
        kind=OrderKind.NORMAL,
        delivery=draft.request.delivery,
        store_id=draft.store_id,
        address_encrypted=sealed_address(address, data),
        region_code=address.region_code if address else None,
        remark=command.remark or None,
        goods_total_fen=quote.goods_total_fen,
        discount_total_fen=quote.discount_total_fen,
        shipping_fen=quote.shipping_fen,
        points_spent=quote.points_spent,
        points_off_fen=quote.points_off_fen,
        payable_fen=quote.payable_fen,
        discounts=quote.discounts,
        tier_code=draft.request.buyer.tier.code,
        rule_version_id=draft.rule_version_id,
        placed_at=now,
        pay_before=draft.offer.pay_before if draft.offer else _pay_before(priced, now),
        lines=tuple(map(_line, draft.lines, quote.lines)),
    )


def _pay_before(priced: PricedDraft, now: datetime) -> datetime:
    return now + timedelta(minutes=priced.draft.request.rules.orders.pay_within_minutes)


def _line(line: DraftedLine, quoted: QuotedLine) -> NewLine:
    return NewLine(
        sku_id=line.sku_id,
        product_id=line.product_id,
        product_name=line.product_name,
        sku_name=line.sku_name,
        image_url=line.image_url,
        quantity=line.quantity,
        unit_price_fen=quoted.unit_price_fen,
        discount_total_fen=quoted.discount_total_fen,
        points_off_fen=quoted.points_off_fen,
        payable_fen=quoted.payable_fen,
        discounts=quoted.discounts,
        units=quoted.units,
        cart_line_id=line.cart_line_id,
        campaign_stock_id=line.campaign_stock_id,
    )
