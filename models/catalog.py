"""Categories, products (SPU), SKUs, their prices and stock; stores and banners."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.catalog import BannerSlot, PriceLabel, SaleStatus
from models.fields import Table, belongs_to, fen, word


class Category(Table):
    """A node of the category tree."""

    parent = belongs_to("Category", null=True)
    name = fields.CharField(max_length=128)
    image_url = fields.CharField(max_length=512, null=True)
    position = fields.IntField(default=0)
    source = fields.CharField(max_length=32, null=True)
    source_id = fields.CharField(max_length=128, null=True)

    class Meta:
        table = "category"
        indexes = (("parent_id", "position"),)
        constraints = (
            UniqueConstraint(fields=("source", "source_id"), name="category_source_key"),
            CheckConstraint(check="parent_id <> id", name="category_parent_check"),
        )


class Product(Table):
    """A product page (SPU).

    `sold`, the price range and `in_stock` are figures that a sweep refreshes within a minute;
    an order never writes them. `position` is the brand's push: the higher, the earlier the product
    is recommended.
    """

    name = fields.CharField(max_length=256)
    subtitle = fields.CharField(max_length=512, default="")
    images: Any = fields.JSONField(default=list)
    description_html = fields.TextField(default="")
    attributes: Any = fields.JSONField(default=list)
    options: Any = fields.JSONField(default=list)
    keywords = fields.CharField(max_length=512, default="")
    status = word(SaleStatus, default=SaleStatus.ON_SALE)
    no_reason_return = fields.BooleanField(default=True)
    position = fields.IntField(default=0)
    published_at = fields.DatetimeField()
    sold = fields.BigIntField(default=0)
    min_price_fen = fen(default=0)
    max_price_fen = fen(default=0)
    in_stock = fields.BooleanField(default=False)
    source = fields.CharField(max_length=32, null=True)
    source_id = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "product"
        constraints = (
            UniqueConstraint(fields=("source", "source_id"), name="product_source_key"),
            CheckConstraint(check="sold >= 0", name="product_sold_check"),
            CheckConstraint(
                check="min_price_fen >= 0 AND max_price_fen >= min_price_fen",
                name="product_price_range_check",
            ),
        )


class ProductText(Table):
    """What the search reads of a product; the id is the product's.

    A trigger on `product` keeps it, normalised (NFKC), in small letters: `text` is name, subtitle
    and keywords. It is a table of its own because figures change all day, and every new version of
    a product's row would be written to the GIN index over the words again.
    """

    text = fields.TextField()
    name = fields.TextField()

    class Meta:
        table = "product_text"


class ProductCategory(Table):
    """A product's place in a category; `is_direct` is false on the ancestors' rows."""

    product = belongs_to("Product")
    category = belongs_to("Category")
    is_direct = fields.BooleanField()

    class Meta:
        table = "product_category"
        constraints = (
            UniqueConstraint(fields=("category_id", "product_id"), name="product_category_key"),
        )
        indexes = (("product_id",),)


class Sku(Table):
    """A sellable variant of a product. Prices in fen, list price before any discount."""

    product = belongs_to("Product")
    code = fields.CharField(max_length=64, unique=True)
    options: Any = fields.JSONField(default=list)
    image_url = fields.CharField(max_length=512, null=True)
    price_fen = fen()
    label_price_fen = fen(null=True)
    label_kind = word(PriceLabel, null=True)
    weight_grams = fields.IntField(default=0)
    purchase_limit = fields.IntField(null=True)
    status = word(SaleStatus, default=SaleStatus.ON_SALE)
    position = fields.IntField(default=0)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "sku"
        indexes = (("product_id", "position"), ("updated_at",))
        constraints = (
            CheckConstraint(
                check="price_fen BETWEEN 0 AND 9007199254740991", name="sku_price_check"
            ),
            CheckConstraint(
                check="(label_price_fen IS NULL) = (label_kind IS NULL) AND label_price_fen > 0",
                name="sku_label_price_check",
            ),
            CheckConstraint(check="weight_grams >= 0", name="sku_weight_check"),
            CheckConstraint(check="purchase_limit > 0", name="sku_purchase_limit_check"),
        )


class SkuTierPrice(Table):
    """What members of a tier pay for a SKU instead of the tier's percentage."""

    sku = belongs_to("Sku")
    tier_code = fields.CharField(max_length=32)
    price_fen = fen()

    class Meta:
        table = "sku_tier_price"
        constraints = (
            UniqueConstraint(fields=("sku_id", "tier_code"), name="sku_tier_price_key"),
            CheckConstraint(check="price_fen >= 0", name="sku_tier_price_check"),
        )


