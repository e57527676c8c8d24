"""Quotes: everything a price depends on, read and handed to the pure function.

That is one statement each for the lines, the buyer and, who has any, the coupons, whatever their
number; promotions and what coupons promise are kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import drafts
from domain.carts import line_problem
from domain.drafts import OrderDraft
from domain.errors import DomainError, ErrorCode, NotFound
from domain.members import MemberStatus
from domain.orders import DeliveryMethod
from domain.pricing import Buyer, Coupon, Line, Problem, Quote, QuoteRequest, quote
from domain.rules import Rules
from models import database
from models.member_rows import member_columns
from services import coupons, earning, group_facts, promotions
from services import rules as rule_versions
from services.group_facts import TeamOffer

NOT_IN_TEAM = "This item is not part of the group buy."
STORE_REQUIRED = "Please choose a store."
STORE_NOT_AVAILABLE = "This store doesn't hand out orders now."


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedLine:
    """A line that can be priced, with what an order keeps of it.

    `path` is where the draft names it: ("lines", "0"), or ("fromCart",). Its pieces are the SKU's,
    or those that a campaign has set aside as `campaign_stock_id`.
    """

    sku_id: UUID
    product_id: UUID
    product_name: str
    sku_name: str
    image_url: str | None
    quantity: int
    purchase_limit: int | None
    cart_line_id: UUID | None
    path: tuple[str, ...]
    campaign_stock_id: UUID | None = None

    @property
    def stock_id(self) -> UUID:
        """Return the shelf that its pieces are on, by which the gate knows them, too."""
        return self.campaign_stock_id or self.sku_id

    @property
    def quantity_path(self) -> tuple[str, ...]:
        """Return where the draft says how many."""
        return self.path if self.cart_line_id else (*self.path, "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRow:
    """An address of the buyer, still sealed."""

    id: UUID
    encrypted: bytes
    region_code: str
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft looked up: the request for its price, and what stands behind it.

    `lines` run beside the request's. `problems` are those that the price doesn't know of. `offer`
    is the place in a team, of a draft for one.
    """

    request: QuoteRequest
    rule_version_id: UUID
    status: MemberStatus
    lines: tuple[DraftedLine, ...]
    address: AddressRow | None
    store_id: UUID | None
    problems: tuple[Problem, ...]
    offer: TeamOffer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedDraft:
    """A draft and its price; `quote.problems` holds everything that stands in its way."""

    draft: Draft
    quote: Quote


async def quote_draft(member_id: UUID, draft: OrderDraft, *, now: datetime) -> PricedDraft:
    """Return what this order would cost, and why; changes nothing and reserves nothing."""
    return price(await build_request(member_id, draft, now=now))


async def quote_cart(member_id: UUID, *, now: datetime) -> PricedDraft:
    """Return the price of the cart's selected lines, with the best coupons and default address.

    An empty selection costs nothing and is no problem.
    """
    found = await build_request(member_id, CART_DRAFT, now=now)
    if not found.request.lines and found.problems[:1] == _NOTHING_SELECTED:
        found = replace(found, problems=())
    return price(found)


CART_DRAFT = OrderDraft(from_cart=True, best_coupons=True)
_NOTHING_SELECTED = tuple(drafts.selection_problems(0, Rules().orders))


def price(draft: Draft) -> PricedDraft:
    """Price a draft that was looked up; an amount beyond all bounds is one more problem."""
    problems = draft.problems
    try:
        quoted = quote(draft.request)
    except DomainError as error:
        quoted = quote(replace(draft.request, lines=()))
        problems = (*problems, problem_of(error))
        draft = replace(draft, lines=())
    known = {problem.path for problem in problems}
    found = (problem for problem in quoted.problems if problem.path not in known)
    return PricedDraft(draft=draft, quote=replace(quoted, problems=(*problems, *found)))


def problem_of(error: DomainError) -> Problem:
    """Return a refusal as a problem of the draft, from where its path runs."""
    facts = {
        name: fact if isinstance(fact, int) else str(fact) for name, fact in error.facts.items()
    }
    return Problem(code=error.code, message=error.message, path=error.path, facts=facts)


