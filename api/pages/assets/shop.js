// The demo shop: a small H5 mall that uses nothing but the public member API.

import { me, order, orders } from "./account.js";
import { gql, signedIn } from "./api.js";
import { cart, checkout } from "./buying.js";
import { flash, team } from "./campaigns.js";
import { category, home, product, search } from "./catalog.js";
import { BADGE, SHOP, SUGGEST } from "./documents.js";
import { byId, h } from "./dom.js";
import { app, badge, button, empty, finishSignIn, toast } from "./frame.js";
import { checkin, coupons, inbox, invite, membership, mycoupons, points, redemptions, rewards, use } from "./membership.js";
import { signInConfig } from "./oauth.js";
import { t } from "./words.js";

const BENEFITS = { member: membership, points, checkin, coupons, mycoupons, use, rewards, redemptions, invite, inbox };
const VIEWS = { "": home, category, search, product, cart, checkout, orders, order, me, flash, team, ...BENEFITS };
const PLACES = [["", "home"], ["cart", "cart"], ["orders/all", "orders"], ["member", "member"], ["me", "me"]];
const SUGGEST_AFTER_MS = 200;

let drawn = 0;

/** Draws the view that the address names; of two at once, the later one stays. */
async function draw({ focus = true } = {}) {
  const number = ++drawn;
  const [name, ...facts] = location.hash.replace(/^#\//, "").split("/").map(decoded);
  markPlace(name);
  byId("main").setAttribute("aria-busy", "true");
  const slow = setTimeout(() => number === drawn && byId("main").replaceChildren(h("p", { class: "empty" }, t("loading"))), 300);
  let view;
  try {
    view = await (VIEWS[name] ?? missing)(...facts);
  } catch (error) {
    view = empty(t("failed"), error.message, button(t("retry"), () => draw(), { class: "main" }));
  }
  clearTimeout(slow);
  if (number !== drawn) return;
  byId("main").replaceChildren(...[view].flat().filter(Boolean));
  byId("main").removeAttribute("aria-busy");
  const title = byId("main").querySelector("h1");
  document.title = name && title ? `${title.textContent} · ${app.shop.name}` : app.shop.name;
  if (!focus) return;
  scrollTo(0, 0);
  title?.focus({ preventScroll: true });
}

const missing = () => empty(t("missing"), "", h("a", { class: "button", href: "#/" }, t("backHome")));

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function drawPlaces() {
  byId("places").append(
    ...PLACES.map(([place, word]) =>
      h("a", { href: `#/${place}`, "data-place": place.split("/")[0] }, h("span", { class: "sign" }), h("span", {}, t(word)), word === "cart" ? h("span", { id: "cart-pieces", class: "badge", hidden: true }) : null),
    ),
  );
}

function markPlace(name) {
  const here = { order: "orders", checkout: "cart" }[name] ?? (name in BENEFITS ? "member" : name);
  for (const link of byId("places").children) {
    if (link.dataset.place === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function searching() {
  const input = byId("keyword");
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      // Suggestions only help: without them, searching goes on.
      const { searchSuggestions } = await gql(SUGGEST, { text: input.value.trim() }).catch(() => ({ searchSuggestions: [] }));
      byId("suggestions").replaceChildren(...searchSuggestions.map((value) => h("option", { value })));
    }, SUGGEST_AFTER_MS);
  });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    location.hash = text ? `#/search/${encodeURIComponent(text)}` : "#/";
  });
}

async function start() {
  drawPlaces();
  searching();
  byId("dialog").addEventListener("click", ({ target, currentTarget }) => target === currentTarget && currentTarget.close());
  const other = byId("other-language");
  other.addEventListener("click", () => (other.href = other.href.split("#")[0] + location.hash));
  const [config, { shop }] = await Promise.all([signInConfig(), gql(SHOP)]);
  Object.assign(app, { config, shop, redraw: () => draw({ focus: false }) });
  byId("brand").textContent = shop.name;
  byId("about").append(t("demo"), " ", h("a", { href: "graphql" }, t("explorer")), " · ", h("a", { href: config.simulatorUrl, target: "_blank", rel: "noopener" }, t("simulator")), shop.servicePhone ? ` · ${shop.servicePhone}` : "");
  await finishSignIn().catch((error) => toast(error.message));
  addEventListener("hashchange", () => draw());
  await draw();
  if (signedIn()) badge((await gql(BADGE)).me?.cart.pieces ?? 0);
}

start().catch((error) => {
  byId("main").replaceChildren(empty(t("failed"), error.message, button(t("retry"), () => location.reload(), { class: "main" })));
  byId("main").removeAttribute("aria-busy");
});
