"""A cart on real PostgreSQL."""

import asyncio
from uuid import UUID

import pytest

from domain.carts import CartFull, LineChange, SkuNotForSale, TooManyPieces
from domain.errors import DomainError, IdempotencyKeyReused, InvalidInput, NotFound
from loaders.carts import cart_lines_by_member_id
from models import database as db
from models.ids import new_id
from services import carts
from services.carts import AddToCart, UpdateCart, add_to_cart, clear_cart, update_cart
from tests.factories.shop import NOW, SkuFacts, a_cart_line, a_member, a_sku

pytestmark = pytest.mark.usefixtures("database")


async def add(member_id: UUID, sku: SkuFacts | UUID, quantity: int = 1, key: str = "k") -> None:
    command = AddToCart(
        member_id=member_id,
        sku_id=sku if isinstance(sku, UUID) else sku.id,
        quantity=quantity,
        idempotency_key=key,
    )
    await add_to_cart(command, now=NOW)


async def update(member_id: UUID, *lines: LineChange, select_all: bool | None = None) -> None:
    await update_cart(UpdateCart(member_id=member_id, select_all=select_all, lines=lines), now=NOW)


async def cart(member_id: UUID) -> dict[UUID, tuple[int, bool]]:
    (lines,) = await cart_lines_by_member_id([member_id])
    return {line.sku_id: (line.quantity, line.selected) for line in lines}


async def test_additions_add_up_once_per_key() -> None:
    member_id, sku = await a_member(joined=False), await a_sku()
    await add(member_id, sku, 2, "first")
    await add(member_id, sku, 2, "first")
    await add(member_id, sku, 3, "second")
    assert await cart(member_id) == {sku.id: (5, True)}


async def test_a_key_is_for_one_request() -> None:
    member_id, sku = await a_member(), await a_sku()
    await add(member_id, sku, 2)
    with pytest.raises(IdempotencyKeyReused):
        await add(member_id, sku, 3)
    assert await cart(member_id) == {sku.id: (2, True)}


async def test_concurrent_additions_add_up() -> None:
    member_id, sku = await a_member(), await a_sku()
    await asyncio.gather(*(add(member_id, sku, 2, f"k{number}") for number in range(20)))
    assert await cart(member_id) == {sku.id: (40, True)}


async def test_concurrent_additions_stop_at_ninety_nine() -> None:
    member_id, sku = await a_member(), await a_sku()
    outcomes = await asyncio.gather(
        *(add(member_id, sku, 10, f"k{number}") for number in range(12)), return_exceptions=True
    )
    refusals = [each for each in outcomes if each is not None]
    assert [type(each) for each in refusals] == [TooManyPieces] * 3
    assert await cart(member_id) == {sku.id: (90, True)}


@pytest.mark.parametrize("quantity", [0, -1, 100, 2**31 - 1])
async def test_a_quantity_that_no_line_can_have(quantity: int) -> None:
    member_id, sku = await a_member(), await a_sku()
    with pytest.raises(InvalidInput) as caught:
        await add(member_id, sku, quantity)
    assert caught.value.path == ("quantity",)
    assert await cart(member_id) == {}


async def test_a_refused_addition_leaves_its_key_free() -> None:
    member_id, sku = await a_member(), await a_sku(on_sale=False)
    for found, kind in ((new_id(), NotFound), (sku.id, SkuNotForSale)):
        with pytest.raises(DomainError) as caught:
            await add(member_id, found)
        assert type(caught.value) is kind
        assert caught.value.path == ("skuId",)
    assert await cart(member_id) == {}
    assert await db.fetch_value("SELECT count(*) FROM idempotency_key") == 0


async def test_a_cart_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carts, "MAX_CART_LINES", 3)
    member_id = await a_member()
    skus = [await a_sku() for _ in range(5)]
    outcomes = await asyncio.gather(
        *(add(member_id, sku, key=f"k{number}") for number, sku in enumerate(skus)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["CartFull"] * 2 + ["NoneType"] * 3
    assert CartFull.code == "NOT_ALLOWED"
    held = next(iter(await cart(member_id)))
    await add(member_id, held, key="more of what it holds")
    assert (await cart(member_id))[held] == (2, True)


async def test_lines_survive_changes_of_price_and_stock() -> None:
    member_id, sku = await a_member(), await a_sku(1000, stock=5)
    await add(member_id, sku, 4)
    await db.execute("UPDATE sku SET price_fen = 1200, status = 'OFF_SALE'")
    await db.execute("UPDATE stock_level SET adjusted = -4, available = 1")
    ((line,),) = await cart_lines_by_member_id([member_id])
    assert (line.quantity, line.price_when_added_fen) == (4, 1000)
    assert (line.is_for_sale, line.available) == (False, 1)


async def test_changes_are_written_all_or_nothing() -> None:
    member_id = await a_member()
    apple, pear = await a_sku(), await a_sku(300, name="梨")
    first = await a_cart_line(member_id, apple, 2)
    second = await a_cart_line(member_id, pear, 3)
    before = await cart(member_id)
    with pytest.raises(NotFound):
        await update(
            member_id,
            LineChange(line_id=first, quantity=9),
            LineChange(line_id=new_id(), quantity=1),
            select_all=False,
        )
    assert await cart(member_id) == before
    await update(member_id, LineChange(line_id=first, sku_id=pear.id), select_all=False)
    assert await cart(member_id) == {pear.id: (5, False)}
    await update(member_id, LineChange(line_id=second, quantity=0))
    assert await cart(member_id) == {}


async def test_a_sku_may_go_to_another_line_in_one_request() -> None:
    member_id = await a_member()
    apple, pear = await a_sku(), await a_sku()
    first, second = await a_cart_line(member_id, apple, 1), await a_cart_line(member_id, pear, 2)
    await update(
        member_id,
        LineChange(line_id=first, quantity=0),
        LineChange(line_id=second, sku_id=apple.id),
    )
    assert await cart(member_id) == {apple.id: (2, True)}


async def test_another_members_line_is_not_there() -> None:
    owner, stranger = await a_member(), await a_member()
    sku = await a_sku()
    line = await a_cart_line(owner, sku, 2)
    with pytest.raises(NotFound) as caught:
        await update(stranger, LineChange(line_id=line, quantity=0))
    assert caught.value.path == ("lines", "0", "lineId")
    await clear_cart(stranger)
    assert await cart(owner) == {sku.id: (2, True)}
    await clear_cart(owner)
    assert await cart(owner) == {}
