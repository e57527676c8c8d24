"""How the demo brand's goods are written down, and its departments.

Prices in fen, weights in grams. `food` and `living` hold the goods; between them every case is
there: one to six variants, two options, labelled prices, prices of a tier, limits, low and no
stock, goods and variants off sale, goods that can't be returned without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from domain.catalog import PriceLabel
from services.seed.pictures import Motif

TAG = PriceLabel.TAG_PRICE
SUGGESTED = PriceLabel.SUGGESTED_RETAIL_PRICE


@dataclass(frozen=True, slots=True)
class Department:
    """A root of the category tree, its leaves, and what its pictures show."""

    name: str
    motif: Motif
    leaves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One SKU; `label` is a labelled price and its kind, `tiers` prices in place of percentages."""

    options: Mapping[str, str]
    price: int
    stock: int
    grams: int
    limit: int | None = None
    label: tuple[int, PriceLabel] | None = None
    tiers: Mapping[str, int] = field(default_factory=dict)
    on_sale: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """One product; `push` brings it forward in what is recommended."""

    code: str
    leaf: str
    name: str
    subtitle: str
    words: str
    facts: Mapping[str, str]
    variants: tuple[Variant, ...]
    days_old: int = 120
    push: int = 0
    returnable: bool = True
    on_sale: bool = True


def one(price: int, stock: int, grams: int, **more: object) -> tuple[Variant, ...]:
    """Return a single variant without options."""
    return (replace(Variant({}, price, stock, grams), **more),)  # type: ignore[arg-type]


def by(option: str, *rows: tuple[str, int, int, int]) -> tuple[Variant, ...]:
    """Return a variant for each value: (value, price, stock, grams)."""
    return tuple(
        Variant({option: value}, price, stock, grams) for value, price, stock, grams in rows
    )


def grid(
    price: int, stock: int, grams: int, options: Mapping[str, tuple[str, ...]]
) -> tuple[Variant, ...]:
    """Return a variant for each combination of values, all at one price."""
    return tuple(
        Variant(dict(zip(options, values, strict=True)), price, stock, grams)
        for values in product(*options.values())
    )


def labelled(variants: tuple[Variant, ...], price: int, kind: PriceLabel) -> tuple[Variant, ...]:
    """Return the variants with a labelled price."""
    return tuple(replace(variant, label=(price, kind)) for variant in variants)


DEPARTMENTS = (
    Department("水果生鲜", Motif.FRUIT, ("时令水果", "有机蔬菜", "肉禽蛋品")),
    Department("粮油干货", Motif.SACK, ("米面杂粮", "食用油", "菌菇干货")),
    Department("零食冲饮", Motif.CUP, ("坚果炒货", "饼干糕点", "茶咖冲饮")),
    Department("乳品烘焙", Motif.CARTON, ("牛奶酸奶", "面包吐司", "奶酪黄油")),
    Department("家居日用", Motif.BOWL, ("餐厨用具", "床品毛巾", "收纳清洁")),
    Department("服饰鞋包", Motif.SHIRT, ("上装", "下装", "鞋袜包袋")),
    Department("个护美妆", Motif.BOTTLE, ("面部护理", "洗护沐浴", "口腔护理")),
    Department("母婴亲子", Motif.BEAR, ("宝宝辅食", "湿巾护理", "玩具绘本")),
)
