"""Names fit to show, made of the source's shorthand (`FRZN JCE CONC/DRNKS`, `16 OZ`).

Departments and categories get a Chinese name from `words.tsv`; types and products a tidied English
one, with the Chinese words of their departments and categories to be found by.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

BRANDS = {"National": "全国品牌", "Private": "自有品牌"}
_WORDS = Path(__file__).with_name("words.tsv")
_LONG = {
    "BKD": "Baked",
    "BKNGWARES": "Bakeware",
    "BN": "Beans",
    "BRD": "Bread",
    "BRKFST": "Breakfast",
    "BTL": "Bottle",
    "BTR": "Butter",
    "CARB": "Carbonated",
    "CHIX": "Chicken",
    "CHOC": "Chocolate",
    "CKYS": "Cookies",
    "CNDY": "Candy",
    "CONC": "Concentrate",
    "CRBNTD": "Carbonated",
    "CRKR": "Crackers",
    "DEOD": "Deodorant",
    "DNR": "Dinner",
    "DNRS": "Dinners",
    "DRNK": "Drink",
    "DRNKNG": "Drinking",
    "DRNKS": "Drinks",
    "DRSNG": "Dressing",
    "DSH": "Dishes",
    "EXCP": "Except",
    "FEM": "Feminine",
    "FLVR": "Flavor",
    "FLVRD": "Flavored",
    "FRZ": "Frozen",
    "FRZN": "Frozen",
    "GDS": "Goods",
    "GRND": "Ground",
    "HYGN": "Hygiene",
    "JCE": "Juice",
    "LIQ": "Liquid",
    "MISC": "Miscellaneous",
    "MIXS": "Mixes",
    "MLT": "Multi",
    "MNRL": "Mineral",
    "MX": "Mix",
    "MXS": "Mixes",
    "PKG": "Packaged",
    "PKGD": "Packaged",
    "PKLD": "Pickled",
    "PNT": "Peanut",
    "PREM": "Premium",
    "PWDR": "Powder",
    "SALD": "Salad",
    "SAUS": "Sausage",
    "SFT": "Soft",
    "SGL": "Single",
    "SHLDR": "Shoulder",
    "SNDWCH": "Sandwich",
    "SNGL": "Single",
    "SNKS": "Snacks",
    "SPLY": "Supplies",
    "SPRD": "Spread",
    "SRV": "Serve",
    "STK": "Stick",
    "SYRP": "Syrup",
    "TISS": "Tissue",
    "TORT": "Tortilla",
    "TRSH": "Trash",
    "VEG": "Vegetables",
    "WHLSM": "Wholesome",
    "WTR": "Water",
}
_AS_IS = frozenset({"BBQ", "DVD", "DXM", "HBC", "IQF", "NZ", "PSE", "RTD", "SPF", "TV"})
_WORD = re.compile(r"[A-Z]+(?:'[A-Z]+)?")
_SHORTENED = re.compile(r"\b(FEM|HYGN|MISC|PKG)\.")
_OPEN_END = re.compile(r"\s*\([^)]*$")
_SIZE = re.compile(r"^\s*(\d*\.?\d+)\s*(FL OZ|OZ|LB|GAL|KG|G|QT|PT|ML|L)\b")
_GRAMS = {
    "OZ": 28.35,
    "FL OZ": 29.57,
    "LB": 453.6,
    "GAL": 3785.0,
    "QT": 946.0,
    "PT": 473.0,
    "KG": 1000.0,
    "G": 1.0,
    "L": 1000.0,
    "ML": 1.0,
}
"""A litre is taken as a kilogram: the weight only decides a parcel's price."""

_HEAVIEST_GRAMS = 25_000
"""A sack of dog food; what is above says how much a bin bag holds, or is a slip of the pen."""


def tidy(shorthand: str) -> str:
    """Return the words in title case, common abbreviations written out.

    The source cuts descriptions at 30 characters: a bracket left open is dropped.
    """
    whole = _OPEN_END.sub("", shorthand) or shorthand
    spaced = " ".join(_SHORTENED.sub(r"\1 ", whole).split())
    return _WORD.sub(lambda found: _word(found.group()), spaced)


def _word(word: str) -> str:
    return word if word in _AS_IS else _LONG.get(word, word.capitalize())


@cache
def _chinese() -> dict[str, str]:
    lines = _WORDS.read_text("utf-8").splitlines()
    return {words[0]: words[1] for words in (line.split("\t") for line in lines)}


def chinese(shorthand: str) -> str:
    """Return the Chinese name of a department or category; tidied English if there is none."""
    return _chinese().get(shorthand) or tidy(shorthand)


def product_name(*, kind: str | None, category: str | None, size: str | None, number: int) -> str:
    """Return a name for a product: its type (or category) and size, for the source has no names."""
    words = kind or category
    name = tidy(words) if words else f"Product {number}"
    return f"{name} {size}" if size else name


def weight_grams(size: str | None) -> int:
    """Return the weight that a package size tells, in grams; 0 where it tells none."""
    found = _SIZE.match(size or "")
    grams = round(float(found[1]) * _GRAMS[found[2]]) if found else 0
    return grams if grams <= _HEAVIEST_GRAMS else 0
