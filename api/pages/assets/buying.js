// From the cart to a placed order.

import { gql, mutate, signedIn } from "./api.js";
import { BADGE, CART_PAGE, CHANGE_CART, CHECKOUT, DELETE_ADDRESS, PLACE, SAVE_ADDRESS } from "./documents.js";
import { stepper } from "./catalog.js";
import { h, randomId } from "./dom.js";
import { badge, button, dialog, empty, field, form, needsSignIn, picture, sums, toast } from "./frame.js";
import { t, yuan } from "./words.js";

const skuName = (sku) => sku.options.map(({ value }) => value).join(" ");
const problems = (found) => (found.length ? h("ul", { class: "problems", role: "alert" }, found.map(({ message }) => h("li", {}, message))) : null);
const hints = (found) => found.map(({ message }) => h("p", { class: "hint" }, message));

export async function cart() {
  if (!signedIn()) return needsSignIn();
  const { me } = await gql(CART_PAGE);
  if (!me) return needsSignIn();
  const node = h("div", { class: "columns" });
  const draw = (shown) => {
    badge(shown.pieces);
    node.replaceChildren(...(shown.lines.length ? cartParts(shown, change) : [emptyCart()]));
  };
  const change = async (input) => {
    try {
      draw((await mutate(CHANGE_CART, input)).cart);
    } catch (error) {
      toast(error.message);
      draw((await gql(CART_PAGE)).me.cart);
    }
  };
  draw(me.cart);
  return node;
}

const emptyCart = () => empty(t("emptyCart"), t("emptyCartHint"), h("a", { class: "button main", href: "#/" }, t("backHome")));

function cartParts({ lines, quote }, change) {
  const chosen = lines.filter(({ selected }) => selected);
  const all = h("input", { type: "checkbox", checked: chosen.length === lines.length, onchange: ({ target }) => change({ selectAll: target.checked }) });
  return [
    h(
      "section",
      { class: "card" },
      h("h1", { tabindex: -1 }, t("cart")),
      h("label", { class: "box" }, all, t("selectAll")),
      h("ul", { class: "lines" }, lines.map((line) => cartLine(line, change))),
    ),
    h(
      "aside",
      { class: "card" },
      sums(quote),
      hints(quote.hints),
      chosen.length ? problems(quote.problems.filter(({ code }) => code !== "ADDRESS_REQUIRED")) : null,
      quote.pointsToEarn ? h("p", { class: "faint" }, t("willEarn", { n: quote.pointsToEarn })) : null,
      h("button", { class: "main big", id: "checkout", disabled: chosen.length === 0, onclick: () => (location.hash = "#/checkout") }, t("checkout")),
    ),
  ];
}

function cartLine({ id, sku, quantity, selected, problem, priceWhenAdded }, change) {
  const { product } = sku;
  const moved = priceWhenAdded !== sku.currentPrice;
  return h(
    "li",
    {},
    h("input", { type: "checkbox", checked: selected, "aria-label": t("selectLine", { name: product.name }), onchange: ({ target }) => change({ lines: [{ lineId: id, selected: target.checked }] }) }),
    h("a", { href: `#/product/${product.id}`, tabindex: -1, "aria-hidden": "true" }, picture(sku.imageUrl ?? product.images[0], product.name, { class: "small" })),
    h(
      "div",
      { class: "grow" },
      h("a", { href: `#/product/${product.id}`, class: "name" }, product.name),
      h("span", { class: "faint" }, skuName(sku)),
      problem ? h("span", { class: "wrong" }, problem.message) : null,
      h("span", { class: "line between" }, h("b", { class: "price" }, yuan(sku.currentPrice)), moved ? h("small", {}, t("priceChanged", { price: yuan(priceWhenAdded) })) : null),
      h(
        "span",
        { class: "line between" },
        stepper(quantity, { most: sku.purchaseLimit ?? undefined, label: `${t("quantity")}: ${product.name}` }, (value) => change({ lines: [{ lineId: id, quantity: value }] })),
        button(t("remove"), () => change({ lines: [{ lineId: id, quantity: 0 }] }), { class: "quiet" }),
      ),
    ),
  );
}

export async function checkout(skuId = null, quantity = "1", groupBuyId = null, groupBuyTeamId = null) {
  if (!signedIn()) return needsSignIn();
  const together = groupBuyId ? { groupBuyId, groupBuyTeamId } : {};
  const what = skuId ? { lines: [{ skuId, quantity: Number(quantity) }], ...together } : { fromCart: true };
  const page = new Checkout(what);
  await page.load();
  return page.node;
}

class Checkout {
  constructor(what) {
    this.draft = { ...what, delivery: "EXPRESS", bestCoupons: true, useMaxPoints: false };
    this.remark = "";
    this.node = h("div", { class: "columns" });
    // One key for one wish: sent again after a lost answer, it is the same order.
    this.attempt = { what: "", key: "" };
  }

  async load(change = {}) {
    Object.assign(this.draft, change);
    const { quoteOrder: quote, me, stores } = await gql(CHECKOUT, { draft: this.draft });
    if (!me) {
      this.node.replaceChildren(needsSignIn());
      return;
    }
    const draw = quote.lines.length ? this.#parts(quote, me.addresses, stores.nodes) : [emptyCart()];
    this.node.replaceChildren(...draw);
  }

