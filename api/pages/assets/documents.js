// Everything that the shop asks of the member API. A test checks each document against the schema.

const CARD = `fragment Card on Product {
  id name subtitle images labels sold available currentPriceRange { min max }
}`;
const ERRORS = "userErrors { code message path retryAfterSeconds }";
const PRICE = `goodsTotal discountTotal shipping pointsOff payable
  discounts { kind title amount }`;
const QUOTE = `fragment Quote on OrderQuote {
  ${PRICE} pointsToEarn maxPointsToSpend maxPointsOff hints { message } problems { code message path }
}`;
const CART = `fragment CartParts on Cart {
  pieces
  lines {
    id quantity selected priceWhenAdded problem { message }
    sku { id currentPrice imageUrl options { value } purchaseLimit product { id name images } }
  }
  quote { ...Quote }
}
${QUOTE}`;
const ADDRESS = "id name phone province city district detail isDefault";
const MEMBER = `fragment Parts on Member {
  id memberNo nickname avatarUrl phone joinedAt
  points { balance pending }
  membership { tier { name level } growth nextTier { name } growthToNextTier progress benefits { title description } }
  consents { kind version given }
  addresses { ${ADDRESS} }
}`;
const ORDER = `fragment OrderParts on Order {
  id orderNo status delivery placedAt payBefore paidAt paid pointsEarned remark cancelReason pickupCode actions
  ${PRICE}
  address { name phone province city district detail } store { name address }
  lines { id productName skuName imageUrl quantity unitPrice payable sku { id product { id } } }
  timeline { at title }
}`;

export const SHOP = `query Shop {
  shop { name now hotSearches servicePhone agreements { kind version title url required } }
}`;
export const BADGE = "query Badge { me { id nickname joinedAt cart { pieces } } }";
export const HOME = `query Home {
  banners(slot: HOME) { id title imageUrl link }
  categories { id name imageUrl children { id name imageUrl } }
}`;
export const PRODUCTS = `query Products($after: String, $filter: ProductFilter, $sort: ProductSort) {
  products(first: 20, after: $after, filter: $filter, sort: $sort) {
    totalCount nodes { ...Card } pageInfo { hasNextPage endCursor }
  }
}
${CARD}`;
export const SUGGEST = "query Suggest($text: String!) { searchSuggestions(text: $text, first: 8) }";
export const PRODUCT = `query Product($id: ID!) {
  product(id: $id) {
    ...Card
    descriptionHtml noReasonReturn attributes { name value } options { name values { value imageUrl } }
    skus {
      id imageUrl price currentPrice currentPriceKind referencePrice { amount label } stock purchaseLimit purchaseLimitLeft
      options { name value }
    }
  }
}
${CARD}`;
export const ADD = `mutation Add($input: AddToCartInput!) {
  addToCart(input: $input) { cart { pieces } ${ERRORS} }
}`;
export const CART_PAGE = `query CartPage { me { cart { ...CartParts } } }
${CART}`;
export const CHANGE_CART = `mutation ChangeCart($input: UpdateCartInput!) {
  updateCart(input: $input) { cart { ...CartParts } ${ERRORS} }
}
${CART}`;
export const CHECKOUT = `query Checkout($draft: OrderDraftInput!) {
  quoteOrder(input: $draft) {
    ...Quote
    lines {
      quantity unitPrice payable discounts { kind title amount }
      sku { imageUrl options { value } product { name images } }
    }
    address { id } coupons { id terms { name } }
  }
  me { addresses { ${ADDRESS} } }
  stores(first: 20, filter: { supportsPickup: true }) { nodes { id name address } }
}
${QUOTE}`;
export const SAVE_ADDRESS = `mutation SaveAddress($input: SaveAddressInput!) {
  saveAddress(input: $input) { address { id } ${ERRORS} }
}`;
export const DELETE_ADDRESS = `mutation DeleteAddress($input: DeleteAddressInput!) {
  deleteAddress(input: $input) { member { id } ${ERRORS} }
}`;
export const PLACE = `mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id } ${ERRORS} }
}`;
export const PAY = `mutation Pay($input: PayOrderInput!) {
  payOrder(input: $input) { payment { h5Url } order { id status } ${ERRORS} }
}`;
export const REFRESH_PAYMENT = `mutation RefreshPayment($input: RefreshPaymentInput!) {
  refreshPayment(input: $input) { order { id status } ${ERRORS} }
}`;
export const CANCEL = `mutation Cancel($input: CancelOrderInput!) {
  cancelOrder(input: $input) { order { id status } ${ERRORS} }
}`;
export const ORDER_PAGE = `query OrderPage($id: ID!) { order(id: $id) { ...OrderParts } me { points { pending } } }
${ORDER}`;
export const ORDERS = `query Orders($statuses: [OrderStatus!], $after: String) {
  me {
    orders(first: 10, after: $after, statuses: $statuses) {
      nodes { id orderNo status payable placedAt lines { id productName imageUrl quantity } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;
export const ME = `query Me { me { ...Parts } }
${MEMBER}`;
export const SET_CONSENTS = `mutation SetConsents($input: SetConsentsInput!) {
  setConsents(input: $input) { member { id joinedAt } ${ERRORS} }
}`;
export const RENAME = `mutation Rename($input: UpdateProfileInput!) {
  updateProfile(input: $input) { member { id nickname } ${ERRORS} }
}`;
export const SEND_CODE = `mutation SendCode($input: SendSmsCodeInput!) {
  sendSmsCode(input: $input) { retryAfterSeconds ${ERRORS} }
}`;
const SESSION = "session { accessToken refreshToken expiresAt isNewMember member { id joinedAt nickname } }";
export const BIND_PHONE = `mutation BindPhone($input: BindPhoneInput!) {
  bindPhone(input: $input) { ${SESSION} ${ERRORS} }
}`;
export const SIGN_IN = `mutation SignIn($input: SignInWithOfficialAccountInput!) {
  signInWithOfficialAccount(input: $input) { ${SESSION} ${ERRORS} }
}`;
export const REFRESH = `mutation Refresh($input: RefreshSessionInput!) {
  refreshSession(input: $input) { ${SESSION} ${ERRORS} }
}`;
export const SIGN_OUT = `mutation SignOut { signOut { ${ERRORS} } }`;
