"""Carts: their bounds, how changes apply, and why a line can't be bought now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.errors import DomainError, ErrorCode, InvalidInput, NotFound
from domain.pricing import Problem

MAX_CART_LINES = 200
"""Lines of one cart: twice what one order may hold."""

MAX_LINE_QUANTITY = 99
"""Pieces of one line, in a cart as in an order."""


class SkuNotForSale(DomainError):
    """The SKU or its product is off sale."""

    code = ErrorCode.SKU_NOT_FOR_SALE
    message = "{product} is not for sale now."


class TooManyPieces(DomainError):
    """A cart line would hold more pieces than a line can."""

    code = ErrorCode.INVALID_INPUT
    message = "At most {max} pieces of one item fit; {in_cart} are in the cart."


class CartFull(DomainError):
    """The cart holds as many lines as it can."""

    code = ErrorCode.NOT_ALLOWED
    message = "The cart is full: it holds {max} items."


def check_quantity(quantity: int, path: tuple[str | int, ...], *, least: int = 1) -> None:
    """Refuse a quantity that no line can have.

    Raises:
        InvalidInput: names the path.
    """
    if not least <= quantity <= MAX_LINE_QUANTITY:
        problem = (
            "From 1 to 99 pieces are expected." if least else "From 0 to 99 pieces are expected."
        )
        raise InvalidInput(path=path, problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A line of a cart."""

    id: UUID
    sku_id: UUID
    quantity: int
    selected: bool
    price_when_added_fen: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """What changes on a line; None leaves it as it is, quantity 0 removes it.

    `sku_id` changes the options: the pieces go to a line that the SKU has already, else the line
    becomes that SKU's.
    """

    line_id: UUID
    sku_id: UUID | None = None
    quantity: int | None = None
    selected: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuOffer:
    """A SKU that a line may change to."""

    product: str
    price_fen: int
    is_for_sale: bool


def change_lines(
    lines: Iterable[CartLine],
    changes: Iterable[LineChange],
    offers: Mapping[UUID, SkuOffer],
    *,
    select_all: bool | None,
) -> dict[UUID, CartLine]:
    """Return the cart's lines by id after `select_all` and then the changes, in order.

    A change that was done before changes nothing more, or finds its line gone: never twice.

    Raises:
        InvalidInput, NotFound, SkuNotForSale, TooManyPieces: name the change at fault.
    """
    cart = {line.id: line for line in lines}
    if select_all is not None:
        cart = {line.id: replace(line, selected=select_all) for line in cart.values()}
    for index, change in enumerate(changes):
        line = cart.get(change.line_id)
        if line is None:
            raise NotFound(thing="cart line", path=("lines", index, "lineId"))
        quantity = line.quantity if change.quantity is None else change.quantity
        check_quantity(quantity, ("lines", index, "quantity"), least=0)
        selected = line.selected if change.selected is None else change.selected
        line = replace(line, quantity=quantity, selected=selected)
        if quantity == 0:
            del cart[line.id]
        elif change.sku_id is None or change.sku_id == line.sku_id:
            cart[line.id] = line
        else:
            _change_options(cart, line, change.sku_id, offers, ("lines", index, "skuId"))
    return cart


def _change_options(
    cart: dict[UUID, CartLine],
    line: CartLine,
    sku_id: UUID,
    offers: Mapping[UUID, SkuOffer],
    path: tuple[str | int, ...],
) -> None:
    offer = offers.get(sku_id)
    if offer is None:
        raise NotFound(thing="SKU", path=path)
    if not offer.is_for_sale:
        raise SkuNotForSale(path=path, product=offer.product)
    other = next((each for each in cart.values() if each.sku_id == sku_id), None)
    if other is None:
        cart[line.id] = replace(line, sku_id=sku_id, price_when_added_fen=offer.price_fen)
        return
    pieces = other.quantity + line.quantity
    if pieces > MAX_LINE_QUANTITY:
        raise TooManyPieces(path=path, in_cart=other.quantity, max=MAX_LINE_QUANTITY)
    del cart[line.id]
    selected = other.selected or line.selected
    cart[other.id] = replace(other, quantity=pieces, selected=selected)


def line_problem(
    *,
    product: str,
    quantity: int,
    is_for_sale: bool,
    available: int,
    purchase_limit: int | None,
    purchased: int,
    sku_path: tuple[str, ...] = (),
    quantity_path: tuple[str, ...] = (),
) -> Problem | None:
    """Say why a member can't buy a line now, with what is left; None when they can.

    What can't be bought at all comes before what can't be bought by now, and that before the
    member's own limit.
    """
    if not is_for_sale:
        return Problem(
            code=ErrorCode.SKU_NOT_FOR_SALE,
            message=SkuNotForSale.message,
            path=sku_path,
            facts={"product": product},
        )
    if available < quantity:
        return out_of_stock(product=product, left=available, path=quantity_path)
    if purchase_limit is not None and purchased + quantity > purchase_limit:
        left = max(0, purchase_limit - purchased)
        return limit_reached(product=product, limit=purchase_limit, left=left, path=quantity_path)
    return None


def out_of_stock(*, product: str, left: int, path: tuple[str, ...]) -> Problem:
    """Say that there are too few pieces, and how many are left."""
    message = "Only {left} of {product} are left." if left > 0 else "{product} is sold out."
    facts: dict[str, str | int] = {"product": product, "left": max(left, 0)}
    return Problem(code=ErrorCode.OUT_OF_STOCK, message=message, path=path, facts=facts)


def limit_reached(*, product: str, limit: int, left: int, path: tuple[str, ...]) -> Problem:
    """Say that the member's limit would be passed, and how many they may still buy."""
    message = (
        "Each member may buy {limit} of {product}; you may buy {left} more."
        if left > 0
        else "Each member may buy {limit} of {product}; you have had them all."
    )
    facts: dict[str, str | int] = {"product": product, "limit": limit, "left": left}
    return Problem(code=ErrorCode.PURCHASE_LIMIT_REACHED, message=message, path=path, facts=facts)
