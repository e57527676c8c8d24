"""The files that the demo brand's rows point to, by their names below /media."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from services.seed.brand import POSTERS, TEXTS
from services.seed.food import FOOD
from services.seed.goods import DEPARTMENTS, Good
from services.seed.living import LIVING
from services.seed.pictures import Motif, picture

GOODS = (*FOOD, *LIVING)
SHARE_PICTURE = "share.png"
"""What a card shows of a thing without a picture of its own."""
_PICTURES_PER_GOOD = 2
_MOTIFS = {leaf: department.motif for department in DEPARTMENTS for leaf in department.leaves}


def media_path(name: str) -> str:
    """Return the path under which the web server serves a file."""
    return f"/media/{name}"


def good_pictures(good: Good) -> list[str]:
    """Return the names of a good's pictures, the main one first."""
    return [f"demo/{good.code.lower()}-{place + 1}.png" for place in range(_PICTURES_PER_GOOD)]


def category_picture(motif: Motif, variant: int) -> str:
    """Return the name of a category's picture."""
    return f"demo/category-{motif}-{variant}.png"


def poster_picture(place: int) -> str:
    """Return the name of a banner's picture."""
    return f"demo/banner-{place + 1}.png"


def pictures() -> Mapping[str, Callable[[], bytes]]:
    """Return every picture by name, to be drawn when it is missing; PNG, 500 × 400."""
    drawn: dict[str, Callable[[], bytes]] = {SHARE_PICTURE: partial(picture, Motif.SHOP, 1)}
    for department in DEPARTMENTS:
        for variant in range(len(department.leaves) + 1):
            name = category_picture(department.motif, variant)
            drawn[name] = partial(picture, department.motif, variant)
    for place, good in enumerate(GOODS):
        for turn, name in enumerate(good_pictures(good)):
            drawn[name] = partial(picture, _MOTIFS[good.leaf], place + 5 * turn)
    for place, poster in enumerate(POSTERS):
        drawn[poster_picture(place)] = partial(picture, poster.motif, poster.variant)
    return drawn


def pages() -> Mapping[str, str]:
    """Return the pages of the agreements by name."""
    return {text.file_name: text.page() for text in TEXTS}
