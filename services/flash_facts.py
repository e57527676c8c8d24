"""What tickets become orders with: items, members, addresses, stores; read by the batch, priced.

Everything is read outside the transaction that writes the orders. Hundreds of tickets of a sale
cost a few dozen amounts, so each amount is computed once for a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from domain.errors import DomainError, ErrorCode
from domain.flash_sales import TicketReason
from domain.flash_tickets import Ticket
from domain.members import MemberStatus
from domain.orders import DeliveryMethod
from domain.pricing import (
    Buyer,
    CampaignPrice,
    DiscountKind,
    Line,
    Quote,
    QuoteRequest,
    quote,
)
from domain.rules import Rules
from models import database
from services import earning, promotions
from services import rules as rule_versions
from services.flash_gate import QueuedTicket
from services.order_making import sealed_address
from services.personal_data import PersonalData
from services.quoting import AddressRow

log = structlog.get_logger(__name__)

_KNOWN_FOR = timedelta(seconds=5)
_MOST_MERGES_IN_A_ROW = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """An item of a flash sale with its SKU and product, as an order keeps them."""

    id: UUID
    sale_id: UUID
    sale_name: str
    price_fen: int
    per_member_limit: int
    stock_id: UUID
    sku_id: UUID
    product_id: UUID
    product_name: str
    sku_name: str
    image_url: str | None
    list_price_fen: int
    weight_grams: int
    purchase_limit: int | None
    is_for_sale: bool
    category_ids: frozenset[UUID]
    tier_prices: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A ticket that can be decided: whose order it becomes at which price, or why it doesn't."""

    ticket: Ticket
    member_id: UUID
    item: ItemFacts
    tier_code: str
    price: Quote | None
    reason: TicketReason | None
    delivery: DeliveryMethod
    store_id: UUID | None
    address_encrypted: bytes | None
    region_code: str | None


async def prepare(
    wishes: Sequence[QueuedTicket], data: PersonalData, *, now: datetime
) -> list[Prepared | None]:
    """Look up and price what the tickets ask for, in their order.

    None where PostgreSQL knows no such item or member: it has been set back behind Redis.
    """
    async with database.reading():
        items = await _items({wish.ticket.item_id for wish in wishes}, now)
        people = await _people(wishes)
        rules = (await rule_versions.in_force(now=now)).rules
        prices = Prices(rules, now)
        prepared: list[Prepared | None] = []
        for wish, person in zip(wishes, people, strict=True):
            item = items.get(wish.ticket.item_id)
            if item is None or person is None:
                log.error("flash_ticket_of_nothing", claim_id=str(wish.ticket.claim_id))
                prepared.append(None)
            else:
                prepared.append(await _prepared(wish, person, item, prices, data))
        return prepared


async def _prepared(
    wish: QueuedTicket, person: Any, item: ItemFacts, prices: Prices, data: PersonalData
) -> Prepared:
    is_express = wish.delivery is DeliveryMethod.EXPRESS
    address = _address(person) if is_express and person["address_id"] else None
    reason = _obstacle(wish, person, item)
    price = None
    if reason is None:
        price, reason = await prices.of(wish, person, item, address)
    return Prepared(
        ticket=wish.ticket,
        member_id=person["id"],
        item=item,
        tier_code=person["tier_code"],
        price=price,
        reason=reason,
        delivery=wish.delivery,
        store_id=None if is_express else person["store_id"],
        address_encrypted=sealed_address(address, data) if reason is None else None,
        region_code=address.region_code if address else None,
    )


def _obstacle(wish: QueuedTicket, person: Any, item: ItemFacts) -> TicketReason | None:
    """Return why no order can be made, whatever it would cost."""
    if person["status"] != MemberStatus.ACTIVE:
        return TicketReason.BLOCKED
    if not item.is_for_sale:
        return TicketReason.NOT_FOR_SALE
    if wish.delivery is DeliveryMethod.PICKUP:
        return None if person["store_id"] else TicketReason.STORE_NOT_AVAILABLE
    if wish.address_id is not None and person["address_id"] is None:
        return TicketReason.ADDRESS_NOT_FOUND
    return None


def _address(person: Any) -> AddressRow:
    return AddressRow(
        id=person["address_id"],
        encrypted=person["encrypted"],
        region_code=person["region_code"],
        is_default=person["is_default"],
    )


