// Looking around: home, categories, search, a product.

import { gql, mutate, signedIn } from "./api.js";
import { together } from "./campaigns.js";
import { ADD, HOME, PRODUCT, PRODUCTS } from "./documents.js";
import { h, randomId } from "./dom.js";
import { app, badge, button, empty, labelled, picture, safe, signIn, toast } from "./frame.js";
import { richText } from "./rich_text.js";
import { t, yuan } from "./words.js";

const SORTS = ["RECOMMENDED", "NEWEST", "BEST_SELLING", "PRICE_ASC", "PRICE_DESC"];
const MOST = 99;

export async function home() {
  const [{ banners, categories }, grid] = await Promise.all([gql(HOME), products({})]);
  return [
    h("h1", { class: "hidden", tabindex: -1 }, app.shop.name),
    banners.length ? h("section", { class: "banners", "aria-label": t("banners"), tabindex: 0 }, banners.map(banner)) : null,
    h("nav", { class: "chips", "aria-label": t("flashSales") }, h("a", { class: "chip", href: "#/flash" }, t("flashSales"))),
    categoryNav(categories),
    grid,
  ];
}

export async function category(id) {
  const [{ categories }, grid] = await Promise.all([gql(HOME), products({ categoryId: id })]);
  const parent = categories.find((each) => each.id === id || each.children.some((child) => child.id === id));
  if (!parent) return empty(t("nothing"), t("nothingHint"), h("a", { class: "button", href: "#/" }, t("backHome")));
  const chip = (to, name) => h("a", { class: "chip", href: `#/category/${to}`, "aria-current": to === id ? "page" : null }, name);
  return [
    h("h1", { tabindex: -1 }, parent.name),
    h("nav", { class: "chips", "aria-label": t("categories") }, chip(parent.id, t("allOf")), parent.children.map((child) => chip(child.id, child.name))),
    grid,
  ];
}

export async function search(text) {
  const hot = app.shop.hotSearches.map((word) => h("a", { class: "chip", href: `#/search/${encodeURIComponent(word)}` }, word));
  return [
    h("h1", { tabindex: -1 }, t("found", { text })),
    hot.length ? h("nav", { class: "chips", "aria-label": t("popular") }, hot) : null,
    await products({ keyword: text }),
  ];
}

/** A list of products that sorts, and grows by a button. */
async function products(filter) {
  const tiles = h("ul", { class: "grid" });
  const count = h("span", { class: "faint" });
  const below = h("div", { class: "below" });
  const sort = h("select", { "aria-label": t("sort") }, SORTS.map((each) => h("option", { value: each }, t(each))));
  const load = async (after = null) => {
    const { products: found } = await gql(PRODUCTS, { filter, sort: sort.value, after });
    if (!after) tiles.replaceChildren();
    tiles.append(...found.nodes.map(tile));
    count.textContent = t("pieces", { n: found.totalCount });
    const { hasNextPage, endCursor } = found.pageInfo;
    below.replaceChildren(...(hasNextPage ? [button(t("more"), () => load(endCursor))] : []));
    if (found.totalCount === 0) below.replaceChildren(h("p", { class: "empty" }, t("nothing"), h("br"), t("nothingHint")));
  };
  sort.addEventListener("change", () => load().catch((error) => toast(error.message)));
  await load();
  return h("section", {}, h("div", { class: "line between" }, count, sort), tiles, below);
}

/** A product in a grid. */
export function tile({ id, name, subtitle, images, labels, sold, available, currentPriceRange: { min, max } }) {
  return h(
    "li",
    {},
    h(
      "a",
      { class: "tile", href: `#/product/${id}` },
      picture(images[0], name),
      h("span", { class: "name" }, name),
      h("span", { class: "faint" }, subtitle),
      h("span", { class: "labels" }, labels.map((label) => h("span", { class: "tag" }, label)), available ? null : h("span", { class: "tag grey" }, t("soldOut"))),
      h("span", { class: "line between" }, price(min, max), sold ? h("span", { class: "faint" }, t("sold", { n: sold })) : null),
    ),
  );
}

const price = (min, max) => h("b", { class: "price" }, yuan(min), min === max ? null : h("small", {}, "–", yuan(max).slice(1)));

// A phone's first screen: what is beyond is one tap away.
const FIRST_CATEGORIES = 16;

function categoryNav(categories) {
  const more = categories.slice(FIRST_CATEGORIES);
  const grid = (some) => h("div", { class: "categories" }, some.map(categoryLink));
  return h("nav", { "aria-label": t("categories") },
    grid(categories.slice(0, FIRST_CATEGORIES)),
    more.length ? h("details", { class: "more-categories" }, h("summary", {}, t("moreCategories")), grid(more)) : null);
}

function categoryLink({ id, name, imageUrl }) {
  return h("a", { href: `#/category/${id}` }, picture(imageUrl, name), h("span", {}, name));
}

function banner({ title, imageUrl, link }) {
  return h("a", { class: "banner", href: place(link) }, picture(imageUrl, title), h("span", {}, title));
}

/** Where a mini-program page's path leads on the web. */
function place(link) {
  const [, page, id] = /^\/?pages\/(product|category)\/index\?id=([\w-]+)$/.exec(link) ?? [];
  return page ? `#/${page}/${id}` : safe(link);
}

