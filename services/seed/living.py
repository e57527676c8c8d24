"""The demo brand's goods for home, wardrobe, bathroom and family."""

from __future__ import annotations

from services.seed.goods import SUGGESTED, TAG, Good, Variant, by, grid, labelled, one

_SHIRT_SIZES = ("M", "L", "XL")

HOME = (
    Good(
        code="BOWLS",
        leaf="餐厨用具",
        name="山野釉下彩餐碗",
        subtitle="手工拉坯 微波炉适用",
        words="餐具 碗 陶瓷 bowl",
        facts={"材质": "陶瓷", "口径": "12 cm"},
        variants=grid(2900, 140, 320, {"颜色": ("青釉", "米白"), "件数": ("单只",)}),
    ),
    Good(
        code="PAN",
        leaf="餐厨用具",
        name="铸铁珐琅炖锅",
        subtitle="锁水锁鲜 多灶适用",
        words="锅具 厨房 炖锅 pot",
        facts={"材质": "铸铁珐琅"},
        variants=labelled(
            by("口径", ("20 cm", 39900, 30, 3800), ("24 cm", 49900, 22, 5200)), 69900, SUGGESTED
        ),
    ),
    Good(
        code="TOWEL",
        leaf="床品毛巾",
        name="长绒棉毛巾",
        subtitle="A 类标准 吸水不掉毛",
        words="毛巾 浴室 towel",
        facts={"材质": "100% 棉", "尺寸": "34 × 76 cm"},
        variants=grid(2490, 260, 130, {"颜色": ("雾蓝", "豆沙", "米白")}),
    ),
    Good(
        code="SHEETS",
        leaf="床品毛巾",
        name="60 支长绒棉四件套",
        subtitle="贡缎光泽 亲肤透气",
        words="床品 四件套 床单",
        facts={"材质": "100% 棉", "支数": "60 支"},
        variants=labelled(
            grid(45900, 24, 2600, {"颜色": ("云白", "烟灰"), "尺寸": ("1.5 m 床", "1.8 m 床")}),
            79900,
            TAG,
        ),
    ),
    Good(
        code="BOX",
        leaf="收纳清洁",
        name="可折叠收纳箱",
        subtitle="66 L 大容量 不用即收",
        words="收纳 整理 box",
        facts={"材质": "PP", "容量": "66 L"},
        variants=by("件数", ("1 只", 3990, 180, 1500), ("3 只", 9990, 90, 4400)),
    ),
    Good(
        code="LAUNDRY",
        leaf="收纳清洁",
        name="天然酵素洗衣液",
        subtitle="婴儿衣物适用 低泡易漂",
        words="洗衣液 清洁 laundry",
        facts={"净含量": "2 kg"},
        variants=by("香味", ("无香", 3990, 350, 2150), ("晨露", 3990, 310, 2150)),
    ),
)

FASHION = (
    Good(
        code="LINEN",
        leaf="上装",
        name="亚麻立领衬衫",
        subtitle="水洗亚麻 透气挺括",
        words="衬衫 上衣 shirt",
        facts={"材质": "100% 亚麻", "版型": "宽松"},
        variants=labelled(
            grid(25900, 18, 260, {"颜色": ("本白", "深蓝"), "尺码": _SHIRT_SIZES}), 39900, TAG
        ),
        days_old=15,
        push=3,
    ),
    Good(
        code="TEE",
        leaf="上装",
        name="重磅纯棉 T 恤",
        subtitle="240 g 面料 领口不变形",
        words="T恤 短袖 tee",
        facts={"材质": "100% 棉"},
        variants=grid(9900, 60, 240, {"颜色": ("白", "炭灰"), "尺码": _SHIRT_SIZES}),
    ),
    Good(
        code="TROUSER",
        leaf="下装",
        name="斜纹休闲长裤",
        subtitle="微弹 四季可穿",
        words="裤子 长裤 trousers",
        facts={"材质": "98% 棉 2% 氨纶"},
        variants=grid(19900, 25, 480, {"尺码": ("30", "32", "34", "36")}),
    ),
    Good(
        code="TOTE",
        leaf="鞋袜包袋",
        name="帆布托特包",
        subtitle="16 安帆布 内袋分区",
        words="包 帆布包 通勤 bag",
        facts={"材质": "棉帆布", "尺寸": "40 × 36 cm"},
        variants=grid(12900, 45, 520, {"颜色": ("原色", "墨绿")}),
        days_old=1,
    ),
    Good(
        code="SOCKS",
        leaf="鞋袜包袋",
        name="精梳棉中筒袜",
        subtitle="5 双装 不勒脚踝",
        words="袜子 socks",
        facts={"材质": "精梳棉", "件数": "5 双"},
        variants=grid(4900, 200, 220, {"尺码": ("36–39", "40–44")}),
    ),
)