async def build_request(member_id: UUID, draft: OrderDraft, *, now: datetime) -> Draft:
    """Look a draft up. What can't be priced is left out of the request and named in `problems`."""
    in_force = await rule_versions.in_force(now=now)
    rules = in_force.rules
    problems = drafts.draft_problems(draft, rules.orders)
    if len(draft.coupon_ids) > drafts.MAX_COUPONS:
        draft = replace(draft, coupon_ids=())  # That there are too many is said once.
    rows: Sequence[Any] = [] if problems else await _read_lines(member_id, draft)
    if draft.from_cart and not problems:
        problems += drafts.selection_problems(len(rows), rules.orders)
    buyer = await _read_buyer(member_id, draft, now)
    offer = None
    if draft.group_buy_id is not None and not problems:
        offer, problems = await _read_offer(member_id, draft, rules, now)
    lines, line_problems = _judge(rows, offer)
    problems += line_problems
    problems += _delivery_problems(draft, buyer)
    address = _address(draft, buyer)
    request = QuoteRequest(
        lines=tuple(_priced(row, offer) for row in rows if row["is_for_sale"]),
        buyer=_buyer(buyer, rules, now),
        rules=rules,
        promotions=await promotions.running(now=now, tier_code=buyer["tier_code"]),
        coupons=await _read_coupons(member_id, draft, buyer, now),
        coupon_ids=draft.coupon_ids,
        best_coupons=draft.best_coupons,
        points_to_spend=draft.points_to_spend,
        use_max_points=draft.use_max_points,
        delivery=draft.delivery,
        province=address.region_code[:2] if address else None,
    )
    return Draft(
        request=request,
        rule_version_id=in_force.version_id,
        status=MemberStatus(buyer["status"]),
        lines=tuple(lines),
        address=address,
        store_id=buyer["store_id"] if draft.delivery is DeliveryMethod.PICKUP else None,
        problems=tuple(problems),
        offer=offer,
    )


async def _read_offer(
    member_id: UUID, draft: OrderDraft, rules: Rules, now: datetime
) -> tuple[TeamOffer | None, list[Problem]]:
    """Read what the team that the draft names would give, and why it wouldn't."""
    try:
        offer = await group_facts.offer(member_id, draft, rules.orders, now=now)
    except NotFound as error:
        return None, [problem_of(error)]
    problems = [] if offer.refusal is None else [problem_of(offer.refusal)]
    if offer.price is None:
        path = ("lines", "0", "skuId")
        problems.append(
            Problem(code=ErrorCode.INVALID_INPUT, message=NOT_IN_TEAM, path=path, facts={})
        )
    return offer, problems


async def _read_lines(member_id: UUID, draft: OrderDraft) -> Sequence[Any]:
    """Read the draft's SKUs with all that their price and availability depend on."""
    wanted = drafts.merged(draft.lines or ())
    return await database.fetch(
        _LINES,
        member_id,
        draft.from_cart,
        [line.sku_id for line in wanted],
        [line.quantity for line in wanted],
        [line.index for line in wanted],
    )


_LINES = """
WITH wanted AS (
    SELECT NULL::uuid AS cart_line_id, line.sku_id, line.quantity, line.index AS place
    FROM unnest($3::uuid[], $4::int[], $5::int[]) AS line (sku_id, quantity, index)
    UNION ALL
    SELECT id, sku_id, quantity, row_number() OVER (ORDER BY created_at DESC, id DESC)
    FROM cart_line WHERE $2 AND member_id = $1 AND selected
)
SELECT wanted.cart_line_id, wanted.sku_id, wanted.quantity, wanted.place,
       sku.product_id, sku.options, sku.price_fen, sku.weight_grams, sku.purchase_limit,
       coalesce(sku.image_url, product.images ->> 0) AS image_url,
       product.name AS product_name,
       coalesce(sku.status = 'ON_SALE' AND product.status = 'ON_SALE', false) AS is_for_sale,
       coalesce(stock.available, 0) AS available, tier_price.price_fen AS tier_price_fen,
       coalesce(bought.pieces, 0) AS purchased,
       ARRAY(SELECT category_id FROM product_category
             WHERE product_id = sku.product_id) AS category_ids
FROM wanted
LEFT JOIN sku ON sku.id = wanted.sku_id
LEFT JOIN product ON product.id = sku.product_id
LEFT JOIN stock_level AS stock ON stock.id = wanted.sku_id
LEFT JOIN sku_tier_price AS tier_price
    ON tier_price.sku_id = wanted.sku_id
    AND tier_price.tier_code = (SELECT tier_code FROM member WHERE id = $1)
LEFT JOIN purchase_count AS bought ON bought.member_id = $1 AND bought.sku_id = wanted.sku_id
ORDER BY wanted.place
"""


async def _read_buyer(member_id: UUID, draft: OrderDraft, now: datetime) -> Any:
    """Read the member with their spendable points, and the address and store of the draft.

    Lots past their time are not counted, whether or not the job has written them off yet.
    """
    row = await database.fetch_one(_BUYER, member_id, now, draft.address_id, draft.store_id)
    if row is None:
        raise NotFound(thing="member")
    return row


_BUYER = f"""
SELECT member.status, member.tier_code, member.birthday, member.joined_at,
       {member_columns(["has_joined"])},
       (SELECT coalesce(sum(lot.remaining), 0)::bigint FROM points_lot AS lot
        WHERE lot.member_id = member.id AND NOT lot.is_pending AND lot.written_off_at IS NULL
            AND lot.expires_at > $2) AS points_balance,
       EXISTS (SELECT FROM coupon
               WHERE coupon.member_id = member.id AND coupon.status IN ('USABLE', 'RESERVED')
                   AND coupon.valid_until > $2) AS has_coupons,
       address.id AS address_id, address.encrypted, address.region_code, address.is_default,
       store.id AS store_id
FROM member
LEFT JOIN address ON address.member_id = member.id AND address.deleted_at IS NULL
    AND CASE WHEN $3::uuid IS NULL THEN address.is_default ELSE address.id = $3 END
LEFT JOIN store ON store.id = $4 AND store.supports_pickup AND store.is_open
WHERE member.id = $1
"""