export async function product(id) {
  const [{ product: found }, team] = await Promise.all([gql(PRODUCT, { id }), together(id)]);
  if (!found) return empty(t("missing"), t("nothingHint"), h("a", { class: "button", href: "#/" }, t("backHome")));
  const picker = new Picker(found);
  return h(
    "article",
    { class: "product" },
    h("div", { class: "gallery", "aria-label": t("gallery"), tabindex: 0 }, found.images.map((url) => picture(url, found.name, { loading: null }))),
    h(
      "div",
      { class: "choice" },
      h("h1", { tabindex: -1 }, found.name),
      h("p", { class: "faint" }, found.subtitle),
      h("p", { class: "labels" }, found.labels.map((label) => h("span", { class: "tag" }, label)), found.sold ? h("span", { class: "faint" }, t("sold", { n: found.sold })) : null),
      picker.node,
      h("p", { class: "faint" }, t(found.noReasonReturn ? "sevenDays" : "noReturn")),
      team,
    ),
    h(
      "section",
      { class: "details" },
      h("h2", {}, t("details")),
      found.attributes.length ? h("dl", { class: "facts" }, found.attributes.map(({ name, value }) => labelled(name, value))) : null,
      richText(found.descriptionHtml),
    ),
  );
}

/** Chooses a SKU by its options, and how many of it. */
class Picker {
  constructor(found) {
    this.product = found;
    const first = found.skus.find(({ stock }) => stock !== "OUT") ?? found.skus[0];
    this.chosen = new Map(first?.options.map(({ name, value }) => [name, value]));
    this.quantity = 1;
    this.node = h("div", { class: "picker" });
    this.#draw();
  }

  #skuWith(name, value) {
    const wanted = new Map(this.chosen).set(name, value);
    return this.product.skus.find(({ options }) => options.every((each) => wanted.get(each.name) === each.value));
  }

  #draw() {
    const { product: found } = this;
    const sku = found.skus.find(({ options }) => options.every(({ name, value }) => this.chosen.get(name) === value));
    const focused = document.activeElement?.dataset?.key;
    this.node.replaceChildren(
      ...[
        sku ? this.#price(sku) : h("p", {}, t("choose")),
        ...found.options.map((option) => this.#option(option)),
        sku && this.#amount(sku),
        this.#actions(sku),
      ].filter(Boolean),
    );
    if (focused) this.node.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #price({ price: list, currentPrice, currentPriceKind, referencePrice, stock }) {
    const before = referencePrice ? [h("small", {}, referencePrice.label, " "), h("s", {}, yuan(referencePrice.amount))] : currentPrice < list ? [h("s", {}, yuan(list))] : [];
    return h(
      "p",
      { class: "line", "aria-live": "polite" },
      h("b", { class: "price big" }, yuan(currentPrice)),
      currentPriceKind ? h("span", { class: "tag" }, t(currentPriceKind)) : null,
      h("span", { class: "faint" }, before),
      h("span", { class: `stock ${stock.toLowerCase()}` }, t(this.product.available || stock !== "OUT" ? stock : "OUT")),
    );
  }

  #option({ name, values }) {
    const choose = (value) => {
      this.chosen.set(name, value);
      this.#draw();
    };
    return h(
      "fieldset",
      {},
      h("legend", {}, name),
      values.map(({ value }) =>
        h(
          "button",
          {
            type: "button",
            class: "chip",
            "data-key": `${name}=${value}`,
            "aria-pressed": String(this.chosen.get(name) === value),
            "data-out": (this.#skuWith(name, value)?.stock ?? "OUT") === "OUT",
            onclick: () => choose(value),
          },
          value,
        ),
      ),
    );
  }

  #amount({ purchaseLimit, purchaseLimitLeft, stock }) {
    const most = Math.min(MOST, purchaseLimitLeft ?? purchaseLimit ?? MOST);
    this.quantity = Math.max(1, Math.min(this.quantity, most));
    const limits = [purchaseLimit ? t("limit", { n: purchaseLimit }) : null, purchaseLimitLeft !== null && purchaseLimitLeft !== purchaseLimit ? t("limitLeft", { n: purchaseLimitLeft }) : null];
    return h(
      "div",
      { class: "line" },
      stepper(this.quantity, { most, off: stock === "OUT" }, (value) => {
        this.quantity = value;
      }),
      h("span", { class: "faint" }, limits.filter(Boolean).join(" · ")),
    );
  }

  #actions(sku) {
    const off = !this.product.available || !sku || sku.stock === "OUT";
    if (off) return h("p", { class: "line" }, h("button", { disabled: true, class: "main" }, t(sku ? "soldOut" : "choose")));
    return h(
      "div",
      { class: "line actions" },
      button(t("add"), () => this.#add(sku.id), { id: "add" }),
      h("button", { type: "button", id: "buy", class: "main", onclick: () => (location.hash = `#/checkout/${sku.id}/${this.quantity}`) }, t("buy")),
    );
  }

  async #add(skuId) {
    if (!signedIn()) {
      signIn();
      return;
    }
    const { cart } = await mutate(ADD, { skuId, quantity: this.quantity, idempotencyKey: randomId() });
    badge(cart.pieces);
    toast(t("added"));
  }
}

/** A number with buttons for less and more; `changed` hears a value between 1 and `most`. */
export function stepper(value, { most = MOST, off = false, label = t("quantity") }, changed) {
  const input = h("input", { type: "number", min: 1, max: most, value, inputmode: "numeric", "aria-label": label, disabled: off });
  const set = (wanted) => {
    const bounded = Math.max(1, Math.min(most, Math.trunc(wanted) || 1));
    const isNew = bounded !== value;
    value = bounded;
    input.value = String(bounded);
    if (isNew) changed(bounded);
  };
  input.addEventListener("change", () => set(Number(input.value)));
  const step = (by, sign, said) => h("button", { type: "button", "aria-label": said, disabled: off, onclick: () => set(value + by) }, sign);
  return h("span", { class: "stepper" }, step(-1, "−", t("less")), input, step(1, "+", t("plus")));
}
