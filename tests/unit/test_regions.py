"""Addresses are checked against China's real divisions, as WeChat's pickers spell them."""

from __future__ import annotations

import pytest

from domain.regions import Region, RegionProblem, Regions
from models.regions import regions

PICKED = {
    "a municipality": (("北京市", "北京市", "东城区"), ("110101", "北京市", "北京市", "东城区")),
    "the statistical spelling": (
        ("北京市", "市辖区", "海淀区"),
        ("110108", "北京市", "北京市", "海淀区"),
    ),
    "a map's spelling": (
        ("上海市", "上海城区", "黄浦区"),
        ("310101", "上海市", "上海市", "黄浦区"),
    ),
    "Chongqing's counties": (
        ("重庆市", "县", "城口县"),
        ("500229", "重庆市", "重庆市", "城口县"),
    ),
    "Chongqing's counties, by map": (
        ("重庆市", "重庆郊县", "城口县"),
        ("500229", "重庆市", "重庆市", "城口县"),
    ),
    "a city with districts": (
        ("广东省", "深圳市", "南山区"),
        ("440305", "广东省", "深圳市", "南山区"),
    ),
    "short names": (("广东", "深圳", "南山"), ("440305", "广东省", "深圳市", "南山区")),
    "an autonomous region": (
        ("广西壮族自治区", "南宁市", "青秀区"),
        ("450103", "广西壮族自治区", "南宁市", "青秀区"),
    ),
    "an autonomous region, short": (
        ("内蒙古", "呼和浩特", "新城区"),
        ("150102", "内蒙古自治区", "呼和浩特市", "新城区"),
    ),
    "a prefecture, short": (
        ("湖北", "恩施州", "恩施市"),
        ("422801", "湖北省", "恩施土家族苗族自治州", "恩施市"),
    ),
    "a county made in 2024": (
        ("新疆维吾尔自治区", "和田地区", "和安县"),
        ("653229", "新疆维吾尔自治区", "和田地区", "和安县"),
    ),
    "a district of Sansha": (
        ("海南省", "三沙市", "西沙区"),
        ("460302", "海南省", "三沙市", "西沙区"),
    ),
    "a development zone": (
        ("江苏省", "苏州市", "苏州工业园区"),
        ("320576", "江苏省", "苏州市", "苏州工业园区"),
    ),
    "a district that older phones still offer": (
        ("重庆市", "重庆市", "渝北区"),
        ("500112", "重庆市", "重庆市", "渝北区"),
    ),
    "Hong Kong": (
        ("香港特别行政区", "香港特别行政区", "中西区"),
        ("810101", "香港特别行政区", "香港特别行政区", "中西区"),
    ),
    "Kowloon": (
        ("香港特别行政区", "九龙", "油尖旺区"),
        ("810202", "香港特别行政区", "香港特别行政区", "油尖旺区"),
    ),
    "Macau": (
        ("澳门特别行政区", "澳门半岛", "风顺堂区"),
        ("820106", "澳门特别行政区", "澳门特别行政区", "风顺堂区"),
    ),
    "Taiwan": (("台湾省", "台北市", "大安区"), ("710105", "台湾省", "台北市", "大安区")),
    "spaces around": ((" 北京市", "北京市 ", " 东 城区"), ("110101", "北京市", "北京市", "东城区")),
}

WITHOUT_DISTRICTS = {
    "Dongguan": (("广东省", "东莞市", ""), ("441900", "广东省", "东莞市", "", "")),
    "Dongguan, named twice": (
        ("广东省", "东莞市", "东莞市"),
        ("441900", "广东省", "东莞市", "", ""),
    ),
    "Dongguan, a town": (
        ("广东省", "东莞市", "长安镇"),
        ("441900", "广东省", "东莞市", "", "长安镇"),
    ),
    "Zhongshan": (("广东省", "中山市", "小榄镇"), ("442000", "广东省", "中山市", "", "小榄镇")),
    "Danzhou": (("海南省", "儋州市", "那大镇"), ("460400", "海南省", "儋州市", "", "那大镇")),
    "Jiayuguan": (("甘肃省", "嘉峪关市", "市辖区"), ("620200", "甘肃省", "嘉峪关市", "", "")),
    "Xiantao as its own city": (
        ("湖北省", "仙桃市", "仙桃市"),
        ("429004", "湖北省", "仙桃市", "", ""),
    ),
    "Xiantao as WeChat lists it": (
        ("湖北省", "省直辖县级行政区划", "仙桃市"),
        ("429004", "湖北省", "仙桃市", "", ""),
    ),
    "Jiyuan, a town": (
        ("河南省", "济源市", "沁园街道"),
        ("419001", "河南省", "济源市", "", "沁园街道"),
    ),
    "a county of Hainan": (
        ("海南省", "省直辖县级行政单位", "澄迈县"),
        ("469023", "海南省", "澄迈县", "", ""),
    ),
    "Shihezi": (
        ("新疆维吾尔自治区", "自治区直辖县级行政区划", "石河子市"),
        ("659001", "新疆维吾尔自治区", "石河子市", "", ""),
    ),
}

