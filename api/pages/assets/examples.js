// What newcomers try first. Every document here is checked against the schema by a test.

export const EXAMPLES = [
  {
    title: "Products",
    text: `query Products($keyword: String, $after: String) {
  products(first: 10, after: $after, filter: { keyword: $keyword }, sort: BEST_SELLING) {
    nodes {
      id
      name
      labels
      sold
      available
      currentPriceRange { min max }
    }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}
`,
  },
  {
    title: "Product page",
    text: `query ProductPage($id: ID!) {
  product(id: $id) {
    name
    subtitle
    images
    options { name values { value } }
    skus {
      id
      code
      options { name value }
      price
      memberPrice
      currentPrice
      referencePrice { amount label }
      stock
      purchaseLimitLeft
    }
  }
}
`,
    variables: { id: "an id from the list of products" },
  },
  {
    title: "Home: categories and banners",
    text: `query Home {
  categories { id name children { id name } }
  banners(slot: HOME) { id title imageUrl link }
  searchSuggestions(text: "")
}
`,
  },
  {
    title: "Sign in (mini-program)",
    text: `# The code is what wx.login gives. The simulator hands one out:
#   curl -X POST SIMULATOR/_sim/users
#   curl -X POST SIMULATOR/_sim/login_code -d '{"user": "the id"}'
mutation SignIn($code: String!) {
  signInWithMiniProgram(input: { code: $code }) {
    session { accessToken refreshToken expiresAt isNewMember member { id memberNo } }
    userErrors { code message path }
  }
}
`,
    variables: { code: "" },
  },
  {
    title: "Me (needs a token)",
    text: `query Me {
  me {
    memberNo
    nickname
    joinedAt
    points { balance pending }
    membership { growth tier { name } nextTier { name } growthToNextTier }
    cart { pieces }
  }
}
`,
  },
  {
    title: "Add to cart (needs a token)",
    text: `mutation AddToCart($input: AddToCartInput!) {
  addToCart(input: $input) {
    cart {
      pieces
      lines { id quantity selected sku { code currentPrice } problem { code message } }
      quote { goodsTotal discountTotal shipping payable problems { code message } }
    }
    userErrors { code message path }
  }
}
`,
    variables: { input: { skuId: "an id from a product page", quantity: 1, idempotencyKey: "cart-1" } },
  },
  {
    title: "Quote (needs a token)",
    text: `query Quote($input: OrderDraftInput!) {
  quoteOrder(input: $input) {
    lines { quantity unitPrice goodsTotal discountTotal payable discounts { kind title amount } }
    goodsTotal
    discountTotal
    shipping
    payable
    pointsToEarn
    discounts { kind title amount }
    hints { message }
    problems { code message path }
  }
}
`,
    variables: { input: { fromCart: true } },
  },
  {
    title: "My orders (needs a token)",
    text: `query MyOrders($after: String) {
  me {
    orders(first: 10, after: $after) {
      nodes {
        id
        orderNo
        status
        payable
        placedAt
        lines { productName skuName quantity payable }
        actions
      }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
}
`,
  },
];
