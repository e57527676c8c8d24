// Orders, and what a member has.

import { gql, keepSession, mutate, signedIn } from "./api.js";
import { addressText, editAddress, forgetAddress } from "./buying.js";
import { ADD, BIND_PHONE, CANCEL, ME, ORDER_PAGE, ORDERS, PAY, REFRESH_PAYMENT, RENAME, SEND_CODE, SIGN_OUT } from "./documents.js";
import { h, randomId } from "./dom.js";
import { agreement, answerConsents, app, askToJoin, badge, button, empty, field, form, labelled, needsSignIn, picture, sums, toast } from "./frame.js";
import { moment, t, yuan } from "./words.js";

const TABS = { all: null, AWAITING_PAYMENT: ["AWAITING_PAYMENT"], AWAITING_SHIPMENT: ["AWAITING_SHIPMENT", "AWAITING_TEAM"], SHIPPED: ["SHIPPED", "AWAITING_PICKUP"], COMPLETED: ["COMPLETED"], CANCELLED: ["CANCELLED", "REFUNDED"] };
const PAYING = "mall.paying";

export async function orders(tab = "all") {
  if (!signedIn()) return needsSignIn();
  const list = h("ul", { class: "orders" });
  const below = h("div", { class: "below" });
  const load = async (after = null) => {
    const { me } = await gql(ORDERS, { statuses: TABS[tab] ?? null, after });
    if (!me) return false;
    list.append(...me.orders.nodes.map(orderRow));
    const { hasNextPage, endCursor } = me.orders.pageInfo;
    below.replaceChildren(...(hasNextPage ? [button(t("more"), () => load(endCursor))] : []));
    return true;
  };
  if (!(await load())) return needsSignIn();
  const chips = Object.keys(TABS).map((each) => h("a", { class: "chip", href: `#/orders/${each}`, "aria-current": each === tab ? "page" : null }, t(each)));
  const none = h("p", { class: "empty" }, t("noOrders"));
  return [h("h1", { tabindex: -1 }, t("orders")), h("nav", { class: "chips", "aria-label": t("orders") }, chips), list.childElementCount ? list : none, below];
}

function orderRow({ id, status, payable, placedAt, lines }) {
  const pieces = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  return h(
    "li",
    { class: "card" },
    h(
      "a",
      { href: `#/order/${id}` },
      h("span", { class: "line between" }, h("span", { class: "faint" }, moment(placedAt)), h("b", { class: `status ${status.toLowerCase()}` }, t(status))),
      h("span", { class: "pictures" }, lines.slice(0, 4).map(({ productName, imageUrl }) => picture(imageUrl, productName, { class: "small" }))),
      h("span", { class: "name" }, lines[0]?.productName, lines.length > 1 ? " …" : ""),
      h("span", { class: "line between" }, h("span", { class: "faint" }, `× ${pieces}`), h("b", { class: "price" }, yuan(payable))),
    ),
  );
}

export async function order(id) {
  if (!signedIn()) return needsSignIn();
  await settleReturn(id);
  const { order: found, me } = await gql(ORDER_PAGE, { id });
  if (!found) return empty(t("missing"), "", h("a", { class: "button", href: "#/orders/all" }, t("orders")));
  return h(
    "div",
    { class: "columns" },
    h(
      "section",
      { class: "card" },
      h("h1", { tabindex: -1, id: "status", class: `status ${found.status.toLowerCase()}` }, t(found.status)),
      h("p", { class: "faint" }, t("orderTitle", { no: found.orderNo })),
      found.cancelReason ? h("p", {}, found.cancelReason) : null,
      found.pickupCode ? h("p", {}, t("pickupCode"), " ", h("b", {}, found.pickupCode)) : null,
      found.address ? h("p", {}, addressText(found.address)) : null,
      found.store ? h("p", {}, h("b", {}, found.store.name), h("br"), h("span", { class: "faint" }, found.store.address)) : null,
      h("h2", {}, t("items")),
      h("ul", { class: "lines" }, found.lines.map(orderLine)),
      h("h2", {}, t("timeline")),
      h("ol", { class: "timeline" }, found.timeline.map(({ at, title }) => h("li", {}, title, " ", h("small", {}, moment(at))))),
    ),
    h("aside", { class: "card" }, ...money(found, me), actions(found)),
  );
}