  #change(change) {
    this.load(change).catch((error) => toast(error.message));
  }

  #parts(quote, addresses, stores) {
    const isExpress = this.draft.delivery === "EXPRESS";
    return [
      h(
        "section",
        { class: "card" },
        h("h1", { tabindex: -1 }, t("checkoutTitle")),
        this.#delivery(stores),
        isExpress ? this.#addresses(quote, addresses) : this.#stores(stores),
        h("ul", { class: "lines" }, quote.lines.map(quoteLine)),
        h("label", {}, t("remark"), h("input", { maxlength: 200, value: this.remark, oninput: ({ target }) => (this.remark = target.value) })),
      ),
      h(
        "aside",
        { class: "card" },
        this.#points(quote),
        sums(quote),
        quote.coupons.length ? h("p", { class: "faint" }, t("best")) : null,
        hints(quote.hints),
        problems(quote.problems),
        quote.pointsToEarn ? h("p", { class: "faint" }, t("willEarn", { n: quote.pointsToEarn })) : null,
        button(t("place"), () => this.#place(quote), { class: "main big", id: "place", ...(quote.problems.length ? { disabled: true } : {}) }),
      ),
    ];
  }

  #delivery(stores) {
    const radio = (value) =>
      h("label", { class: "box" }, h("input", { type: "radio", name: "delivery", checked: this.draft.delivery === value, onchange: () => this.#change(value === "PICKUP" ? { delivery: value, addressId: null, storeId: stores[0]?.id } : { delivery: value, storeId: null }) }), t(value));
    return h("fieldset", {}, h("legend", {}, t("delivery")), radio("EXPRESS"), stores.length ? radio("PICKUP") : null);
  }

  #stores(stores) {
    const options = stores.map(({ id, name, address }) => h("option", { value: id, selected: id === this.draft.storeId }, `${name} · ${address}`));
    return h("label", {}, t("store"), h("select", { onchange: ({ target }) => this.#change({ storeId: target.value }) }, options));
  }

  #addresses(quote, addresses) {
    const used = quote.address?.id;
    return h(
      "fieldset",
      {},
      h("legend", {}, t("address")),
      addresses.length ? null : h("p", { class: "faint" }, t("noAddress")),
      addresses.map((each) =>
        h("label", { class: "box" }, h("input", { type: "radio", name: "address", checked: each.id === used, onchange: () => this.#change({ addressId: each.id }) }), addressText(each)),
      ),
      h("button", { type: "button", id: "new-address", onclick: () => editAddress(null, (addressId) => this.load({ addressId })) }, t("newAddress")),
    );
  }

  #points({ maxPointsToSpend, maxPointsOff }) {
    if (!maxPointsToSpend) return null;
    const box = h("input", { type: "checkbox", checked: this.draft.useMaxPoints, onchange: ({ target }) => this.#change({ useMaxPoints: target.checked }) });
    return h("label", { class: "box" }, box, t("usePoints", { amount: yuan(maxPointsOff) }));
  }

  async #place({ payable }) {
    const wanted = { draft: this.draft, expectedPayable: payable, remark: this.remark || null };
    const what = JSON.stringify(wanted);
    if (this.attempt.what !== what) this.attempt = { what, key: randomId() };
    try {
      const { order } = await mutate(PLACE, { ...wanted, idempotencyKey: this.attempt.key });
      location.replace(`#/order/${order.id}`);
      badge((await gql(BADGE)).me.cart.pieces);
    } catch (error) {
      if (error.code === "PRICE_CHANGED") toast(t("priceMoved"));
      else toast(error.message);
      if (error.errors) await this.load();
    }
  }
}

function quoteLine({ sku, quantity, unitPrice, payable, discounts }) {
  const { product } = sku;
  return h(
    "li",
    {},
    picture(sku.imageUrl ?? product.images[0], product.name, { class: "small" }),
    h(
      "div",
      { class: "grow" },
      h("span", { class: "name" }, product.name),
      h("span", { class: "faint" }, skuName(sku)),
      discounts.map(({ title, amount }) => h("small", { class: "off" }, `${title} −${yuan(amount)}`)),
      h("span", { class: "line between" }, h("span", { class: "faint" }, `${yuan(unitPrice)} × ${quantity}`), h("b", { class: "price" }, yuan(payable))),
    ),
  );
}

export const addressText = ({ name, phone, province, city, district, detail, isDefault }) =>
  h("span", {}, h("b", {}, name), " ", phone, isDefault ? [" ", h("span", { class: "tag" }, t("isDefault"))] : null, h("br"), h("span", { class: "faint" }, [province, city, district, detail].filter(Boolean).join(" ")));

const SAMPLE = { name: "陈小满", phone: "13800138000", province: "上海市", city: "上海市", district: "静安区", detail: "南京西路 1601 号 8 楼" };

/** Asks for an address; `saved` hears its id. */
export function editAddress(known, saved) {
  dialog(t(known ? "editAddress" : "newAddress"), (close) => {
    const facts = { name: "name", phone: "tel", province: "address-level1", city: "address-level2", district: "address-level3", detail: "street-address" };
    const inputs = Object.entries(facts).map(([name, autocomplete]) =>
      field(t(name), { name, autocomplete, value: known?.[name] ?? "", required: name !== "district", type: name === "phone" ? "tel" : "text" }),
    );
    const byDefault = h("label", { class: "box" }, h("input", { type: "checkbox", name: "isDefault", checked: known?.isDefault ?? true }), t("defaultAddress"));
    const fill = ({ currentTarget }) => {
      for (const [name, value] of Object.entries(SAMPLE)) currentTarget.form.elements[name].value = value;
    };
    const send = async (given) => {
      const { address } = await mutate(SAVE_ADDRESS, { ...given, isDefault: given.isDefault === "on", id: known?.id ?? null });
      close();
      await saved(address.id);
    };
    return form(
      [...inputs, byDefault],
      t("save"),
      send,
      h("button", { type: "button", onclick: close }, t("cancel")),
      known ? null : h("button", { type: "button", class: "quiet", id: "sample", onclick: fill }, t("sample")),
    );
  });
}

export const forgetAddress = (id) => mutate(DELETE_ADDRESS, { id });