class SkuDailyLow(Table):
    """The lowest price per piece that somebody paid for a SKU on a day in Shanghai.

    The struck-through price is computed from it (rules, section 5); a sweep writes it.
    """

    sku = belongs_to("Sku")
    day = fields.DateField()
    price_fen = fen()

    class Meta:
        table = "sku_daily_low"
        constraints = (
            UniqueConstraint(fields=("sku_id", "day"), name="sku_daily_low_key"),
            CheckConstraint(check="price_fen >= 0", name="sku_daily_low_price_check"),
        )


class StockLevel(Table):
    """The pieces of one SKU; the id is the SKU's. The equation of rules, section 6, is a CHECK."""

    initial = fields.BigIntField(default=0)
    restocked = fields.BigIntField(default=0)
    adjusted = fields.BigIntField(default=0)
    available = fields.BigIntField(default=0)
    reserved = fields.BigIntField(default=0)
    sold = fields.BigIntField(default=0)
    set_aside = fields.BigIntField(default=0)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "stock_level"
        indexes = (("updated_at",),)
        constraints = (
            CheckConstraint(
                check="initial + restocked + adjusted = available + reserved + sold + set_aside",
                name="stock_level_equation_check",
            ),
            CheckConstraint(
                check="initial >= 0 AND restocked >= 0 AND available >= 0"
                " AND reserved >= 0 AND sold >= 0 AND set_aside >= 0",
                name="stock_level_positive_check",
            ),
        )


class SweepMark(Table):
    """How far a sweep over changed rows has come; its lock lets one sweep work at a time."""

    name = fields.CharField(max_length=32, unique=True)
    reached_at = fields.DatetimeField()

    class Meta:
        table = "sweep_mark"


class PurchaseCount(Table):
    """Pieces of a limited SKU that a member has ordered and not given back."""

    member = belongs_to("Member")
    sku = belongs_to("Sku")
    pieces = fields.BigIntField()

    class Meta:
        table = "purchase_count"
        constraints = (
            UniqueConstraint(fields=("member_id", "sku_id"), name="purchase_count_key"),
            CheckConstraint(check="pieces >= 0", name="purchase_count_pieces_check"),
        )


class Store(Table):
    """A shop of the brand. Coordinates are GCJ-02, as WeChat's maps use."""

    name = fields.CharField(max_length=128)
    address = fields.CharField(max_length=256)
    city = fields.CharField(max_length=64, default="")
    phone = fields.CharField(max_length=32, null=True)
    latitude = fields.FloatField()
    longitude = fields.FloatField()
    opening_hours = fields.CharField(max_length=128, default="")
    supports_pickup = fields.BooleanField(default=True)
    is_open = fields.BooleanField(default=True)
    source = fields.CharField(max_length=32, null=True)
    source_id = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "store"
        indexes = (("city",),)
        constraints = (
            UniqueConstraint(fields=("source", "source_id"), name="store_source_key"),
            CheckConstraint(
                check="latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180",
                name="store_position_check",
            ),
        )


class Banner(Table):
    """A picture with a link, shown in a slot while its window is open."""

    slot = word(BannerSlot)
    title = fields.CharField(max_length=128)
    image_url = fields.CharField(max_length=512)
    link = fields.CharField(max_length=512)
    position = fields.IntField(default=0)
    starts_at = fields.DatetimeField(null=True)
    ends_at = fields.DatetimeField(null=True)

    class Meta:
        table = "banner"
        indexes = (("slot", "position"),)
