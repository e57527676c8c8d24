"""A shop to measure: products with three SKUs each, and members who are signed in and have bought.

The same in every run but for ids. Stock is never short, so that no rule ends a measurement.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from benchmarks import catalogue, history
from benchmarks.catalogue import Offer
from benchmarks.copying import copy
from benchmarks.history import REGION, History
from cli.mini_program import MiniProgram, Wechat, connect
from domain.coupons import CouponOrigin, Terms
from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from domain.members import AgreementKind
from domain.pricing import CouponKind
from domain.rules import Rules
from models import database
from models.ids import new_id
from models.regions import regions
from services import checkin, coupon_terms, coupons, ledger, points, product_figures
from services import rules as rule_versions
from services.coupons import Issue
from services.sealed_addresses import FullAddress, Recipient, seal_recipient, seal_snapshot
from settings import Settings
from wiring.ports import personal_data_of

PRODUCTS = 2_000
MEMBERS = 64
ORDERS = (5, 20)
"""The fewest and the most orders of a member."""

AGREEMENT_VERSION = "2026-01"
_SEED = 20_261_123
_ADDRESS = Recipient(name="张三", phone="13800138000", detail="世纪大道 100 号")
_GROWTH_BEYOND_TIER = 137
_COUPONS = 8
"""A member's own: some at an amount off, some at a share; the dashboard shows five."""

_POINTS = ((1_000_000_000, 365), (120, 10), (300, 25))
"""How many, and the days they last: some end so soon that the member is told."""


@dataclass(frozen=True, slots=True)
class Shopper:
    """A signed-in member; `user` is the person at the simulator."""

    token: str
    user: str
    member_id: str


@dataclass(frozen=True, slots=True)
class Shop:
    """What the generator knows of the shop. `readers` are members' tokens, for what is read."""

    products: list[str]
    skus: list[str]
    shoppers: list[Shopper]
    readers: list[str]


async def fill(settings: Settings, *, products: int = PRODUCTS) -> tuple[Shop, list[Offer]]:
    """Fill an empty, migrated database; needs the running web server and simulator."""
    await database.connect(settings.postgres_url, statement_timeout_seconds=600)
    try:
        offers = await catalogue.fill(products)
        await _agreements()
        shoppers = await _shoppers(settings)
        tiers = await _equip(settings, [UUID(shopper.member_id) for shopper in shoppers])
        await _buy(settings, offers, tiers)
        await product_figures.rebuild()
        await database.execute("VACUUM (ANALYZE)")
    finally:
        await database.close()
    return _known(offers, shoppers), offers


def _known(offers: Sequence[Offer], shoppers: list[Shopper]) -> Shop:
    return Shop(
        products=[str(id_) for id_ in dict.fromkeys(offer.product_id for offer in offers)],
        skus=[str(offer.sku_id) for offer in offers],
        shoppers=shoppers,
        readers=[shopper.token for shopper in shoppers],
    )


async def _agreements() -> None:
    now = datetime.now(UTC)
    await database.copy_rows(
        "agreement",
        ["id", "kind", "version", "title", "title_en", "url", "effective_at"],
        [
            (
                *(new_id(), kind.value, AGREEMENT_VERSION, kind.value, kind.value),
                *("https://example.com/", now),
            )
            for kind in AgreementKind
        ],
    )


async def _shoppers(settings: Settings) -> list[Shopper]:
    """Sign members in through the public API, as mini-programs."""
    async with connect(4) as http:
        wechat = Wechat(http, settings.simulator_url)
        consents = [
            {"kind": kind, "version": AGREEMENT_VERSION, "given": True}
            for kind in ("MEMBERSHIP", "PRIVACY")
        ]

        async def enter(number: int) -> Shopper:
            phone = f"139{number:08d}"
            user = await wechat.user(nickname=f"用户 {number}", phone=phone)
            program = MiniProgram(http, settings.base_url)
            await program.sign_in(await wechat.login_code(user))
            session = await program.join(await wechat.phone_code(user), consents)
            return Shopper(session.access_token, user, session.member_id)

        turns = asyncio.Semaphore(4)

        async def in_turn(number: int) -> Shopper:
            async with turns:
                return await enter(number)

        return await asyncio.gather(*(in_turn(number) for number in range(MEMBERS)))


