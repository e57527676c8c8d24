"""What the mini-program asks, operation by operation: the pages' own documents."""

from __future__ import annotations

from executor.manifest import Manifest, TrustedDocument

CARD = """fragment Card on Product {
  id name subtitle images labels sold available
  currentPriceRange { min max } priceRange { min max }
}"""

HOME = """query Home {
  products(first: 20) {
    nodes {
      id name images
      skus { id options { value } price memberPrice }
      categories { name }
    }
  }
}"""

DASHBOARD = """query Dashboard {
  me {
    id memberNo nickname avatarUrl phone joinedAt
    points { balance pending expiringSoon { points expiresAt } }
    membership {
      tier { code name } growth nextTier { code name } growthToNextTier progress reviewAt
    }
    checkIn { checkedInToday streak nextReward { day points } }
    coupons(statuses: [USABLE], first: 5) {
      nodes { id status validUntil terms { name kind amountOff minSpend } }
    }
    orders(first: 5) { nodes { id orderNo status payable placedAt } }
  }
}"""

LIST = (
    CARD
    + """
query List($after: String) {
  products(first: 20, after: $after, filter: {inStock: true}) {
    nodes {
      ...Card
      skus { id options { name value } price memberPrice currentPrice stock }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
)

PAGE = (
    CARD
    + """
query ProductPage($id: ID!) {
  product(id: $id) {
    ...Card
    descriptionHtml noReasonReturn
    attributes { name value }
    options { name values { value imageUrl } }
    skus {
      id code options { name value } imageUrl price memberPrice currentPrice currentPriceKind
      referencePrice { amount label } stock purchaseLimit purchaseLimitLeft
    }
    shareCard { title imageUrl path miniProgramCodeUrl }
  }
  me { counts { cartPieces } }
}"""
)

ORDERS = """query Orders($s: [OrderStatus!], $after: String) {
  me {
    counts { ordersAwaitingPayment ordersAwaitingShipment ordersAwaitingReceipt }
    orders(statuses: $s, first: 10, after: $after) {
      nodes {
        id orderNo status kind payable payBefore actions
        lines { id productName skuName imageUrl quantity unitPrice }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

QUOTE = """query Checkout($d: OrderDraftInput!) {
  quoteOrder(input: $d) {
    lines {
      sku { id } quantity unitPrice goodsTotal discountTotal payable
      discounts { kind title amount }
    }
    goodsTotal discountTotal shipping pointsSpent pointsOff payable pointsToEarn
    discounts { kind title amount }
    address { id name phone province city district detail }
    maxPointsToSpend maxPointsOff
    hints { message missingAmount missingPieces }
    problems { code message path }
  }
}"""

PLACE = """mutation Place($i: PlaceOrderInput!) {
  placeOrder(input: $i) {
    order { id orderNo status payable payBefore }
    userErrors { code message path retryAfterSeconds }
  }
}"""

PAY = """mutation Pay($i: PayOrderInput!) {
  payOrder(input: $i) {
    payment { appId timeStamp nonceStr package signType paySign h5Url }
    userErrors { code message path retryAfterSeconds }
  }
}"""

ADD = """mutation Add($i: AddToCartInput!) {
  addToCart(input: $i) { cart { pieces } userErrors { code message path retryAfterSeconds } }
}"""

ORDER = "query Order($id: ID!) { order(id: $id) { status paid } }"

SIGN_IN = """mutation Launch($i: SignInWithMiniProgramInput!) {
  signInWithMiniProgram(input: $i) {
    session {
      accessToken refreshToken expiresAt isNewMember
      member { id joinedAt nickname avatarUrl phone counts { cartPieces } }
    }
    userErrors { code message path retryAfterSeconds }
  }
}"""

DOCUMENTS = {
    "home": HOME,
    "dashboard": DASHBOARD,
    "orders": ORDERS,
    "list": LIST,
    "page": PAGE,
    "quote": QUOTE,
    "place": PLACE,
    "pay": PAY,
    "add": ADD,
    "order": ORDER,
    "sign-in": SIGN_IN,
}

MANIFEST = Manifest(
    TrustedDocument(name, "mutation" if text.startswith("mutation") else "query", text)
    for name, text in DOCUMENTS.items()
)
"""What `mall documents build` would write of a client's release that asks all this."""

IDS = {each.name: f"sha256:{each.hash}" for each in MANIFEST}
"""What a client sends instead of a document, by operation."""
