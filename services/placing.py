"""Placing an order: priced, held at the gate, then decided by one short transaction.

The price is read and the Redis gate asked before the transaction opens, so that nothing slow or
remote happens in it and no lock is held longer than a few statements. Locks are taken in one order:
the idempotency key, the cart's lines, purchase counts, stock levels by SKU id, points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.carts import limit_reached, out_of_stock
from domain.clock import business_day
from domain.drafts import OrderDraft
from domain.errors import AccountBlocked, Conflict, DomainError, ErrorCode, InvalidInput
from domain.ledger import EntryReason, SourceKind
from domain.members import MemberStatus
from domain.orders import OrderEventKind, OrderKind, OrderStatus
from domain.pricing import Problem, discounts_to_json, units_to_json
from domain.stock_gate import GateAnswer, hold_id
from models import database
from models.ids import new_id, number_code
from services import idempotency, points, quoting, settling, stock
from services.ledger import InsufficientBalance
from services.members import Invitation, bind_inviter
from services.personal_data import PersonalData
from services.quoting import PricedDraft
from services.sealed_addresses import open_address, seal_snapshot
from services.stock import StockGate

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


class _SoldOut(Exception):
    """PostgreSQL had fewer pieces than the gate, or the quote, believed."""

    def __init__(self, left: Mapping[UUID, int]) -> None:
        super().__init__("sold out")
        self.left = left


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
    quantities = {line.sku_id: line.quantity for line in priced.draft.lines}
    name = hold_id(command.member_id, OPERATION, command.idempotency_key)
    hold = await gate.hold(name, quantities)
    if hold.answer is GateAnswer.REFUSED:
        raise DraftRefused(_sold_out(priced, hold.left))
    order_id = new_id()
    try:
        made = await database.retrying(lambda: _write(command, priced, order_id, data, now))
    except _SoldOut as sold_out:
        await gate.release(hold)
        await gate.recount(sold_out.left)
        raise DraftRefused(_sold_out(priced, sold_out.left)) from sold_out
    except BaseException:
        await gate.release(hold)
        raise
    await (gate.commit(hold) if made == order_id else gate.release(hold))
    return made


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
        out_of_stock(product=line.product_name, left=left[line.sku_id], path=line.quantity_path)
        for line in priced.draft.lines
        if line.sku_id in left
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
        await _count_limited(command.member_id, priced)
        # Last, since other orders wait for these rows.
        left = await stock.reserve(
            {line.sku_id: line.quantity for line in priced.draft.lines}, now=now
        )
        if left:
            raise _SoldOut(left)
        await _spend_points(command.member_id, priced, order_id, now)
        if priced.quote.payable_fen == 0:
            await settling.settle_free(order_id, now=now)
        return order_id


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


async def _insert(
    command: PlaceOrder, priced: PricedDraft, order_id: UUID, data: PersonalData, now: datetime
) -> None:
    """Write the order, its lines, its first event, and take its lines out of the cart.

    Raises:
        Conflict: the cart's lines have changed since they were priced, by another order perhaps.
    """
    draft, quote = priced.draft, priced.quote
    address = draft.address
    pay_before = now + timedelta(minutes=draft.request.rules.orders.pay_within_minutes)
    lines = list(zip(draft.lines, quote.lines, strict=True))
    from_cart = [line for line in draft.lines if line.cart_line_id is not None]
    emptied = await database.fetch_value(
        _INSERT,
        order_id,
        order_no(now),
        command.member_id,
        OrderKind.NORMAL,
        OrderStatus.AWAITING_PAYMENT,
        draft.request.delivery,
        draft.store_id,
        _sealed_address(priced, data),
        address.region_code if address else None,
        command.remark or None,
        quote.goods_total_fen,
        quote.discount_total_fen,
        quote.shipping_fen,
        quote.points_spent,
        quote.points_off_fen,
        quote.payable_fen,
        database.to_json(discounts_to_json(quote.discounts)),
        draft.request.buyer.tier.code,
        draft.rule_version_id,
        now,
        pay_before,
        [new_id() for _ in lines],
        [line.sku_id for line, _ in lines],
        [line.product_id for line, _ in lines],
        [line.product_name for line, _ in lines],
        [line.sku_name for line, _ in lines],
        [line.image_url for line, _ in lines],
        [line.quantity for line, _ in lines],
        [quoted.unit_price_fen for _, quoted in lines],
        [quoted.discount_total_fen for _, quoted in lines],
        [quoted.points_off_fen for _, quoted in lines],
        [quoted.payable_fen for _, quoted in lines],
        [database.to_json(discounts_to_json(quoted.discounts)) for _, quoted in lines],
        [database.to_json(units_to_json(quoted.units)) for _, quoted in lines],
        new_id(),
        OrderEventKind.PLACED,
        [line.cart_line_id for line in from_cart],
        [line.quantity for line in from_cart],
    )
    if emptied != len(from_cart):
        raise Conflict(path=("fromCart",))


_INSERT = """
WITH placed AS (
    INSERT INTO sales_order
        (id, order_no, member_id, kind, status, delivery, store_id, address_encrypted, region_code,
         remark, goods_total_fen, discount_total_fen, shipping_fen, points_spent, points_off_fen,
         payable_fen, paid_fen, refunded_fen, points_earned, growth_earned, discounts, tier_code,
         rule_version_id, placed_at, pay_before, timeout_due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0, 0, 0,
            $17::jsonb, $18, $19, $20, $21, $21)
), lines AS (
    INSERT INTO order_line
        (id, order_id, position, sku_id, product_id, product_name, sku_name, image_url, quantity,
         refunded_quantity, unit_price_fen, discount_total_fen, points_off_fen, payable_fen,
         refunded_fen, discounts, units)
    SELECT line.id, $1, line.place - 1, line.sku_id, line.product_id, line.product_name,
           line.sku_name, line.image_url, line.quantity, 0, line.unit_price, line.discount_total,
           line.points_off, line.payable, 0, line.discounts, line.units
    FROM unnest($22::uuid[], $23::uuid[], $24::uuid[], $25::text[], $26::text[], $27::text[],
                $28::int[], $29::bigint[], $30::bigint[], $31::bigint[], $32::bigint[],
                $33::jsonb[], $34::jsonb[])
        WITH ORDINALITY
        AS line (id, sku_id, product_id, product_name, sku_name, image_url, quantity, unit_price,
                 discount_total, points_off, payable, discounts, units, place)
), event AS (
    INSERT INTO order_event (id, order_id, kind, happened_at) VALUES ($35, $1, $36, $20)
), emptied AS (
    DELETE FROM cart_line USING unnest($37::uuid[], $38::int[]) AS bought (id, quantity)
    WHERE cart_line.id = bought.id AND cart_line.quantity = bought.quantity
        AND cart_line.member_id = $3
    RETURNING cart_line.id
)
SELECT count(*) FROM emptied
"""


def _sealed_address(priced: PricedDraft, data: PersonalData) -> bytes | None:
    """Seal the address as it is now into the order."""
    address = priced.draft.address
    if address is None:
        return None
    return seal_snapshot(open_address(address.encrypted, address.region_code, data), data)


def order_no(now: datetime) -> str:
    """Return a number for people, fit for WeChat: the day in Shanghai and 14 random digits.

    A million orders a day meet with odds of 1 in 200; the unique key then refuses the later one,
    and its retry gets another number.
    """
    return f"{business_day(now):%y%m%d}{number_code(14)}"
