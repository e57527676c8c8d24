// Generated from a client's operations. `id` is what a request's `documentId` takes.
export const ADD = {
  id: "sha256:ed4890389337394dc742c2b36e20c694de2f4605159ce52603ca4a77a1804ba6",
  text: "mutation Add($input: AddToCartInput!) {\n  addToCart(input: $input) {\n    cart {\n      pieces\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const BADGE = {
  id: "sha256:8c113213eb696e14e3f522b16a50f4c536d63ac6f452785aa7d5280c3c6f590f",
  text: "query Badge {\n  me {\n    id\n    nickname\n    joinedAt\n    cart {\n      pieces\n    }\n  }\n}",
};
export const BIND_PHONE = {
  id: "sha256:f32c450c487525ca24043b43e65adad3db3ddee22feb05fcff2f8f8ebd7f5011",
  text: "mutation BindPhone($input: BindPhoneInput!) {\n  bindPhone(input: $input) {\n    session {\n      accessToken\n      refreshToken\n      expiresAt\n      isNewMember\n      member {\n        id\n        joinedAt\n        nickname\n      }\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const CANCEL = {
  id: "sha256:527bd5c772b3d75fa9eca4ca46ad47d20308156183ca216c787b767a28f646cc",
  text: "mutation Cancel($input: CancelOrderInput!) {\n  cancelOrder(input: $input) {\n    order {\n      id\n      status\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const CANCEL_REDEMPTION = {
  id: "sha256:3fcfc6e828a25870bf2177ee0d90272af732804398e24522fdd1b3bbfc945878",
  text: "mutation CancelRedemption($input: CancelRedemptionInput!) {\n  cancelRedemption(input: $input) {\n    redemption {\n      id\n      status\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const CART_PAGE = {
  id: "sha256:a1d7d45ef2f543d3c0cda535adf969aa495d8546d8e3f8d125ac30a274084124",
  text: "query CartPage {\n  me {\n    cart {\n      ...CartParts\n    }\n  }\n}\n\nfragment CartParts on Cart {\n  pieces\n  lines {\n    id\n    quantity\n    selected\n    priceWhenAdded\n    problem {\n      message\n    }\n    sku {\n      id\n      currentPrice\n      imageUrl\n      options {\n        value\n      }\n      purchaseLimit\n      product {\n        id\n        name\n        images\n      }\n    }\n  }\n  quote {\n    ...Quote\n  }\n}\n\nfragment Quote on OrderQuote {\n  goodsTotal\n  discountTotal\n  shipping\n  pointsOff\n  payable\n  discounts {\n    kind\n    title\n    amount\n  }\n  pointsToEarn\n  maxPointsToSpend\n  maxPointsOff\n  hints {\n    message\n  }\n  problems {\n    code\n    message\n    path\n  }\n}",
};
export const CHANGE_CART = {
  id: "sha256:e99b055b8fd4af85a2c8e7e88cbb51932668838905ec384e6c22fcb230532413",
  text: "mutation ChangeCart($input: UpdateCartInput!) {\n  updateCart(input: $input) {\n    cart {\n      ...CartParts\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}\n\nfragment CartParts on Cart {\n  pieces\n  lines {\n    id\n    quantity\n    selected\n    priceWhenAdded\n    problem {\n      message\n    }\n    sku {\n      id\n      currentPrice\n      imageUrl\n      options {\n        value\n      }\n      purchaseLimit\n      product {\n        id\n        name\n        images\n      }\n    }\n  }\n  quote {\n    ...Quote\n  }\n}\n\nfragment Quote on OrderQuote {\n  goodsTotal\n  discountTotal\n  shipping\n  pointsOff\n  payable\n  discounts {\n    kind\n    title\n    amount\n  }\n  pointsToEarn\n  maxPointsToSpend\n  maxPointsOff\n  hints {\n    message\n  }\n  problems {\n    code\n    message\n    path\n  }\n}",
};
export const CHECK_IN_NOW = {
  id: "sha256:6c58519800cd006512a9e627fd8e6880a96a5fa76e14261e88f3d42d9cbc6bbd",
  text: "mutation CheckInNow {\n  checkIn {\n    day {\n      points\n    }\n    streak\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const CHECK_IN_PAGE = {
  id: "sha256:4ca5556a6cfe0e06baa11c651124ef64a5a6032857a88c3e210e2d65f4b60d23",
  text: "query CheckInPage($month: String!) {\n  shop {\n    now\n    checkInRules {\n      cycleDays\n      dayRewards {\n        day\n        points\n        coupon {\n          name\n        }\n      }\n      makeUpCostPoints\n      makeUpsPerMonth\n    }\n  }\n  me {\n    joinedAt\n    points {\n      balance\n    }\n    checkIn {\n      checkedInToday\n      streak\n      days(month: $month) {\n        date\n        points\n        madeUp\n      }\n      nextReward {\n        day\n        points\n      }\n      makeUpDates\n      makeUpsLeft\n    }\n  }\n}",
};
export const CHECKOUT = {
  id: "sha256:c9590de2970ff4e8f7a90ad3ce64a69318691e3d85da92a5c0a7ee6709c77095",
  text: "query Checkout($draft: OrderDraftInput!) {\n  quoteOrder(input: $draft) {\n    ...Quote\n    lines {\n      quantity\n      unitPrice\n      payable\n      discounts {\n        kind\n        title\n        amount\n      }\n      sku {\n        imageUrl\n        options {\n          value\n        }\n        product {\n          name\n          images\n        }\n      }\n    }\n    address {\n      id\n    }\n    coupons {\n      id\n      terms {\n        name\n      }\n    }\n  }\n  me {\n    addresses {\n      id\n      name\n      phone\n      province\n      city\n      district\n      detail\n      isDefault\n    }\n  }\n  stores(first: 20, filter: { supportsPickup: true }) {\n    nodes {\n      id\n      name\n      address\n    }\n  }\n}\n\nfragment Quote on OrderQuote {\n  goodsTotal\n  discountTotal\n  shipping\n  pointsOff\n  payable\n  discounts {\n    kind\n    title\n    amount\n  }\n  pointsToEarn\n  maxPointsToSpend\n  maxPointsOff\n  hints {\n    message\n  }\n  problems {\n    code\n    message\n    path\n  }\n}",
};
export const CLAIM = {
  id: "sha256:7b0a5d137f16d19954e47e023e65ae5636cde3f760e1c74d220db395a2656875",
  text: "mutation Claim($input: ClaimCouponInput!) {\n  claimCoupon(input: $input) {\n    coupon {\n      id\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const CLAIM_PIECE = {
  id: "sha256:aeb0efd28a5d9c2a9734fdf7c7c822b80c21fbd43860ec009ad14f951280fb33",
  text: "mutation ClaimPiece($input: ClaimFlashSaleInput!) {\n  claimFlashSale(input: $input) {\n    ticket {\n      id\n      status\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const COUPON_CENTRE_PAGE = {
  id: "sha256:659c622760bb4d5f3cd8b1acd8780d9e37303ca3dad439f96a6fdbe2088f41d0",
  text: "query CouponCentrePage($after: String) {\n  couponCampaigns(first: 20, after: $after) {\n    nodes {\n      id\n      status\n      remaining\n      quantity\n      pointsPrice\n      claimedByMe\n      perMemberLimit\n      terms {\n        ...TermsShown\n      }\n      problem {\n        message\n      }\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}\n\nfragment TermsShown on CouponTerms {\n  name\n  kind\n  amountOff\n  payPercent\n  minSpend\n  validityText\n  description\n  scope {\n    title\n  }\n}",
};
export const COUPON_GOODS = {
  id: "sha256:d551db13165778ea2419f202935f9924b2c15cefa385bb2214da3e6b0248b747",
  text: "query CouponGoods($id: ID!, $after: String) {\n  memberCoupon(id: $id) {\n    id\n    terms {\n      ...TermsShown\n    }\n  }\n  products(first: 20, after: $after, filter: { memberCouponId: $id }) {\n    nodes {\n      ...Card\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}\n\nfragment Card on Product {\n  id\n  name\n  subtitle\n  images\n  labels\n  sold\n  available\n  currentPriceRange {\n    min\n    max\n  }\n}\n\nfragment TermsShown on CouponTerms {\n  name\n  kind\n  amountOff\n  payPercent\n  minSpend\n  validityText\n  description\n  scope {\n    title\n  }\n}",
};
export const DELETE_ADDRESS = {
  id: "sha256:8def536a3f3d8f3b1d4bd3a3c3783cf44699ccd82dacbd09dd65f91f3916ea0e",
  text: "mutation DeleteAddress($input: DeleteAddressInput!) {\n  deleteAddress(input: $input) {\n    member {\n      id\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const EXCHANGE_CODE = {
  id: "sha256:203f71fc8077d3f310ca6ed00b2055590f57573c986dad059564c8760457662f",
  text: "mutation ExchangeCode($input: ClaimCouponCodeInput!) {\n  claimCouponCode(input: $input) {\n    coupon {\n      id\n      terms {\n        name\n      }\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const FLASH_SALES = {
  id: "sha256:01b78d6ea37df1e14f767f783987469b6817423a6d172bd1dfeeed07599d8be9",
  text: "query FlashSales {\n  flashSales(statuses: [RUNNING, UPCOMING], first: 5) {\n    nodes {\n      id\n      name\n      status\n      startsAt\n      endsAt\n      items(first: 20) {\n        nodes {\n          id\n          price\n          quantity\n          remaining\n          problem {\n            message\n          }\n          myTicket {\n            id\n            status\n            order {\n              id\n            }\n          }\n          sku {\n            price\n            imageUrl\n            options {\n              value\n            }\n            product {\n              id\n              name\n              images\n            }\n          }\n        }\n      }\n    }\n  }\n}",
};
export const GROUP_BUY = {
  id: "sha256:f189d3c86a7f3ea8e9ec216182ef97851be16fde11352b9dccfd5c88fea1613f",
  text: "query GroupBuy($id: ID!) {\n  product(id: $id) {\n    groupBuy {\n      id\n      teamSize\n      teamHours\n      problem {\n        message\n      }\n      items {\n        price\n        remaining\n        sku {\n          id\n          options {\n            value\n          }\n        }\n      }\n      openTeams(first: 3) {\n        nodes {\n          id\n          seatsLeft\n          expiresAt\n        }\n      }\n    }\n  }\n}",
};
export const HOME = {
  id: "sha256:b1b99e610739bad811c487e7041115cd62798bee44a334c6b576d8e02d55209a",
  text: "query Home {\n  banners(slot: HOME) {\n    id\n    title\n    imageUrl\n    link\n  }\n  categories {\n    id\n    name\n    imageUrl\n    children {\n      id\n      name\n      imageUrl\n    }\n  }\n}",
};
export const INBOX_PAGE = {
  id: "sha256:8567d0e26811f7b44d717fa642355432ea9bd4cc8584eea626f53a93a82560de",
  text: "query InboxPage($after: String) {\n  me {\n    messages(first: 20, after: $after) {\n      nodes {\n        id\n        title\n        body\n        readAt\n        createdAt\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n}",
};
export const INVITE_PAGE = {
  id: "sha256:1b874de0d9dfdf2790ebc6ea7f9f15ec613154aa12d363208789521dbb73495e",
  text: "query InvitePage {\n  me {\n    invitations {\n      inviteCode\n      invitedCount\n      rewardedPoints\n      rules\n      shareCard {\n        title\n        h5Url\n        miniProgramCodeUrl\n      }\n      invitees(first: 20) {\n        nodes {\n          id\n          nickname\n          avatarUrl\n          invitedAt\n          status\n          points\n        }\n      }\n    }\n  }\n}",
};
export const MAKE_UP_DAY = {
  id: "sha256:8dfc81b7363ebd2feceeec89e5912af8db6179e2caf7ff7b928661dbe8eb5573",
  text: "mutation MakeUpDay($input: MakeUpCheckInInput!) {\n  makeUpCheckIn(input: $input) {\n    day {\n      points\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const ME = {
  id: "sha256:d9d61388d1a35e7838cfc3474cb62eee9eb07c1eee9ea62575768010e8396fa5",
  text: "query Me {\n  me {\n    ...Parts\n  }\n}\n\nfragment Parts on Member {\n  id\n  memberNo\n  nickname\n  avatarUrl\n  phone\n  joinedAt\n  points {\n    balance\n    pending\n  }\n  membership {\n    tier {\n      name\n      level\n    }\n    growth\n    nextTier {\n      name\n    }\n    growthToNextTier\n    progress\n    benefits {\n      title\n      description\n    }\n  }\n  consents {\n    kind\n    version\n    given\n  }\n  addresses {\n    id\n    name\n    phone\n    province\n    city\n    district\n    detail\n    isDefault\n  }\n}",
};
export const MEMBERSHIP = {
  id: "sha256:a38c44a3b707c80c206f2235dbfffd8730989197c06ae65da830f9b951e7575e",
  text: "query Membership {\n  shop {\n    now\n  }\n  tiers {\n    code\n    name\n    growthThreshold\n    benefits {\n      title\n      description\n    }\n  }\n  me {\n    joinedAt\n    nickname\n    code {\n      text\n      expiresAt\n    }\n    counts {\n      couponsUsable\n      unreadMessages\n    }\n    points {\n      balance\n      pending\n      debt\n      expiringSoon {\n        points\n        expiresAt\n      }\n    }\n    membership {\n      tier {\n        code\n        name\n      }\n      growth\n      nextTier {\n        name\n      }\n      growthToNextTier\n      progress\n      reviewAt\n      growthToKeep\n    }\n    checkIn {\n      checkedInToday\n      streak\n    }\n  }\n}",
};
export const MY_COUPONS_PAGE = {
  id: "sha256:e0a38f153bfdef8e529db1f741df23da96f4ee868e1b5fe2ff4ca829dd4b7e63",
  text: "query MyCouponsPage($statuses: [CouponStatus!], $after: String) {\n  me {\n    counts {\n      couponsUsable\n      couponsUsed\n      couponsExpired\n    }\n    coupons(statuses: $statuses, first: 20, after: $after) {\n      nodes {\n        id\n        code\n        status\n        validUntil\n        terms {\n          ...TermsShown\n        }\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n}\n\nfragment TermsShown on CouponTerms {\n  name\n  kind\n  amountOff\n  payPercent\n  minSpend\n  validityText\n  description\n  scope {\n    title\n  }\n}",
};
export const MY_REDEMPTIONS = {
  id: "sha256:cef8f56944d3f90479987bd93a9c01429c08df82353738064b9590bfcb8ed0bf",
  text: "query MyRedemptions($after: String) {\n  me {\n    redemptions(first: 20, after: $after) {\n      nodes {\n        id\n        points\n        cash\n        status\n        code\n        createdAt\n        reward {\n          name\n        }\n        coupon {\n          status\n        }\n        order {\n          id\n        }\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n}",
};
export const ORDER_PAGE = {
  id: "sha256:01f37d7936b8afba8804fdb0114ff41a554db74c5bff38de2ee35a7f79b3d68d",
  text: "query OrderPage($id: ID!) {\n  order(id: $id) {\n    ...OrderParts\n  }\n  me {\n    points {\n      pending\n    }\n  }\n}\n\nfragment OrderParts on Order {\n  id\n  groupBuyTeam {\n    id\n  }\n  orderNo\n  status\n  delivery\n  placedAt\n  payBefore\n  paidAt\n  paid\n  pointsEarned\n  remark\n  cancelReason\n  pickupCode\n  actions\n  goodsTotal\n  discountTotal\n  shipping\n  pointsOff\n  payable\n  discounts {\n    kind\n    title\n    amount\n  }\n  address {\n    name\n    phone\n    province\n    city\n    district\n    detail\n  }\n  store {\n    name\n    address\n  }\n  lines {\n    id\n    productName\n    skuName\n    imageUrl\n    quantity\n    unitPrice\n    payable\n    sku {\n      id\n      product {\n        id\n      }\n    }\n  }\n  timeline {\n    at\n    title\n  }\n}",
};
export const ORDERS = {
  id: "sha256:cee7087c909b3d10a727b4b39550615b6ccbf05f874bc9b38eee2b402e28a496",
  text: "query Orders($statuses: [OrderStatus!], $after: String) {\n  me {\n    orders(first: 10, after: $after, statuses: $statuses) {\n      nodes {\n        id\n        orderNo\n        status\n        payable\n        placedAt\n        lines {\n          id\n          productName\n          imageUrl\n          quantity\n        }\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n}",
};
export const PAY = {
  id: "sha256:13b9ecb0d7396b0a677e988ecdaa5300ced46a72f1f2ddb0a8711722004f3c0a",
  text: "mutation Pay($input: PayOrderInput!) {\n  payOrder(input: $input) {\n    payment {\n      h5Url\n    }\n    order {\n      id\n      status\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const PLACE = {
  id: "sha256:0f8c9734008f9f7ad49149fbcd6c284d526ba84c3121f68c9bf7ff863d876d7e",
  text: "mutation Place($input: PlaceOrderInput!) {\n  placeOrder(input: $input) {\n    order {\n      id\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const POINTS_PAGE = {
  id: "sha256:0273057365c88874841a5080580aa07b028216be0a3fc0e013742190a8e5ad98",
  text: "query PointsPage($direction: EntryDirection, $after: String) {\n  me {\n    points {\n      balance\n      pending\n      debt\n      expiringSoon {\n        points\n        expiresAt\n      }\n      entries(first: 20, after: $after, direction: $direction) {\n        nodes {\n          id\n          delta\n          balanceAfter\n          title\n          createdAt\n          expiresAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n}",
};
export const PRODUCT = {
  id: "sha256:c86455610666b5fe7c1203e327e866e882d7e7ff683bf01ff023860e47b68beb",
  text: "query Product($id: ID!) {\n  product(id: $id) {\n    ...Card\n    descriptionHtml\n    noReasonReturn\n    attributes {\n      name\n      value\n    }\n    options {\n      name\n      values {\n        value\n        imageUrl\n      }\n    }\n    skus {\n      id\n      imageUrl\n      price\n      currentPrice\n      currentPriceKind\n      referencePrice {\n        amount\n        label\n      }\n      stock\n      purchaseLimit\n      purchaseLimitLeft\n      options {\n        name\n        value\n      }\n    }\n  }\n}\n\nfragment Card on Product {\n  id\n  name\n  subtitle\n  images\n  labels\n  sold\n  available\n  currentPriceRange {\n    min\n    max\n  }\n}",
};
export const PRODUCTS = {
  id: "sha256:d3452511909979684b693cac59cca27621da4ed4f42df9de19c7cd8eaaa2391a",
  text: "query Products($after: String, $filter: ProductFilter, $sort: ProductSort) {\n  products(first: 20, after: $after, filter: $filter, sort: $sort) {\n    totalCount\n    nodes {\n      ...Card\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}\n\nfragment Card on Product {\n  id\n  name\n  subtitle\n  images\n  labels\n  sold\n  available\n  currentPriceRange {\n    min\n    max\n  }\n}",
};
export const READ_ALL = {
  id: "sha256:26dcf67ce1d00df1a6eb4cca7d34265e782cdd02ab2e46851bba86a886c90c93",
  text: "mutation ReadAll {\n  markMessagesRead(input: {  }) {\n    member {\n      counts {\n        unreadMessages\n      }\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const REDEEM = {
  id: "sha256:7c9e3054b670884782295253fb384a212a8819ca8f0476a0281f50d02efcca04",
  text: "mutation Redeem($input: RedeemRewardInput!) {\n  redeemReward(input: $input) {\n    redemption {\n      id\n      order {\n        id\n      }\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const REFRESH = {
  id: "sha256:4a062a28df498867403f97f193935a0b05746bbe251f32e28b6b037066e34465",
  text: "mutation Refresh($input: RefreshSessionInput!) {\n  refreshSession(input: $input) {\n    session {\n      accessToken\n      refreshToken\n      expiresAt\n      isNewMember\n      member {\n        id\n        joinedAt\n        nickname\n      }\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const REFRESH_PAYMENT = {
  id: "sha256:eb2fae3af979a98dc0b9560979bd072fe777a3a1831a1a7ae22a82109989febf",
  text: "mutation RefreshPayment($input: RefreshPaymentInput!) {\n  refreshPayment(input: $input) {\n    order {\n      id\n      status\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const RENAME = {
  id: "sha256:e5cecad289c2374dffd6718ee607b04821512ba71bfad8d8da096168e977902f",
  text: "mutation Rename($input: UpdateProfileInput!) {\n  updateProfile(input: $input) {\n    member {\n      id\n      nickname\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const REWARDS_PAGE = {
  id: "sha256:e9cc57bbdb6acdc6677f42c9a0c3ed48031a7471457a760c1fadceaabc9ccd52",
  text: "query RewardsPage($filter: RewardFilter, $after: String) {\n  rewards(filter: $filter, first: 20, after: $after) {\n    nodes {\n      id\n      name\n      kind\n      imageUrl\n      pointsPrice\n      cashPrice\n      remaining\n      minTier {\n        name\n      }\n      problem {\n        message\n      }\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n  me {\n    points {\n      balance\n    }\n    addresses {\n      id\n      isDefault\n    }\n  }\n}",
};
export const SAVE_ADDRESS = {
  id: "sha256:ea93cd057925d395b88894eab520790dfdc0afa02181b15f6127daeb647110a5",
  text: "mutation SaveAddress($input: SaveAddressInput!) {\n  saveAddress(input: $input) {\n    address {\n      id\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const SEND_CODE = {
  id: "sha256:90c293ab39b4d1fbf4e0dfd1c19d7d6ea50f9c36e5bb673809b493fb1e1ecc0f",
  text: "mutation SendCode($input: SendSmsCodeInput!) {\n  sendSmsCode(input: $input) {\n    retryAfterSeconds\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const SET_CONSENTS = {
  id: "sha256:09a17b121ce5b69f7fea977927267ec80a8a3e5923bec075ffab3b0f75562005",
  text: "mutation SetConsents($input: SetConsentsInput!) {\n  setConsents(input: $input) {\n    member {\n      id\n      joinedAt\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const SHOP = {
  id: "sha256:e6b8d73ba2e7af55583af030db6fdfe9d4b948cdb99fda57c9bb9a03f213e1ad",
  text: "query Shop {\n  shop {\n    name\n    now\n    hotSearches\n    servicePhone\n    agreements {\n      kind\n      version\n      title\n      url\n      required\n    }\n  }\n}",
};
export const SIGN_IN = {
  id: "sha256:bfe72de84b44fc4b79b581b2e3feca88304b3089f2bd2fd620d37e9a46b36603",
  text: "mutation SignIn($input: SignInWithOfficialAccountInput!) {\n  signInWithOfficialAccount(input: $input) {\n    session {\n      accessToken\n      refreshToken\n      expiresAt\n      isNewMember\n      member {\n        id\n        joinedAt\n        nickname\n      }\n    }\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const SIGN_OUT = {
  id: "sha256:1732961c558d596eb6f46fa16f95d5919e181a2c3b2b5f5274f41dff26d39534",
  text: "mutation SignOut {\n  signOut {\n    userErrors {\n      code\n      message\n      path\n      retryAfterSeconds\n    }\n  }\n}",
};
export const SUGGEST = {
  id: "sha256:7241f57163db99e8404531e23ab12fb8ca86f0d3ce2d6b9adfcdc612f9fbca96",
  text: "query Suggest($text: String!) {\n  searchSuggestions(text: $text, first: 8)\n}",
};
export const TEAM = {
  id: "sha256:ab3eeabeacbe41f06ff65a35bff449d346a73a24b80312fd5e3b9bb316576bb5",
  text: "query Team($id: ID!) {\n  groupBuyTeam(id: $id) {\n    id\n    status\n    seatsLeft\n    expiresAt\n    joinedByMe\n    problem {\n      message\n    }\n    myOrder {\n      id\n    }\n    seats {\n      nickname\n      avatarUrl\n      leader\n      paid\n    }\n    groupBuy {\n      id\n      product {\n        id\n        name\n        images\n      }\n      items {\n        price\n        remaining\n        sku {\n          id\n          options {\n            value\n          }\n        }\n      }\n    }\n  }\n}",
};
export const TICKET = {
  id: "sha256:2c6f99bf1db81872bf9d86ccaca04ff3fd122015d7fc6db297dea75202f1ca70",
  text: "query Ticket($id: ID!) {\n  flashSaleTicket(id: $id) {\n    id\n    status\n    problem {\n      message\n    }\n    order {\n      id\n    }\n  }\n}",
};