REFUSED = {
    "no province": (("", "", ""), "province"),
    "a province that isn't": (("江东省", "南京市", "玄武区"), "province"),
    "another province's city": (("江苏省", "杭州市", "西湖区"), "city"),
    "no city": (("浙江省", "", "西湖区"), "city"),
    "a municipality's foreign city": (("北京市", "天津市", "东城区"), "city"),
    "another city's district": (("浙江省", "杭州市", "玄武区"), "district"),
    "no district where there are some": (("浙江省", "杭州市", ""), "district"),
    "a district abolished in 2021": (("浙江省", "杭州市", "下城区"), "district"),
    "no such town": (("广东省", "东莞市", "海淀区"), "district"),
    "a prefecture's city as a county": (("湖北省", "省直辖县级行政区划", "武汉市"), "district"),
    "no county": (("湖北省", "省直辖县级行政区划", ""), "district"),
}


@pytest.mark.parametrize(("names", "expected"), PICKED.values(), ids=PICKED)
def test_finds_the_district(names: tuple[str, str, str], expected: tuple[str, ...]) -> None:
    assert regions().resolve(*names) == Region(*expected)


@pytest.mark.parametrize(("names", "expected"), WITHOUT_DISTRICTS.values(), ids=WITHOUT_DISTRICTS)
def test_a_city_without_districts_gives_none(
    names: tuple[str, str, str], expected: tuple[str, ...]
) -> None:
    assert regions().resolve(*names) == Region(*expected)


@pytest.mark.parametrize(("names", "field"), REFUSED.values(), ids=REFUSED)
def test_says_which_name_is_at_fault(names: tuple[str, str, str], field: str) -> None:
    assert regions().resolve(*names) == RegionProblem((field,))


@pytest.mark.parametrize("code", ["440305", "440300", "440000", "440399"])
def test_a_code_of_the_same_or_an_older_edition_agrees(code: str) -> None:
    found = regions().resolve("广东省", "深圳市", "南山区", region_code=code)
    assert isinstance(found, Region)
    assert found.code == "440305"


@pytest.mark.parametrize("code", ["440304", "440100", "110101", "999999", "44030", "四四〇三〇五"])
def test_a_code_that_contradicts_the_names_is_at_fault(code: str) -> None:
    found = regions().resolve("广东省", "深圳市", "南山区", region_code=code)
    assert found == RegionProblem(("regionCode",))


def test_reads_a_code_back() -> None:
    assert regions().by_code("110101") == Region("110101", "北京市", "北京市", "东城区")
    assert regions().by_code("441900") == Region("441900", "广东省", "东莞市", "")
    assert regions().by_code("429004") == Region("429004", "湖北省", "仙桃市", "")


@pytest.mark.parametrize("code", ["110000", "440300", "999999", "", "441900003"])
def test_a_code_that_is_no_full_address_is_none(code: str) -> None:
    assert regions().by_code(code) is None


def test_every_division_resolves_to_itself() -> None:
    """Whatever the table can hand out, it takes back under the same names and code."""
    table = regions()
    codes = [code for code in table.codes() if table.by_code(code)]
    assert len(codes) > 3200
    for code in codes:
        region = table.by_code(code)
        assert region is not None
        found = table.resolve(region.province, region.city, region.district, region_code=code)
        assert found == region


def test_holds_every_province() -> None:
    provinces = [code for code in regions().codes() if code.endswith("0000")]
    assert len(provinces) == 34


def test_an_ambiguous_short_name_is_refused() -> None:
    table = Regions.from_rows(
        [("360000", "江西省"), ("361100", "上饶市"), ("361102", "信州区"), ("361103", "信州县")]
    )
    assert table.resolve("江西省", "上饶市", "信州") == RegionProblem(("district",))
    assert table.resolve("江西省", "上饶市", "信州县") == Region(
        "361103", "江西省", "上饶市", "信州县"
    )