async def _equip(settings: Settings, member_ids: list[UUID]) -> dict[UUID, str]:
    """Give every member an address, a name, a tier, growth and points; returns the tiers."""
    now = datetime.now(UTC)
    data = personal_data_of(settings)
    await database.copy_rows(
        "address",
        ["id", "member_id", "encrypted", "region_code", "is_default", "created_at", "updated_at"],
        [
            (new_id(), member_id, seal_recipient(_ADDRESS, data), REGION, True, now, now)
            for member_id in member_ids
        ],
    )
    given = {}
    for place, member_id in enumerate(member_ids):
        tier = Rules().tiers[place % len(Rules().tiers)]
        growth = tier.growth_threshold + _GROWTH_BEYOND_TIER
        await database.execute(
            "UPDATE member SET tier_code = $2, lifetime_growth = $3, nickname = $4,"
            " avatar_url = $5, tier_review_at = $6 WHERE id = $1",
            *(member_id, tier.code, growth, f"会员 {place}", f"/media/avatars/{place}.jpg"),
            now + timedelta(days=200),
        )
        async with database.in_transaction():
            await _grant(member_id, growth, now)
        if place % 2:
            await checkin.check_in(member_id, now=now)
        given[member_id] = tier.code
    await _give_coupons(member_ids, now)
    return given


async def _grant(member_id: UUID, growth: int, now: datetime) -> None:
    """Book a member's growth and points."""
    posting = Posting(
        debit=system_account(AccountKind.GROWTH_ISSUED),
        credit=member_account(member_id, AccountKind.GROWTH),
        amount=growth,
    )
    source = (SourceKind.ADJUSTMENT, new_id())
    reason = EntryReason.ADJUSTMENT
    await ledger.post([posting], unit=Unit.GROWTH, reason=reason, source=source, now=now)
    for count, days in _POINTS:
        await points.grant(
            member_id,
            count,
            reason=reason,
            source=(SourceKind.ADJUSTMENT, new_id()),
            now=now,
            expires_at=now + timedelta(days=days),
        )


async def _give_coupons(member_ids: Sequence[UUID], now: datetime) -> None:
    """Give every member coupons that end on different days."""
    terms = [
        await coupon_terms.terms_id_of(each, now=now)
        for each in (
            Terms(
                name="满60减5",
                name_en="¥5 off ¥60",
                kind=CouponKind.AMOUNT_OFF,
                amount_off_fen=500,
                min_spend_fen=6_000,
            ),
            Terms(name="88 折", name_en="12 % off", kind=CouponKind.PERCENT_OFF, pay_bps=8_800),
        )
    ]
    days = range(1, _COUPONS + 1)
    await coupons.issue(
        [
            Issue(
                member_id,
                terms[day % len(terms)],
                valid_from=now,
                valid_until=now + timedelta(days=day),
                origin=CouponOrigin.IMPORT,
                origin_id=new_id(),
            )
            for member_id in member_ids
            for day in days
        ],
        now=now,
    )


async def _buy(settings: Settings, offers: Sequence[Offer], tiers: dict[UUID, str]) -> None:
    """Give every member some orders of the past."""
    book = await new_history(settings, offers)
    for member_id, tier_code in tiers.items():
        book.add(member_id, tier_code, book.chance.randint(*ORDERS))
    connection = await asyncpg.connect(**database.dsn(settings.postgres_url))
    try:
        await copy(connection, book.batches())
        await history.count_stock(connection)
    finally:
        await connection.close()


async def new_history(settings: Settings, offers: Sequence[Offer]) -> History:
    """Return an empty history; needs the pool."""
    now = datetime.now(UTC)
    region = regions().by_code(REGION)
    assert region is not None
    address = FullAddress(
        name=_ADDRESS.name,
        phone=_ADDRESS.phone,
        detail=_ADDRESS.detail,
        province=region.province,
        city=region.city,
        district=region.district,
    )
    return History(
        offers=offers,
        sealed_address=seal_snapshot(address, personal_data_of(settings)),
        rule_version_id=(await rule_versions.in_force(now=now)).version_id,
        appid=settings.wechat_mini_program_appid,
        now=now,
        chance=random.Random(_SEED),
    )


def dump(shop: Shop) -> bytes:
    """Return the shop for the generator's process."""
    return orjson.dumps(shop)


def load(text: bytes) -> Shop:
    """Read it there."""
    given = orjson.loads(text)
    shoppers = [Shopper(**each) for each in given.pop("shoppers")]
    return Shop(**given, shoppers=shoppers)
