"""The demo brand's pictures: one motif for each department, in its colours."""

from __future__ import annotations

from collections.abc import Sequence
from colorsys import hls_to_rgb
from enum import StrEnum

from services.seed.png import Box, Colour, Ellipse, Polygon, Shape, draw

Layers = Sequence[tuple[Colour, Shape]]
WHITE: Colour = (255, 255, 255)


class Motif(StrEnum):
    """What a picture shows."""

    FRUIT = "fruit"
    SACK = "sack"
    CUP = "cup"
    CARTON = "carton"
    BOWL = "bowl"
    SHIRT = "shirt"
    BOTTLE = "bottle"
    BEAR = "bear"
    SHOP = "shop"


HUES = {
    Motif.FRUIT: 0.01,
    Motif.SACK: 0.11,
    Motif.CUP: 0.02,
    Motif.CARTON: 0.58,
    Motif.BOWL: 0.47,
    Motif.SHIRT: 0.66,
    Motif.BOTTLE: 0.88,
    Motif.BEAR: 0.14,
    Motif.SHOP: 0.36,
}


def picture(motif: Motif, variant: int = 0) -> bytes:
    """Return a PNG, 500 × 400; fifteen variants differ in hue and shade."""
    hue = (HUES[motif] + 0.035 * (variant % 5)) % 1
    lightness = 0.9 - 0.03 * (variant // 5 % 3)
    ground: Layers = (
        (_tone(hue, lightness + 0.04, 0.55), Ellipse(250, 210, 165, 165)),
        (_tone(hue, lightness - 0.14, 0.35), Ellipse(250, 345, 130, 12)),
    )
    return draw(
        _tone(hue, lightness, 0.6),
        _tone((hue + 0.05) % 1, lightness - 0.12, 0.55),
        (*ground, *_MOTIFS[motif](hue)),
    )


def _tone(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = hls_to_rgb(hue, min(lightness, 1.0), saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _fruit(hue: float) -> Layers:
    flesh, shade = _tone(hue, 0.55, 0.75), _tone(hue, 0.45, 0.7)
    return (
        (shade, Ellipse(250, 245, 104, 100)),
        (flesh, Ellipse(242, 238, 96, 92)),
        (_tone(0.08, 0.35, 0.4), Box(245, 118, 10, 48, 4)),
        (_tone(0.3, 0.45, 0.5), Ellipse(292, 135, 40, 17)),
        (_tone(hue, 0.8, 0.8), Ellipse(205, 205, 22, 30)),
    )


def _sack(hue: float) -> Layers:
    return (
        (_tone(hue, 0.6, 0.5), Box(165, 130, 170, 215, 26)),
        (_tone(hue, 0.48, 0.5), Box(180, 108, 140, 34, 12)),
        (_tone(hue, 0.93, 0.5), Box(165, 200, 170, 90)),
        (_tone(hue, 0.5, 0.6), Ellipse(228, 245, 10, 24)),
        (_tone(hue, 0.5, 0.6), Ellipse(252, 238, 10, 24)),
        (_tone(hue, 0.5, 0.6), Ellipse(276, 245, 10, 24)),
    )


def _cup(hue: float) -> Layers:
    return (
        (_tone(hue, 0.3, 0.3), Polygon([(268, 60), (278, 60), (262, 140), (252, 140)])),
        (_tone(hue, 0.5, 0.6), Polygon([(170, 140), (330, 140), (305, 345), (195, 345)])),
        (_tone(hue, 0.92, 0.5), Polygon([(178, 200), (322, 200), (313, 275), (187, 275)])),
        (_tone(hue, 0.38, 0.5), Box(160, 122, 180, 26, 10)),
        (_tone(hue, 0.5, 0.6), Ellipse(250, 238, 26, 26)),
    )


def _carton(hue: float) -> Layers:
    return (
        (_tone(hue, 0.85, 0.5), Polygon([(180, 165), (215, 110), (285, 110), (320, 165)])),
        (WHITE, Box(180, 165, 140, 180, 6)),
        (_tone(hue, 0.6, 0.6), Box(180, 230, 140, 70)),
        (_tone(hue, 0.5, 0.6), Box(215, 88, 70, 26, 6)),
        (WHITE, Ellipse(250, 265, 20, 24)),
    )


def _bowl(hue: float) -> Layers:
    return (
        (_tone(hue, 0.4, 0.45), Box(205, 320, 90, 22, 8)),
        (_tone(hue, 0.5, 0.45), Ellipse(250, 228, 128, 110, from_y=226)),
        (_tone(hue, 0.62, 0.45), Ellipse(250, 225, 130, 26)),
        (_tone(hue, 0.86, 0.4), Ellipse(250, 225, 108, 17)),
    )


def _shirt(hue: float) -> Layers:
    cloth = [(195, 120), (305, 120), (385, 175), (352, 228), (318, 206), (318, 340)]
    mirrored = [(182, 340), (182, 206), (148, 228), (115, 175)]
    return (
        (_tone(hue, 0.55, 0.45), Polygon([*cloth, *mirrored])),
        (_tone(hue, 0.87, 0.5), Ellipse(250, 120, 38, 26)),
        (_tone(hue, 0.75, 0.5), Box(270, 190, 34, 38, 5)),
    )


def _bottle(hue: float) -> Layers:
    return (
        (_tone(hue, 0.4, 0.4), Box(222, 88, 56, 46, 8)),
        (_tone(hue, 0.68, 0.5), Box(190, 128, 120, 217, 30)),
        (WHITE, Box(190, 205, 120, 85)),
        (_tone(hue, 0.6, 0.5), Ellipse(250, 247, 22, 28)),
    )


def _bear(hue: float) -> Layers:
    fur, dark = _tone(hue - 0.05, 0.55, 0.45), _tone(hue - 0.05, 0.25, 0.4)
    return (
        (fur, Ellipse(172, 150, 40, 40)),
        (fur, Ellipse(328, 150, 40, 40)),
        (_tone(hue - 0.05, 0.75, 0.5), Ellipse(172, 150, 20, 20)),
        (_tone(hue - 0.05, 0.75, 0.5), Ellipse(328, 150, 20, 20)),
        (fur, Ellipse(250, 230, 110, 102)),
        (_tone(hue - 0.05, 0.85, 0.5), Ellipse(250, 268, 52, 42)),
        (dark, Ellipse(250, 250, 17, 12)),
        (dark, Ellipse(208, 212, 10, 12)),
        (dark, Ellipse(292, 212, 10, 12)),
    )


def _shop(hue: float) -> Layers:
    walls: Layers = (
        (_tone(hue, 0.95, 0.4), Box(130, 190, 240, 155)),
        (_tone(hue, 0.4, 0.4), Box(215, 235, 70, 110, 6)),
        (_tone(hue, 0.8, 0.4), Box(148, 225, 50, 60, 4)),
        (_tone(hue, 0.8, 0.4), Box(302, 225, 50, 60, 4)),
    )
    colours = (_tone(hue, 0.45, 0.5), WHITE)
    awning = (
        (
            colours[stripe % 2],
            Polygon([(left, 120), (left + 44, 120), (foot + 56, 200), (foot, 200)]),
        )
        for stripe, left, foot in zip(
            range(5), range(140, 360, 44), range(110, 390, 56), strict=True
        )
    )
    return (*walls, *awning)


_MOTIFS = {
    Motif.FRUIT: _fruit,
    Motif.SACK: _sack,
    Motif.CUP: _cup,
    Motif.CARTON: _carton,
    Motif.BOWL: _bowl,
    Motif.SHIRT: _shirt,
    Motif.BOTTLE: _bottle,
    Motif.BEAR: _bear,
    Motif.SHOP: _shop,
}
