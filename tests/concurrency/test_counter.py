"""Tills that tell of purchases and returns at the same time."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from domain.ledger import AccountKind
from models import database as db
from services import ledger, shop_purchases
from services.shop_purchases import NotThatMuchLeft, ShopPurchase
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")


async def buy(member_id: UUID, number: str) -> UUID:
    return await shop_purchases.record(ShopPurchase("till", number, member_id, None, 10_000, NOW))


async def held(member_id: UUID) -> tuple[int, int]:
    """Return spendable points and growth."""
    balances = (await ledger.balances([member_id]))[member_id]
    return balances[AccountKind.SPENDABLE], balances[AccountKind.GROWTH]


async def test_one_number_from_twenty_tills_is_one_purchase() -> None:
    member_id = await a_member()
    ids = await asyncio.gather(*(buy(member_id, "one") for _ in range(20)))
    assert len(set(ids)) == 1
    assert await held(member_id) == (100, 1_000)
    assert await db.fetch_value("SELECT count(*) FROM shop_purchase") == 1
    await assert_books_agree()


async def test_purchases_at_once_reach_a_tier_once() -> None:
    member_id = await a_member()
    await asyncio.gather(*(buy(member_id, str(number)) for number in range(8)))
    # Three at the first tier, its gift, three at ×1.2, the next gift, and two at ×1.5.
    assert await held(member_id) == (3 * 100 + 100 + 3 * 120 + 300 + 2 * 150, 8_000)
    assert await db.fetch_value("SELECT count(*) FROM tier_term") == 2
    await assert_books_agree()


async def test_no_more_comes_back_than_was_bought() -> None:
    member_id = await a_member()
    purchase_id = await buy(member_id, "one")

    async def bring_back(number: int) -> bool:
        try:
            await shop_purchases.give_back(
                purchase_id, 3_000, source="till", source_id=f"r{number}", now=NOW
            )
        except NotThatMuchLeft:
            return False
        return True

    outcomes = await asyncio.gather(*(bring_back(number) for number in range(10)))
    assert outcomes.count(True) == 3
    assert await held(member_id) == (10, 100)
    await assert_books_agree()