function money(found, me) {
  return [
    found.status === "AWAITING_PAYMENT" && found.payBefore ? h("p", { class: "hint" }, t("payBefore", { time: moment(found.payBefore) })) : null,
    sums(found),
    found.paidAt ? h("p", { class: "good" }, `${t("paidThanks")} · ${t("paidAmount")} ${yuan(found.paid)}`) : null,
    found.pointsEarned ? h("p", { class: "faint", id: "earned" }, t("earned", { n: found.pointsEarned }), me && me.points.pending !== found.pointsEarned ? t("pendingAll", { n: me.points.pending }) : "") : null,
    found.remark ? h("p", { class: "faint" }, t("remark"), ": ", found.remark) : null,
  ];
}

function orderLine({ productName, skuName, imageUrl, quantity, unitPrice, payable, sku }) {
  return h(
    "li",
    {},
    picture(imageUrl, productName, { class: "small" }),
    h(
      "div",
      { class: "grow" },
      sku ? h("a", { class: "name", href: `#/product/${sku.product.id}` }, productName) : h("span", { class: "name" }, productName),
      h("span", { class: "faint" }, skuName),
      h("span", { class: "line between" }, h("span", { class: "faint" }, `${yuan(unitPrice)} × ${quantity}`), h("b", { class: "price" }, yuan(payable))),
    ),
  );
}

function actions(found) {
  const can = (action) => found.actions.includes(action);
  return h(
    "div",
    { class: "stack" },
    can("PAY") ? button(t("pay"), () => pay(found.id), { class: "main big", id: "pay" }) : null,
    can("PAY") ? button(t("check"), () => check(found.id)) : null,
    found.groupBuyTeam ? h("a", { class: "button", id: "team", href: `#/team/${found.groupBuyTeam.id}` }, t(can("SHARE_TEAM") ? "shareTeam" : "seeTeam")) : null,
    can("BUY_AGAIN") ? button(t("again"), () => buyAgain(found.lines)) : null,
    can("CANCEL") ? button(t("cancelOrder"), () => cancel(found.id), { class: "quiet" }) : null,
  );
}

async function pay(orderId) {
  const back = `${app.config.baseUrl}${location.pathname}${location.search}#/order/${orderId}`;
  const { payment } = await mutate(PAY, { orderId, method: "WECHAT_H5", idempotencyKey: randomId(), returnUrl: back });
  if (payment?.h5Url) {
    sessionStorage.setItem(PAYING, orderId);
    location.assign(payment.h5Url);
  } else app.redraw();
}

/** Asks WeChat, once, after coming back from its page: its callback may still be on its way. */
async function settleReturn(orderId) {
  if (sessionStorage.getItem(PAYING) !== orderId) return;
  sessionStorage.removeItem(PAYING);
  await mutate(REFRESH_PAYMENT, { orderId }).catch((error) => toast(error.message));
}

async function check(orderId) {
  const { order: found } = await mutate(REFRESH_PAYMENT, { orderId });
  if (found.status === "AWAITING_PAYMENT") toast(t("notPaid"));
  else app.redraw();
}

async function cancel(orderId) {
  if (!confirm(t("cancelAsk"))) return;
  await mutate(CANCEL, { orderId, idempotencyKey: randomId() });
  app.redraw();
}

async function buyAgain(lines) {
  for (const { sku, quantity } of lines.filter((line) => line.sku)) {
    badge((await mutate(ADD, { skuId: sku.id, quantity, idempotencyKey: randomId() })).cart.pieces);
  }
  location.hash = "#/cart";
}

export async function me() {
  if (!signedIn()) return needsSignIn();
  const { me: member } = await gql(ME);
  if (!member) return needsSignIn();
  return h("div", { class: "columns" }, h("div", { class: "stack" }, who(member), profile(member)), h("div", { class: "stack" }, addresses(member), consents(member)));
}