async def _read_coupons(
    member_id: UUID, draft: OrderDraft, buyer: Any, now: datetime
) -> tuple[Coupon, ...]:
    """Read the coupons to choose from, and those chosen whatever has become of them meanwhile.

    A visitor has none to use: coupons need the agreements that points need.
    """
    if not buyer["has_joined"] or not (buyer["has_coupons"] or draft.coupon_ids):
        return ()
    return await coupons.live(member_id, now=now, also=draft.coupon_ids)


def _judge(rows: Iterable[Any], offer: TeamOffer | None) -> tuple[list[DraftedLine], list[Problem]]:
    """Tell the lines that can be priced from the problems of all of them."""
    lines: list[DraftedLine] = []
    problems: list[Problem] = []
    for row in rows:
        from_cart = row["cart_line_id"] is not None
        path = ("fromCart",) if from_cart else ("lines", str(row["place"]))
        sku_path = path if from_cart else (*path, "skuId")
        if row["product_id"] is None:
            problems.append(_not_found("SKU", sku_path))
            continue
        problem = line_problem(
            product=row["product_name"],
            quantity=row["quantity"],
            is_for_sale=row["is_for_sale"],
            available=_available(row, offer),
            purchase_limit=row["purchase_limit"],
            purchased=row["purchased"],
            sku_path=sku_path,
            quantity_path=path if from_cart else (*path, "quantity"),
        )
        if problem is not None:
            problems.append(problem)
        if row["is_for_sale"]:
            lines.append(_drafted(row, path, offer))
    return lines, problems


def _available(row: Any, offer: TeamOffer | None) -> int:
    set_aside = offer.available if offer else None
    return int(row["available"] if set_aside is None else set_aside)


def _drafted(row: Any, path: tuple[str, ...], offer: TeamOffer | None) -> DraftedLine:
    return DraftedLine(
        sku_id=row["sku_id"],
        product_id=row["product_id"],
        product_name=row["product_name"],
        sku_name=_sku_name(row["options"]),
        image_url=row["image_url"],
        quantity=row["quantity"],
        purchase_limit=row["purchase_limit"],
        cart_line_id=row["cart_line_id"],
        path=path,
        campaign_stock_id=offer.campaign_stock_id if offer else None,
    )


def _sku_name(options: Iterable[Mapping[str, str]]) -> str:
    """Return the options as one line: 红色 / XL; empty for a product without options."""
    return " / ".join(option["value"] for option in options)


def _priced(row: Any, offer: TeamOffer | None) -> Line:
    return Line(
        sku_id=row["sku_id"],
        product_id=row["product_id"],
        list_price_fen=row["price_fen"],
        quantity=row["quantity"],
        category_ids=frozenset(row["category_ids"]),
        weight_grams=row["weight_grams"],
        tier_price_fen=row["tier_price_fen"],
        campaign=offer.price if offer else None,
    )


def _buyer(row: Any, rules: Rules, now: datetime) -> Buyer:
    return earning.buyer_of(
        row,
        rules,
        now=now,
        points_balance=row["points_balance"],
        consent_is_current=row["has_joined"],
    )


def _address(draft: OrderDraft, row: Any) -> AddressRow | None:
    if row["address_id"] is None or draft.delivery is DeliveryMethod.PICKUP:
        return None
    return AddressRow(
        id=row["address_id"],
        encrypted=row["encrypted"],
        region_code=row["region_code"],
        is_default=row["is_default"],
    )


def _delivery_problems(draft: OrderDraft, row: Any) -> list[Problem]:
    """Say what is wrong with the address or store that the draft names.

    A missing address is the price's to tell, since it decides what must be sent.
    """
    if draft.delivery is DeliveryMethod.EXPRESS:
        named = draft.address_id is not None
        return [_not_found("address", ("addressId",))] if named and not row["address_id"] else []
    path = ("storeId",)
    if draft.store_id is None:
        code = ErrorCode.STORE_REQUIRED
        return [Problem(code=code, message=STORE_REQUIRED, path=path, facts={})]
    if row["store_id"] is None:
        code = ErrorCode.STORE_NOT_AVAILABLE
        return [Problem(code=code, message=STORE_NOT_AVAILABLE, path=path, facts={})]
    return []


def _not_found(thing: str, path: tuple[str, ...]) -> Problem:
    return Problem(
        code=ErrorCode.NOT_FOUND, message=NotFound.message, path=path, facts={"thing": thing}
    )