CARE = (
    Good(
        code="CREAM",
        leaf="面部护理",
        name="茶籽修护面霜",
        subtitle="神经酰胺 敏感肌可用",
        words="面霜 护肤 cream",
        facts={"净含量": "50 g", "适用": "全肤质"},
        variants=one(15800, 110, 180, limit=3, tiers={"SILVER": 14800, "GOLD": 13800}),
    ),
    Good(
        code="SERUM",
        leaf="面部护理",
        name="烟酰胺精华液",
        subtitle="提亮肤色 30 ml",
        words="精华 护肤 serum",
        facts={"净含量": "30 ml"},
        variants=one(18900, 70, 120),
        on_sale=False,
    ),
    Good(
        code="SHAMPOO",
        leaf="洗护沐浴",
        name="生姜控油洗发水",
        subtitle="氨基酸表活 蓬松去屑",
        words="洗发水 头发 shampoo",
        facts={"净含量": "500 ml"},
        variants=by("规格", ("500 ml", 5900, 240, 620), ("500 ml × 2", 10900, 130, 1250)),
    ),
    Good(
        code="SOAP",
        leaf="洗护沐浴",
        name="冷制手工皂",
        subtitle="山茶油基底 45 天晾皂",
        words="香皂 沐浴 soap",
        facts={"净重": "100 g"},
        variants=(
            Variant({"香味": "桂花"}, 2990, 150, 120),
            Variant({"香味": "柚子"}, 2990, 120, 120),
            Variant({"香味": "松针"}, 2990, 0, 120, on_sale=False),
        ),
    ),
    Good(
        code="BRUSH",
        leaf="口腔护理",
        name="软毛牙刷 4 支装",
        subtitle="0.01 mm 细丝 护龈",
        words="牙刷 口腔 toothbrush",
        facts={"件数": "4 支"},
        variants=one(1990, 420, 90),
        returnable=False,
    ),
)

FAMILY = (
    Good(
        code="PUREE",
        leaf="宝宝辅食",
        name="有机苹果果泥",
        subtitle="6 月龄以上 无添加",
        words="辅食 苹果 宝宝 puree",
        facts={"净含量": "100 g × 8", "认证": "有机产品认证"},
        variants=one(6890, 100, 950),
        days_old=18,
        returnable=False,
    ),
    Good(
        code="WIPES",
        leaf="湿巾护理",
        name="婴儿手口湿巾",
        subtitle="纯水配方 加厚珍珠纹",
        words="湿巾 宝宝 wipes",
        facts={"件数": "80 抽 × 6 包"},
        variants=one(3990, 500, 2400),
    ),
    Good(
        code="BLOCKS",
        leaf="玩具绘本",
        name="榉木积木 60 粒",
        subtitle="水性漆 圆角打磨",
        words="玩具 积木 blocks",
        facts={"材质": "榉木", "适用": "3 岁以上"},
        variants=labelled(one(12900, 55, 1800), 19900, SUGGESTED),
    ),
    Good(
        code="BOOK",
        leaf="玩具绘本",
        name="《山里有什么》立体绘本",
        subtitle="品牌原创 24 个机关",
        words="绘本 童书 book",
        facts={"页数": "28", "适用": "2–6 岁"},
        variants=one(6800, 65, 700),
        days_old=4,
        push=2,
    ),
)


LIVING = (*HOME, *FASHION, *CARE, *FAMILY)
