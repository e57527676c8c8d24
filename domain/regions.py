"""Administrative divisions of China: which province, city and district an address means.

The table is given by the caller (`models.regions` loads it). Names are matched as phones spell
them: WeChat's address picker writes 北京市 / 北京市 / 东城区 for a municipality, 省直辖县级行政区划
as the city of a county that stands directly under its province, and a town, the city's own name or
nothing as the district of a city that has none (东莞, 中山, 儋州, 嘉峪关).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_AUTONOMOUS = re.compile(r"(?:壮族|回族|维吾尔)?自治区$")
_PROVINCE_ENDING = re.compile(r"(?:特别行政区|省|市)$")
_PEOPLES = "朝鲜|土家|苗|侗|布依|藏|羌|彝|哈尼|壮|傣|景颇|白|傈僳|回|蒙古|哈萨克|柯尔克孜"
_CITY_ENDING = re.compile(rf"(?:市|地区|盟|(?:(?:{_PEOPLES})族?)+自治州|州)$")
_DISTRICT_ENDING = re.compile(r"(?:区|县|市|旗)$")
_MUNICIPAL_CITY_WORDS = frozenset(
    {"", "市", "特别行政区", "市辖区", "县", "城区", "郊县", "直辖区", "直辖县"}
    | {"岛", "九龙", "新界", "半岛", "离岛"}
)
"""The city of a municipality, Hong Kong or Macau, as written alone or after its own name."""
_NO_DISTRICT_WORDS = frozenset({"", "市辖区", "全境", "全区"})


@dataclass(frozen=True, slots=True)
class Region:
    """A place that parcels can be sent to, with its names as the state writes them.

    `code` is the six-digit code of the district, or of the city where it has no districts; then
    `district` is empty, and `town` is what the caller named below the city: it belongs in front of
    the street.
    """

    code: str
    province: str
    city: str
    district: str
    town: str = ""

    @property
    def province_code(self) -> str:
        """Return the six-digit code of the province."""
        return self.code[:2] + "0000"


@dataclass(frozen=True, slots=True)
class RegionProblem:
    """The input that names no division, or contradicts the others."""

    path: tuple[str, ...]


class _Names:
    """The divisions below one parent, by full name and by a short name that is not ambiguous."""

    def __init__(self, ending: re.Pattern[str]) -> None:
        self._ending = ending
        self._full: dict[str, str] = {}
        self._short: dict[str, set[str]] = defaultdict(set)

    def add(self, code: str, name: str) -> None:
        self._full.setdefault(name, code)
        self._short[_short(name, self._ending)].add(code)

    def find(self, name: str) -> str | None:
        """Return the code, or None if there is no such name or more than one."""
        if code := self._full.get(name):
            return code
        codes = self._short.get(_short(name, self._ending), set())
        return next(iter(codes)) if len(codes) == 1 else None


class Regions:
    """Lookups over the table of divisions; immutable once made."""

    def __init__(self) -> None:
        self._name_of: dict[str, str] = {}
        self._provinces = _Names(_PROVINCE_ENDING)
        self._cities: dict[str, _Names] = defaultdict(lambda: _Names(_CITY_ENDING))
        self._districts: dict[str, _Names] = defaultdict(lambda: _Names(_DISTRICT_ENDING))
        self._towns: dict[str, set[str]] = defaultdict(set)

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str]]) -> Regions:
        """Build from (code, name): six digits for a division, nine for a town."""
        made = cls()
        listed = list(rows)
        made._name_of = {code: name for code, name in listed if len(code) == 6}
        for code, name in listed:
            if len(code) == 9:
                made._towns[made._city_of_town(code)].add(name)
            elif code.endswith("0000"):
                made._provinces.add(code, name)
            elif code.endswith("00") or _stands_directly_under_province(code):
                made._cities[_province_code(code)].add(code, name)
            else:
                made._districts[made._city_of_district(code)].add(code, name)
        return made

    def by_code(self, code: str) -> Region | None:
        """Return the district, or the city without districts, that has this code."""
        name = self._name_of.get(code)
        if name is None or code in self._districts or code in self._cities:
            return None
        city_code = code if self._is_city(code) else self._city_of_district(code)
        district = "" if city_code == code else name
        return self._region(code, city_code, district)

    def codes(self) -> list[str]:
        """Return the six-digit codes of all divisions, provinces and cities included."""
        return sorted(self._name_of)

    def resolve(
        self, province: str, city: str, district: str, *, region_code: str | None = None
    ) -> Region | RegionProblem:
        """Find the one division these names mean, or say which input is at fault.

        `region_code`, when given, must be that division's code or one above it; a code of the same
        province that the table doesn't know is let pass, since phones use other editions.
        """
        found = self._by_names(_clean(province), _clean(city), _clean(district))
        if isinstance(found, Region) and region_code:
            return found if self._agrees(region_code, found) else RegionProblem(("regionCode",))
        return found

    def _by_names(self, province: str, city: str, district: str) -> Region | RegionProblem:
        province_code = self._provinces.find(_without_autonomous(province))
        if province_code is None:
            return RegionProblem(("province",))
        if "直辖" in city and province_code not in self._districts:
            return self._directly_under(province_code, district)
        city_code = self._find_city(province_code, city)
        if city_code is None:
            return RegionProblem(("city",))
        if city_code not in self._districts:
            return self._below_city_without_districts(city_code, district)
        district_code = self._districts[city_code].find(district)
        if district_code is None:
            return RegionProblem(("district",))
        return self._region(district_code, city_code, self._name_of[district_code])

    def _directly_under(self, province_code: str, name: str) -> Region | RegionProblem:
        """Find a county that has no city above it: its name stands in the district's place."""
        code = self._cities[province_code].find(name)
        if code is None or not _stands_directly_under_province(code):
            return RegionProblem(("district",))
        return self._region(code, code, "")

    def _find_city(self, province_code: str, city: str) -> str | None:
        if province_code not in self._districts:
            return self._cities[province_code].find(city) if city else None
        # A municipality is its own city.
        own = _short(self._name_of[province_code], _PROVINCE_ENDING)
        rest = city.removeprefix(own)
        return province_code if rest in _MUNICIPAL_CITY_WORDS else None

    def _below_city_without_districts(self, city_code: str, rest: str) -> Region | RegionProblem:
        name = self._name_of[city_code]
        if rest in _NO_DISTRICT_WORDS | {name, _short(name, _DISTRICT_ENDING)}:
            return self._region(city_code, city_code, "")
        if rest in self._towns.get(city_code, ()):
            return self._region(city_code, city_code, "", town=rest)
        return RegionProblem(("district",))

    def _region(self, code: str, city_code: str, district: str, *, town: str = "") -> Region:
        return Region(
            code=code,
            province=self._name_of[_province_code(code)],
            city=self._name_of[city_code],
            district=district,
            town=town,
        )

    def _agrees(self, region_code: str, found: Region) -> bool:
        if not re.fullmatch(r"\d{6}", region_code) or region_code[:2] != found.code[:2]:
            return False
        above = {found.code, found.code[:4] + "00", found.province_code}
        return region_code in above or region_code not in self._name_of

    def _is_city(self, code: str) -> bool:
        return code.endswith("00") or _stands_directly_under_province(code)

    def _city_of_district(self, code: str) -> str:
        prefecture = code[:4] + "00"
        return prefecture if prefecture in self._name_of else _province_code(code)

    def _city_of_town(self, code: str) -> str:
        return code[:6] if code[:6] in self._name_of else code[:4] + "00"


def _stands_directly_under_province(code: str) -> bool:
    """Tell 省直辖县级行政区: GB/T 2260 gives them 90 where a prefecture's digits stand."""
    return code[2:4] == "90"


def _province_code(code: str) -> str:
    return code[:2] + "0000"


def _without_autonomous(province: str) -> str:
    """Return 广西 for 广西壮族自治区 and the like; other names as they are."""
    return _AUTONOMOUS.sub("", province)


def _short(name: str, ending: re.Pattern[str]) -> str:
    """Return the name without its last word of rank, unless one character would be left."""
    short = ending.sub("", _AUTONOMOUS.sub("", name))
    return short if len(short) > 1 else name


def _clean(name: str) -> str:
    """Return the name without spaces, in the usual width."""
    return "".join(unicodedata.normalize("NFKC", name).split())