function who({ nickname, memberNo, avatarUrl, joinedAt, points, membership }) {
  const { tier, growth, nextTier, growthToNextTier, progress, benefits } = membership;
  return h(
    "section",
    { class: "card" },
    h(
      "div",
      { class: "line" },
      picture(avatarUrl, nickname || "☺", { class: "avatar" }),
      h("div", { class: "grow" }, h("h1", { tabindex: -1 }, nickname || t("guest")), h("span", { class: "faint" }, t("memberNo", { no: memberNo }))),
      h("span", { class: "tag" }, joinedAt ? tier.name : t("visitor")),
    ),
    joinedAt ? null : button(t("joinTitle"), askToJoin, { class: "main big", id: "join" }),
    h("dl", { class: "figures" }, labelled(t("points"), points.balance), labelled(t("pending"), points.pending), labelled(t("growth"), growth)),
    nextTier ? [h("progress", { value: progress, max: 1, "aria-label": nextTier.name }), h("p", { class: "faint" }, t("toNext", { tier: nextTier.name, n: growthToNextTier }))] : null,
    benefits.length ? [h("h2", {}, t("benefits")), h("ul", { class: "plain" }, benefits.map(({ title, description }) => h("li", {}, title, " ", h("small", {}, description))))] : null,
  );
}

function profile({ nickname, phone, joinedAt }) {
  const rename = form([field(t("nickname"), { name: "nickname", value: nickname, required: true, maxlength: 40 })], t("save"), async (given) => {
    await mutate(RENAME, given);
    toast(t("saved"));
    app.redraw();
  });
  const out = button(t("signOut"), async () => {
    await gql(SIGN_OUT).catch(() => null);
    keepSession(null);
    badge(0);
    location.hash = "#/";
  });
  return h("section", { class: "card stack" }, h("h2", {}, t("profile")), rename, phone ? h("p", {}, t("phone"), " ", phone) : joinedAt ? phoneForm() : null, out);
}

function phoneForm() {
  const phone = field(t("phone"), { name: "phone", type: "tel", required: true });
  const send = button(t("sendCode"), async () => {
    await mutate(SEND_CODE, { phone: phone.querySelector("input").value });
    toast(t("codeSent"));
  });
  return form([phone, field(t("smsCode"), { name: "smsCode", inputmode: "numeric", autocomplete: "one-time-code", required: true })], t("bindPhone"), async (given) => {
    keepSession((await mutate(BIND_PHONE, given)).session);
    toast(t("saved"));
    app.redraw();
  }, send);
}

function addresses({ addresses: known }) {
  const redraw = async () => app.redraw();
  const row = (each) =>
    h(
      "li",
      { class: "line between" },
      addressText(each),
      h("span", { class: "line" }, h("button", { class: "quiet", onclick: () => editAddress(each, redraw) }, t("edit")), button(t("remove"), () => forgetAddress(each.id).then(redraw), { class: "quiet" })),
    );
  return h(
    "section",
    { class: "card stack" },
    h("h2", {}, t("addresses")),
    known.length ? h("ul", { class: "plain" }, known.map(row)) : h("p", { class: "faint" }, t("noAddress")),
    h("button", { onclick: () => editAddress(null, redraw) }, t("newAddress")),
  );
}

function consents({ consents: given }) {
  const isGiven = ({ kind, version }) => given.some((each) => each.kind === kind && each.version === version && each.given);
  const box = (each) => {
    const input = h("input", { type: "checkbox", checked: isGiven(each) });
    input.addEventListener("change", () =>
      answerConsents([[each, input.checked]]).then(
        () => app.redraw(),
        (error) => {
          input.checked = !input.checked;
          toast(error.message);
        },
      ),
    );
    return h("label", { class: "box" }, input, h("span", {}, agreement(each.title, each.url), each.required ? h("small", {}, ` ${t("required")}`) : null));
  };
  return h("section", { class: "card" }, h("h2", {}, t("consents")), app.shop.agreements.map(box));
}
