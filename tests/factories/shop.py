"""Members, addresses, SKUs and stores; what a test asserts of them stands in the test."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from domain.ledger import EntryReason, SourceKind
from gateways.personal_data import PersonalDataCipher, PersonalDataKeys
from models import database
from models.catalog import Product, Sku, SkuTierPrice, StockLevel, Store
from models.ids import new_id, number_code, readable_code
from models.members import Address, Member
from models.orders import CartLine
from services import ledger
from services import points as points_service
from services.sealed_addresses import Recipient, seal_recipient
from tests.support.application import TEST_SECRETS

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
"""Noon in Shanghai, on a Sunday."""

SHANGHAI = "310115"
"""浦东新区."""
XIZANG = "540102"


DATA = PersonalDataCipher(
    PersonalDataKeys(
        current=TEST_SECRETS["personal_data_key"], index=TEST_SECRETS["phone_index_key"]
    )
)
"""Seals as the application under test does."""


async def a_member(
    *, tier: str = "REGULAR", joined: bool = True, birthday: date | None = None, points: int = 0
) -> UUID:
    """Make a member with accounts and spendable points, or a visitor."""
    member = await Member.create(
        member_no=number_code(12),
        invite_code=readable_code(8),
        joined_at=NOW if joined else None,
        birthday=birthday,
        tier_code=tier,
        tier_since=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    await ledger.open_accounts([member.id], now=NOW)
    if points:
        await points_service.grant(
            member.id,
            points,
            reason=EntryReason.ADJUSTMENT,
            source=(SourceKind.ADJUSTMENT, new_id()),
            now=NOW,
            expires_at=NOW + timedelta(days=365),
        )
    return member.id


async def an_address(
    member_id: UUID, *, region_code: str = SHANGHAI, is_default: bool = True
) -> UUID:
    """Make an address of 张三 in 浦东新区."""
    recipient = Recipient(name="张三", phone="13800138000", detail="世纪大道 100 号")
    address = await Address.create(
        member_id=member_id,
        encrypted=seal_recipient(recipient, DATA),
        region_code=region_code,
        is_default=is_default,
        created_at=NOW,
        updated_at=NOW,
    )
    return address.id


async def a_buyer(*, tier: str = "REGULAR", points: int = 0) -> UUID:
    """Make a member with a default address."""
    member_id = await a_member(tier=tier, points=points)
    await an_address(member_id)
    return member_id


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """A SKU that was made, and its product."""

    id: UUID
    product_id: UUID


async def a_sku(
    price_fen: int = 1000,
    *,
    stock: int = 100,
    name: str = "苹果",
    limit: int | None = None,
    weight_grams: int = 0,
    option: str | None = None,
    on_sale: bool = True,
) -> SkuFacts:
    """Make a product with one SKU and its stock."""
    product = await Product.create(
        name=name,
        images=["https://example.com/product.png"],
        published_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    sku = await Sku.create(
        product_id=product.id,
        code=readable_code(12),
        options=[{"name": "颜色", "value": option}] if option else [],
        price_fen=price_fen,
        purchase_limit=limit,
        weight_grams=weight_grams,
        status="ON_SALE" if on_sale else "OFF_SALE",
        created_at=NOW,
        updated_at=NOW,
    )
    await StockLevel.create(id=sku.id, initial=stock, available=stock, updated_at=NOW)
    return SkuFacts(sku.id, product.id)


async def a_tier_price(sku: SkuFacts, tier: str, price_fen: int) -> None:
    """Give a tier its own price of a SKU."""
    await SkuTierPrice.create(sku_id=sku.id, tier_code=tier, price_fen=price_fen)


async def a_store(*, supports_pickup: bool = True, is_open: bool = True) -> UUID:
    """Make a store in Shanghai."""
    store = await Store.create(
        name="人民广场店",
        address="南京西路 1 号",
        latitude=31.23,
        longitude=121.47,
        supports_pickup=supports_pickup,
        is_open=is_open,
    )
    return store.id


async def a_cart_line(
    member_id: UUID, sku: SkuFacts, quantity: int = 1, *, selected: bool = True
) -> UUID:
    """Put a line into a cart."""
    line = await CartLine.create(
        member_id=member_id,
        sku_id=sku.id,
        quantity=quantity,
        selected=selected,
        price_when_added_fen=1000,
        created_at=NOW,
        updated_at=NOW,
    )
    return line.id


async def stock_of(sku: SkuFacts) -> dict[str, int]:
    """Return the pieces of a SKU: available, reserved and sold."""
    row = await database.fetch_one(
        "SELECT available, reserved, sold FROM stock_level WHERE id = $1", sku.id
    )
    assert row is not None
    return dict(row)
