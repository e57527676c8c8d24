// What the shop says, in Chinese and English. What the server says is in the language that we ask for.

const WORDS = {
  home: ["首页", "Home"], cart: ["购物车", "Cart"], orders: ["订单", "Orders"], me: ["我的", "Me"],
  demo: ["演示商城：微信由本机的模拟器扮演，不会真的扣款。", "A demo shop: WeChat is played by a simulator on this machine; no money moves."],
  explorer: ["GraphQL 浏览器", "GraphQL explorer"], simulator: ["微信模拟器", "WeChat simulator"],
  loading: ["加载中…", "Loading …"], more: ["加载更多", "Show more"], retry: ["再试一次", "Try again"],
  failed: ["出了点问题", "Something went wrong"], offline: ["连不上服务器，请检查网络后再试。", "The server does not answer. Check the network and try again."],
  missing: ["没有找到这个页面", "There is no such page"], backHome: ["回首页", "Back to the shop"],
  categories: ["分类", "Categories"], moreCategories: ["更多分类", "More categories"], allOf: ["全部", "All"], popular: ["大家都在搜", "People search for"],
  found: ["“{text}”的搜索结果", "Found for “{text}”"], nothing: ["没有找到商品", "Nothing found"],
  nothingHint: ["换个词试试，或看看全部商品。", "Try another word, or look at everything."],
  pieces: ["共 {n} 件商品", "{n} products"], sold: ["已售 {n}", "{n} sold"], soldOut: ["已售罄", "Sold out"],
  sort: ["排序", "Sort"], RECOMMENDED: ["综合", "Recommended"], NEWEST: ["新品", "Newest"], BEST_SELLING: ["销量", "Best selling"],
  PRICE_ASC: ["价格从低到高", "Price, low first"], PRICE_DESC: ["价格从高到低", "Price, high first"],
  IN_STOCK: ["有货", "In stock"], LOW: ["库存紧张", "Few left"], OUT: ["缺货", "Out of stock"],
  quantity: ["数量", "Quantity"], less: ["减一件", "One less"], plus: ["加一件", "One more"],
  limit: ["每人限购 {n} 件", "At most {n} each"], limitLeft: ["还可购 {n} 件", "{n} left for you"],
  add: ["加入购物车", "Add to cart"], buy: ["立即购买", "Buy now"], added: ["已加入购物车", "Added to your cart"],
  choose: ["请选择规格", "Choose the options"], details: ["商品详情", "About this product"], noReturn: ["不支持七天无理由退货", "No return without a reason"],
  sevenDays: ["七天无理由退货", "7 days to return it, no questions asked"],
  MEMBER_PRICE: ["会员价", "Member price"], LIMITED_TIME: ["限时价", "Limited time"], FLASH_SALE: ["秒杀", "Flash sale"], GROUP_BUY: ["拼团", "Group buy"],
  FULL_REDUCTION: ["满减", "Money off"], QUANTITY_DISCOUNT: ["多件折扣", "Multi-buy"], COUPON: ["优惠券", "Coupon"], POINTS: ["积分抵扣", "Points"], SHIPPING: ["运费减免", "Shipping"],
  signIn: ["微信登录", "Sign in with WeChat"], signOut: ["退出登录", "Sign out"], signInFirst: ["登录后查看", "Sign in to see this"],
  signInHint: ["登录页由模拟器提供，任选一位用户即可。", "The simulator shows the sign-in page: pick any user."], welcome: ["你好，{name}", "Hello, {name}"], guest: ["新朋友", "new friend"],
  joinTitle: ["加入会员", "Become a member"], joinText: ["阅读并同意后，购物可得积分与成长值。", "With these accepted, orders earn points and growth."],
  agree: ["同意《{title}》", "I accept the {title}"], required: ["必选", "required"], join: ["同意并加入", "Accept and join"], later: ["稍后再说", "Not now"], joined: ["已加入会员", "You are a member now"],
  visitor: ["访客", "Visitor"], consents: ["协议与授权", "Agreements"], saved: ["已保存", "Saved"],
  emptyCart: ["购物车是空的", "Your cart is empty"], emptyCartHint: ["挑点喜欢的吧。", "There is a shop full of good things."], selectAll: ["全选", "Select all"],
  remove: ["移除", "Remove"], priceChanged: ["加入时 {price}", "{price} when added"], selectLine: ["选择 {name}", "Select {name}"],
  goods: ["商品金额", "Goods"], shipping: ["运费", "Shipping"], freeShipping: ["免运费", "Free"], total: ["应付", "To pay"], willEarn: ["下单可得 {n} 积分", "Earns {n} points"],
  checkout: ["去结算", "Check out"], checkoutTitle: ["确认订单", "Check out"], delivery: ["配送方式", "Delivery"], EXPRESS: ["快递", "Express"], PICKUP: ["门店自提", "Pick up"],
  address: ["收货地址", "Address"], addresses: ["收货地址", "Addresses"], newAddress: ["新增地址", "New address"], editAddress: ["编辑地址", "Edit address"], noAddress: ["还没有收货地址", "No address yet"],
  edit: ["编辑", "Edit"], sample: ["填入示例地址", "Fill in a sample"], defaultAddress: ["设为默认地址", "Use by default"], isDefault: ["默认", "default"],
  name: ["姓名", "Name"], phone: ["手机号", "Phone"], province: ["省份", "Province"], city: ["城市", "City"], district: ["区县（可空）", "District (may be empty)"], detail: ["详细地址", "Street and number"], save: ["保存", "Save"], cancel: ["取消", "Cancel"],
  store: ["自提门店", "Store"], usePoints: ["使用积分，可抵 {amount}", "Use points: {amount} off"], remark: ["订单备注", "Remark"], place: ["提交订单", "Place the order"],
  priceMoved: ["价格有变化，请再看一下。", "The price has changed: please look again."], best: ["已自动选用最省的优惠券", "The best coupons are used"],
  orderTitle: ["订单 {no}", "Order {no}"], noOrders: ["还没有订单", "No orders yet"], all: ["全部", "All"],
  AWAITING_PAYMENT: ["待付款", "To pay"], AWAITING_TEAM: ["待成团", "Team forming"], AWAITING_SHIPMENT: ["待发货", "To ship"], AWAITING_PICKUP: ["待自提", "To pick up"], SHIPPED: ["待收货", "On its way"], COMPLETED: ["已完成", "Completed"], CANCELLED: ["已取消", "Cancelled"], REFUNDED: ["已退款", "Refunded"],
  pay: ["立即支付", "Pay now"], payBefore: ["请在 {time} 前付款", "Pay before {time}"], check: ["我已支付，刷新", "I have paid: check"], notPaid: ["微信还没有收到付款。", "WeChat has not seen the payment yet."], cancelOrder: ["取消订单", "Cancel the order"], cancelAsk: ["确定取消这笔订单吗？", "Cancel this order?"], again: ["再来一单", "Buy again"],
  paidThanks: ["支付成功", "Paid, thank you"], earned: ["{n} 积分待到账", "{n} points on their way"], pendingAll: ["（共 {n} 积分待到账）", " ({n} in all)"], paidAmount: ["实付", "Paid"], timeline: ["订单进度", "What happened"], items: ["商品", "Items"], pickupCode: ["自提码", "Pick-up code"],
  points: ["可用积分", "Points"], pending: ["待到账积分", "Points pending"], growth: ["成长值", "Growth"], toNext: ["距{tier}还差 {n} 成长值", "{n} growth to {tier}"], benefits: ["会员权益", "Benefits"], memberNo: ["会员号 {no}", "Member no. {no}"],
  profile: ["个人资料", "Profile"], nickname: ["昵称", "Nickname"], bindPhone: ["绑定手机号", "Bind a phone"], smsCode: ["短信验证码", "SMS code"], sendCode: ["发送验证码", "Send the code"], codeSent: ["已发送，请在模拟器页面查看。", "Sent: see the simulator's page."], banners: ["精选", "Featured"], gallery: ["商品图片", "Pictures"],
  member: ["会员", "Benefits"], codeUntil: ["会员码，{time} 前有效", "Your member code, good until {time}"],
  debt: ["还欠 {n} 积分，将从下次所得中扣回", "You owe {n} points: the next ones repay them"], owed: ["欠积分", "Owed"],
  expiring: ["{n} 积分将于 {time} 到期", "{n} points end on {time}"], until: ["{time} 到期", "until {time}"],
  toKeep: ["{time} 前再获 {n} 成长值可保级", "{n} more growth by {time} keeps your tier"], keeps: ["{time} 复核时可保级", "Your tier is safe at the review on {time}"],
  allTiers: ["会员等级", "All tiers"], fromGrowth: ["成长值 {n} 起", "from {n} growth"], yours: ["当前等级", "yours"], noBenefits: ["暂无专属权益", "No benefits of its own"],
  checkIn: ["每日签到", "Check-in"], checkInNow: ["签到", "Check in"], doneToday: ["今天已签到", "Done for today"], notYetToday: ["今天还没签到", "not yet today"],
  streak: ["已连续签到 {n} 天", "{n} days in a row"], nextReward: ["下次可得 {n} 积分", "{n} points next time"], checkedIn: ["签到成功，+{n} 积分", "Checked in: +{n} points"],
  dayNumber: ["第 {n} 天", "Day {n}"], makeUp: ["补签", "Make up"], madeUp: ["补签", "made up"], makeUpRules: ["补签一次 {cost} 积分，本月还可补签 {n} 次", "A make-up costs {cost} points; {n} left this month"],
  makeUpAsk: ["用 {cost} 积分补签 {date}？", "Make up for {date} with {cost} points?"],
  couponCentre: ["领券中心", "Coupon centre"], myCoupons: ["我的优惠券", "My coupons"], usableCount: ["{n} 张可用", "{n} to use"], claim: ["领取", "Claim"], claimFor: ["{n} 积分兑换", "For {n} points"],
  claimed: ["领取成功", "It is yours"], claimedByMe: ["已领 {n} 张", "you have claimed {n}"], remaining: ["剩 {n}", "{n} left"], noCampaigns: ["现在没有可领的券", "There are no coupons to claim now"],
  exchange: ["兑换", "Exchange"], exchangeCode: ["兑换码", "Exchange code"], exchanged: ["已兑换：{name}", "Yours now: {name}"], use: ["去使用", "Use"], noCoupons: ["这里还没有券", "No coupons here"],
  coupons_usable: ["可用", "To use"], coupons_used: ["已使用", "Used"], coupons_ended: ["已失效", "Ended"], coupon_NOT_YET_VALID: ["未到使用时间", "Not yet valid"], coupon_RESERVED: ["下单占用中", "Held by an order"],
  coupon_USED: ["已使用", "Used"], coupon_EXPIRED: ["已过期", "Expired"], coupon_REVOKED: ["已收回", "Taken back"],
  payPercent: ["{tenths} 折", "{off} % off"], FREE_SHIPPING: ["免运费", "Free shipping"], GIFT: ["赠品", "A gift"], fromSpend: ["满 {amount} 可用", "from {amount}"], noMinimum: ["无门槛", "no minimum"],
  pointsDetails: ["积分明细", "Points"], direction_all: ["全部", "All"], direction_in: ["获得", "Earned"], direction_out: ["使用", "Spent"], noEntries: ["还没有积分记录", "No points yet"],
  rewardMall: ["积分商城", "Rewards"], redemptions: ["兑换记录", "Redemptions"], inPoints: ["{n} 积分", "{n} points"], redeem: ["兑换", "Redeem"], redeemed: ["兑换成功", "Redeemed"], affordable: ["我能兑换", "In my reach"],
  havePoints: ["可用 {n} 积分", "You have {n} points"], noRewards: ["暂时没有可兑换的礼品", "No rewards at the moment"], redeemAsk: ["用 {n} 积分兑换“{name}”？", "Redeem “{name}” for {n} points?"],
  addressFirst: ["请先添加收货地址", "Add an address first"], noRedemptions: ["还没有兑换过", "Nothing redeemed yet"], cancelled: ["已取消，积分已退回", "Cancelled: your points are back"],
  reward_GOODS: ["实物", "Goods"], reward_COUPON: ["优惠券", "Coupon"], reward_VIRTUAL: ["虚拟", "Code"], redemption_AWAITING_PAYMENT: ["待付款", "To pay"], redemption_AWAITING_SHIPMENT: ["待发货", "To ship"],
  redemption_FULFILLED: ["已完成", "Done"], redemption_CANCELLED: ["已取消", "Cancelled"], redemption_REFUNDED: ["已退款", "Refunded"],
  invite: ["邀请好友", "Invite friends"], inviteCode: ["邀请码", "Your code"], invited: ["已邀请", "Invited"], rewardedPoints: ["已得积分", "Points earned"], copyLink: ["复制邀请链接", "Copy the link"], copied: ["已复制", "Copied"],
  miniProgramCode: ["小程序码", "Mini-program code"], invitees: ["好友", "Friends"], noInvitees: ["还没有好友加入", "Nobody has joined yet"], invitee_JOINED: ["已加入", "Joined"], invitee_ORDERED: ["已下单", "Ordered"],
  invitee_REWARDED: ["已奖励", "Rewarded"], invitee_NOT_REWARDED: ["未奖励", "Not rewarded"],
  flashSales: ["秒杀专场", "Flash sales"], noFlashSales: ["现在没有秒杀", "There is no flash sale now"], endsAt: ["{time} 结束", "until {time}"], startsAt: ["{time} 开抢", "from {time}"],
  claimNow: ["立即抢", "Claim"], queued: ["排队中，请稍候…", "You are in the queue …"], stillQueued: ["还在排队，稍后可在此页查看结果。", "Still in the queue: look here again in a moment."], toOrder: ["查看订单", "See the order"],
  together: ["{n} 人拼团", "Together with {n}"], teamHours: ["开团后 {n} 小时内成团", "A team has {n} hours"], openTeam: ["我要开团", "Open a team"], joinTeam: ["立即参团", "Join"], seatsLeft: ["还差 {n} 人", "{n} more wanted"], look: ["去看看", "Look"],
  team_SUCCEEDED: ["拼团成功", "The team is complete"], team_FAILED: ["未成团，已付款项原路退回", "It did not come together; payments go back"], leader: ["团长", "opened it"], copyTeamLink: ["复制参团链接", "Copy the link"], shareTeam: ["邀请好友参团", "Bring others in"], seeTeam: ["查看拼团", "See the team"],
  inbox: ["消息", "Messages"], unread: ["{n} 条未读", "{n} unread"], readAll: ["全部已读", "Mark all read"], noMessages: ["没有消息", "No messages"],
};

export const LANGUAGE = document.documentElement.lang === "en" ? "en" : "zh";
const PLACE = LANGUAGE === "en" ? 1 : 0;

/** A text by its key, with {facts} put in. */
export function t(key, facts = {}) {
  return (WORDS[key]?.[PLACE] ?? key).replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

/** Fen as people read them. */
export function yuan(fen) {
  const whole = Math.floor(Math.abs(fen) / 100);
  return `${fen < 0 ? "−" : ""}¥${whole}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;
}

/** A moment as people here read it. */
export const moment = (iso) =>
  new Intl.DateTimeFormat(LANGUAGE === "en" ? "en-GB" : "zh-CN", { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));

/** A day as people here read it. */
export const day = (iso) => new Intl.DateTimeFormat(LANGUAGE === "en" ? "en-GB" : "zh-CN", { dateStyle: "medium" }).format(new Date(iso));