class Prices:
    """The amounts of a batch, each computed once: by item, pieces, buyer and where it goes."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        self._rules = rules
        self._now = now
        self._known: dict[object, tuple[Quote | None, TicketReason | None]] = {}
        self._buyers: dict[object, Buyer] = {}

    async def of(
        self, wish: QueuedTicket, person: Any, item: ItemFacts, address: AddressRow | None
    ) -> tuple[Quote | None, TicketReason | None]:
        """Return the price of an order, or why there is none."""
        buyer = self._buyer(person)
        province = address.region_code[:2] if address else None
        key = (
            item.id,
            wish.ticket.quantity,
            buyer.tier.code,
            buyer.is_member,
            buyer.extra_multipliers_bps,
            wish.delivery,
            province,
        )
        known = self._known.get(key)
        if known is None:
            request = QuoteRequest(
                lines=(_line(item, wish.ticket.quantity, buyer),),
                buyer=buyer,
                rules=self._rules,
                promotions=await promotions.running(now=self._now, tier_code=buyer.tier.code),
                delivery=wish.delivery,
                province=province,
            )
            known = self._known[key] = _priced(request)
        return known

    def _buyer(self, person: Any) -> Buyer:
        facts = (person["tier_code"], person["birthday"], person["joined_at"] is None)
        buyer = self._buyers.get(facts)
        if buyer is None:
            buyer = self._buyers[facts] = earning.buyer_of(person, self._rules, now=self._now)
        return buyer


def _line(item: ItemFacts, quantity: int, buyer: Buyer) -> Line:
    return Line(
        sku_id=item.sku_id,
        product_id=item.product_id,
        list_price_fen=item.list_price_fen,
        quantity=quantity,
        category_ids=item.category_ids,
        weight_grams=item.weight_grams,
        tier_price_fen=item.tier_prices.get(buyer.tier.code),
        campaign=CampaignPrice(
            kind=DiscountKind.FLASH_SALE,
            source_id=item.sale_id,
            title=item.sale_name,
            price_fen=item.price_fen,
        ),
    )


def _priced(request: QuoteRequest) -> tuple[Quote | None, TicketReason | None]:
    """Price an order; one without an address waits for it, and that is no obstacle."""
    try:
        price = quote(request)
    except DomainError:
        return None, TicketReason.NOT_FOR_SALE  # It costs more than can be said.
    codes = {problem.code for problem in price.problems} - {ErrorCode.ADDRESS_REQUIRED}
    if not codes:
        return price, None
    assert codes == {ErrorCode.ADDRESS_NOT_SERVED}, "there are no coupons and no points here"
    return None, TicketReason.ADDRESS_NOT_SERVED


_items_known: dict[UUID, tuple[datetime, ItemFacts]] = {}


def forget_cached() -> None:
    """Read items afresh next time: between tests."""
    _items_known.clear()


async def _items(ids: Collection[UUID], now: datetime) -> dict[UUID, ItemFacts]:
    """Return the items that there are; what was read is known for five seconds."""
    known = {
        id_: found[1]
        for id_ in ids
        if (found := _items_known.get(id_)) and abs(now - found[0]) < _KNOWN_FOR
    }
    missing = [id_ for id_ in ids if id_ not in known]
    if not missing:
        return known
    if len(_items_known) > _MOST_ITEMS:
        _items_known.clear()
    for row in await database.fetch(_ITEMS, missing):
        item = _item(row)
        _items_known[item.id] = (now, item)
        known[item.id] = item
    return known


_MOST_ITEMS = 10_000

_ITEMS = """
SELECT item.id, item.sale_id, sale.name AS sale_name, item.price_fen, item.per_member_limit,
       item.stock_id, item.sku_id, sku.product_id, product.name AS product_name, sku.options,
       coalesce(sku.image_url, product.images ->> 0) AS image_url,
       sku.price_fen AS list_price_fen, sku.weight_grams, sku.purchase_limit,
       sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS is_for_sale,
       ARRAY(SELECT category_id FROM product_category
             WHERE product_id = sku.product_id) AS category_ids,
       ARRAY(SELECT tier_code FROM sku_tier_price WHERE sku_id = sku.id ORDER BY tier_code)
           AS tier_codes,
       ARRAY(SELECT price_fen FROM sku_tier_price WHERE sku_id = sku.id ORDER BY tier_code)
           AS tier_prices
FROM flash_sale_item AS item
JOIN flash_sale AS sale ON sale.id = item.sale_id
JOIN sku ON sku.id = item.sku_id
JOIN product ON product.id = sku.product_id
WHERE item.id = ANY($1) AND item.stock_id IS NOT NULL
"""


def _item(row: Any) -> ItemFacts:
    return ItemFacts(
        id=row["id"],
        sale_id=row["sale_id"],
        sale_name=row["sale_name"],
        price_fen=row["price_fen"],
        per_member_limit=row["per_member_limit"],
        stock_id=row["stock_id"],
        sku_id=row["sku_id"],
        product_id=row["product_id"],
        product_name=row["product_name"],
        sku_name=" / ".join(option["value"] for option in row["options"]),
        image_url=row["image_url"],
        list_price_fen=row["list_price_fen"],
        weight_grams=row["weight_grams"],
        purchase_limit=row["purchase_limit"],
        is_for_sale=row["is_for_sale"],
        category_ids=frozenset(row["category_ids"]),
        tier_prices=dict(zip(row["tier_codes"], row["tier_prices"], strict=True)),
    )


async def _people(wishes: Sequence[QueuedTicket]) -> list[Any | None]:
    """Read who the tickets belong to by now, with the address and the store that they name."""
    found: list[Any | None] = [None] * len(wishes)
    wanted = {place: wish.ticket.member_id for place, wish in enumerate(wishes)}
    for _ in range(_MOST_MERGES_IN_A_ROW):
        rows = await database.fetch(
            _PEOPLE,
            list(wanted),
            list(wanted.values()),
            [wishes[place].address_id for place in wanted],
            [wishes[place].store_id for place in wanted],
        )
        wanted = {}
        for row in rows:
            if row["merged_into_id"] is not None:
                wanted[row["place"]] = row["merged_into_id"]
            else:
                found[row["place"]] = row
        if not wanted:
            return found
    raise AssertionError("merges go round in a circle")


_PEOPLE = """
SELECT wanted.place, member.id, member.status, member.merged_into_id, member.tier_code,
       member.birthday, member.joined_at, address.id AS address_id, address.encrypted,
       address.region_code, address.is_default, store.id AS store_id
FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::uuid[])
    AS wanted (place, member_id, address_id, store_id)
JOIN member ON member.id = wanted.member_id
LEFT JOIN address ON address.member_id = member.id AND address.deleted_at IS NULL
    AND CASE WHEN wanted.address_id IS NULL THEN address.is_default
             ELSE address.id = wanted.address_id END
LEFT JOIN store ON store.id = wanted.store_id AND store.supports_pickup AND store.is_open
"""
