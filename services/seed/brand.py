"""The demo brand itself: its words, stores, banners and agreements."""

from __future__ import annotations

from dataclasses import dataclass

from domain.catalog import BannerSlot
from domain.members import AgreementKind
from domain.rules import BrandRules, ProvinceShipping, ShippingRules
from services.seed.pictures import Motif

BRAND = BrandRules(name="山野集", name_en="Shanye Market", service_phone="400-000-0818")
HOT_SEARCHES = ("苹果", "每日坚果", "有机牛奶", "四件套", "咖啡", "洗衣液", "衬衫", "绘本")
SHIPPING = ShippingRules(
    exceptions=(
        ProvinceShipping(provinces=("54", "65"), base_fen=1_800, further_fen=1_000),
        ProvinceShipping(provinces=("71", "81", "82"), served=False),
    )
)
"""Xizang and Xinjiang are far; Taiwan, Hong Kong and Macau aren't served."""
AGREEMENT_VERSION = "2026-01"


@dataclass(frozen=True, slots=True)
class Shop:
    """A store; coordinates are GCJ-02."""

    code: str
    name: str
    city: str
    address: str
    latitude: float
    longitude: float
    hands_out_orders: bool = True
    is_open: bool = True


SHOPS = (
    Shop("SH1", "山野集 静安寺店", "上海市", "静安区南京西路 1618 号 B1", 31.22345, 121.44552),
    Shop("SH2", "山野集 徐家汇店", "上海市", "徐汇区肇嘉浜路 1111 号 2 层", 31.19383, 121.43675),
    Shop("SH3", "山野集 陆家嘴店", "上海市", "浦东新区世纪大道 8 号 L3", 31.23572, 121.50216),
    Shop("BJ1", "山野集 三里屯店", "北京市", "朝阳区三里屯路 19 号", 39.93407, 116.45501),
    Shop("BJ2", "山野集 中关村店", "北京市", "海淀区中关村大街 15 号", 39.98408, 116.31621),
    Shop("GZ1", "山野集 天河城店", "广州市", "天河区天河路 208 号 5 层", 23.13240, 113.32247),
    Shop("SZ1", "山野集 万象城店", "深圳市", "罗湖区宝安南路 1881 号", 22.54080, 114.11024),
    Shop("HZ1", "山野集 湖滨店", "杭州市", "上城区延安路 238 号", 30.25479, 120.16462),
    Shop("CD1", "山野集 太古里店", "成都市", "锦江区中纱帽街 8 号", 30.65531, 104.08334),
    Shop("WH1", "山野集 楚河汉街店", "武汉市", "武昌区楚汉路 18 号", 30.55616, 114.34305),
    Shop(
        "NJ1",
        "山野集 新街口体验馆",
        "南京市",
        "秦淮区中山南路 18 号",
        32.04161,
        118.78433,
        hands_out_orders=False,
    ),
    Shop(
        "XA1", "山野集 大雁塔店", "西安市", "雁塔区慈恩路 66 号", 34.21992, 108.96404, is_open=False
    ),
)


@dataclass(frozen=True, slots=True)
class Poster:
    """A banner; `good` or `department` says where it leads."""

    slot: BannerSlot
    title: str
    motif: Motif
    variant: int
    good: str = ""
    department: str = ""


POSTERS = (
    Poster(BannerSlot.LAUNCH, "山野集 把山野带回家", Motif.SHOP, 0),
    Poster(BannerSlot.HOME, "烟台苹果 新鲜上市", Motif.FRUIT, 6, good="APPLE"),
    Poster(BannerSlot.HOME, "一日之计 早餐好物", Motif.CARTON, 6, department="乳品烘焙"),
    Poster(BannerSlot.HOME, "换季衣橱 亚麻专场", Motif.SHIRT, 6, good="LINEN"),
    Poster(BannerSlot.CATEGORY, "坚果零食 囤货季", Motif.CUP, 6, department="零食冲饮"),
    Poster(BannerSlot.MEMBER_CENTRE, "金卡会员 全场 95 折", Motif.BOTTLE, 6, good="CREAM"),
    Poster(BannerSlot.PAY_RESULT, "再逛逛 家居好物", Motif.BOWL, 6, department="家居日用"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """An agreement: its titles, and its paragraphs as a page shows them."""

    kind: AgreementKind
    title: str
    title_en: str
    paragraphs: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """Return the name of its page among the media files."""
        return f"agreements/{self.kind.value.lower()}-{AGREEMENT_VERSION}.html"

    def page(self) -> str:
        """Return the page."""
        body = "".join(f"<p>{paragraph}</p>" for paragraph in self.paragraphs)
        return (
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{self.title}</title><h1>{self.title}</h1>{body}"
            f"<p>版本 {AGREEMENT_VERSION}（演示文本）</p></html>"
        )


TEXTS = (
    Text(
        AgreementKind.MEMBERSHIP,
        "山野集会员协议",
        "Shanye Market membership agreement",
        (
            "加入会员后，您可以累积积分和成长值，享受会员价与会员日权益。",
            "积分自获得之日起 12 个月内有效，到期前 30 天会提醒您。",
            "您可以随时注销会员；注销后有 7 天的反悔期。",
        ),
    ),
    Text(
        AgreementKind.PRIVACY,
        "山野集隐私政策",
        "Shanye Market privacy policy",
        (
            "我们只在履行订单和提供会员服务时使用您的手机号与收货地址，并加密保存。",
            "您的位置只用于本次查询附近门店，不会被保存。",
            "您可以随时导出或删除自己的全部数据。",
        ),
    ),
    Text(
        AgreementKind.MARKETING,
        "营销信息接收",
        "Marketing messages",
        ("同意后，我们会向您发送新品和优惠信息；您可以随时撤回。",),
    ),
    Text(
        AgreementKind.PERSONALISATION,
        "个性化推荐",
        "Personal recommendations",
        ("同意后，推荐会参考您的浏览与购买记录；您可以随时撤回。",),
    ),
)
