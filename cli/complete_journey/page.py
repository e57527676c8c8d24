"""The months' figures as one page: two charts and a table, without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import count

from cli.complete_journey.report import FIGURES, Month

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM = 960, 300, 90, 25, 30
_LINES = 4
"""Lines of a chart's grid, above its ground."""
_TIERS = (("regular", "普卡 REGULAR"), ("silver", "银卡 SILVER"), ("gold", "金卡 GOLD"))
_POINTS = (("issued", "issued"), ("expired", "expired"), ("liability", "liability"))

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px; padding: 0 1rem;
       color: #222; background: #fff }
h1, h2 { font-weight: 600 } svg { width: 100%; height: auto } text { font-size: 12px; fill: #555 }
table { border-collapse: collapse; font-size: 12px; width: 100%; display: block; overflow-x: auto }
td, th { text-align: right; padding: 2px 6px; border-bottom: 1px solid #ddd; white-space: nowrap }
.regular { fill: #b8c4ce } .silver { fill: #7d93a8 } .gold { fill: #d8a62b }
.issued { fill: #4c9a6a } .expired { fill: #c2564b }
.liability { fill: none; stroke: #2d5fa6; stroke-width: 2 } .key.liability { fill: #2d5fa6 }
.grid { stroke: #e3e3e3 }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #1b1b1b } text { fill: #aaa }
  td, th { border-color: #444 } .grid { stroke: #383838 }
}
"""


def page(months: Sequence[Month]) -> str:
    """Return the whole page as HTML."""
    first, last = months[0].first_day, months[-1].first_day
    title = f"The Complete Journey, {first:%Y-%m} to {last:%Y-%m}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        "<h2>Members by tier, at the end of each month</h2>\n"
        f"{_members(months)}\n"
        "<h2>Points issued and expired in each month, and the liability at its end</h2>\n"
        f"{_points(months)}\n<h2>Figures</h2>\n{_table(months)}\n</body></html>\n"
    )


def _members(months: Sequence[Month]) -> str:
    """Draw stacked areas, the lowest tier at the bottom."""
    top = _round_above(max(sum(getattr(month, tier) for tier, _ in _TIERS) for month in months))
    y = _scale(top)
    lower = [0] * len(months)
    areas = []
    for tier, _ in _TIERS:
        upper = [below + getattr(month, tier) for below, month in zip(lower, months, strict=True)]
        edge = [f"{_x(place, months)},{y(value)}" for place, value in enumerate(upper)]
        back = [f"{_x(place, months)},{y(value)}" for place, value in enumerate(lower)]
        areas.append(f'<polygon class="{tier}" points="{" ".join([*edge, *reversed(back)])}"/>')
        lower = upper
    return _chart(months, top, "".join(areas), _TIERS)


def _points(months: Sequence[Month]) -> str:
    """Draw what was issued and expired as bars, and the liability as a line above them."""
    top = _round_above(max(max(each.issued, each.expired, each.liability) for each in months))
    y = _scale(top)
    wide = (_WIDTH - _LEFT - _RIGHT) / len(months) / 3
    bars = "".join(
        f'<rect class="{name}" x="{_x(place, months) + side * wide - wide:.1f}"'
        f' y="{y(value)}" width="{wide:.1f}" height="{_HEIGHT - _BOTTOM - y(value):.1f}"/>'
        for place, month in enumerate(months)
        for side, (name, value) in enumerate((("issued", month.issued), ("expired", month.expired)))
    )
    path = " ".join(
        f"{_x(place, months)},{y(month.liability)}" for place, month in enumerate(months)
    )
    line = f'<polyline class="liability" points="{path}"/>'
    return _chart(months, top, bars + line, _POINTS)


def _round_above(value: int) -> int:
    """Return the least top of a chart that holds the value and has lines at round numbers."""
    steps = (int(factor * 10**zeros) for zeros in count() for factor in (1, 2, 5))
    return next(step for step in steps if step * _LINES >= value) * _LINES


def _scale(top: int) -> Callable[[int], float]:
    """Return where a value stands on the vertical axis."""
    room = _HEIGHT - _BOTTOM - 20
    return lambda value: round(_HEIGHT - _BOTTOM - room * value / top, 1)


def _x(place: int, months: Sequence[Month]) -> float:
    step = (_WIDTH - _LEFT - _RIGHT) / len(months)
    return round(_LEFT + step * (place + 0.5), 1)


def _chart(months: Sequence[Month], top: int, drawing: str, keys: Sequence[tuple[str, str]]) -> str:
    y = _scale(top)
    lines = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y(value)}" y2="{y(value)}"/>'
        f'<text x="{_LEFT - 8}" y="{y(value) + 4}" text-anchor="end">{value:,}</text>'
        for value in range(0, top + 1, top // _LINES)
    )
    names = "".join(
        f'<text x="{_x(place, months)}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"{month.first_day:%Y-%m}</text>"
        for place, month in enumerate(months)
        if place % 3 == 0
    )
    legend = "".join(
        f'<rect class="key {name}" x="{_LEFT + place * 140}" y="2" width="12" height="12"/>'
        f'<text x="{_LEFT + place * 140 + 18}" y="12">{escape(words)}</text>'
        for place, (name, words) in enumerate(keys)
    )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{lines}{drawing}{names}{legend}</svg>'


def _table(months: Sequence[Month]) -> str:
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in FIGURES)
    rows = "".join(
        f"<tr><th>{month.first_day:%Y-%m}</th>"
        + "".join(f"<td>{getattr(month, name):,}</td>" for name in FIGURES)
        + "</tr>\n"
        for month in months
    )
    return f"<table><tr><th>month</th>{head}</tr>\n{rows}</table>"
