// What all views share: messages, dialogs, pictures, buttons that wait, and signing in.

import { keepSession, mutate, signedIn } from "./api.js";
import { SET_CONSENTS, SIGN_IN } from "./documents.js";
import { byId, h } from "./dom.js";
import { leaveToSignIn, returnedCode } from "./oauth.js";
import { t, yuan } from "./words.js";

/** What the shop knows of itself and of the person; filled at the start. */
export const app = { config: null, shop: null, redraw: () => {} };

let quiet = 0;

/** Says something for a moment. */
export function toast(text) {
  byId("toast").textContent = text;
  byId("toast").classList.add("shown");
  clearTimeout(quiet);
  quiet = setTimeout(() => byId("toast").classList.remove("shown"), 3500);
}

/** Shows a number beside the cart. */
export function badge(pieces) {
  const node = byId("cart-pieces");
  node.textContent = pieces > 99 ? "99+" : String(pieces);
  node.hidden = pieces === 0;
}

/** A button that cannot be pressed twice while its work is under way; failures are said. */
export function button(label, work, facts = {}) {
  const node = h("button", { type: "button", ...facts }, label);
  node.addEventListener("click", () => busy(node, work));
  return node;
}

export async function busy(node, work) {
  node.disabled = true;
  try {
    await work();
  } catch (error) {
    toast(error.message);
  } finally {
    node.disabled = false;
  }
}

/** A form whose button waits; a refused field is marked and told why. */
export function form(fields, label, send, ...extra) {
  const submit = h("button", { class: "main" }, label);
  const node = h("form", { class: "fields" }, fields, h("div", { class: "line" }, submit, extra));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const old of node.querySelectorAll(".wrong")) old.remove();
    busy(submit, () => send(Object.fromEntries(new FormData(node))).catch((error) => told(node, error)));
  });
  return node;
}

function told(node, error) {
  const place = error.errors?.[0]?.path?.[0];
  const input = place && node.elements[place];
  if (!input) throw error;
  input.closest("label").append(h("span", { class: "wrong", role: "alert" }, error.message));
  input.focus();
}

export const field = (label, facts) => h("label", {}, label, h("input", { maxlength: 120, ...facts }));

/** A picture; where there is none, or it does not come, the first letter of its name. */
export function picture(url, name, facts = {}) {
  const instead = () => h("span", { class: `picture none ${facts.class ?? ""}`, "aria-hidden": "true" }, [...name][0] ?? "");
  if (!url) return instead();
  const node = h("img", { src: url, alt: "", loading: "lazy", width: 500, height: 400, ...facts, class: `picture ${facts.class ?? ""}` });
  node.addEventListener("error", () => node.replaceWith(instead()), { once: true });
  return node;
}

/** A panel for when there is nothing to show. */
export const empty = (title, hint, ...actions) =>
  h("section", { class: "empty" }, h("h1", { tabindex: -1 }, title), h("p", {}, hint), actions);

export const needsSignIn = () => empty(t("signInFirst"), t("signInHint"), button(t("signIn"), signIn, { class: "main" }));

export const labelled = (name, value, facts = {}) => h("div", facts, h("dt", {}, name), h("dd", {}, value));

/** The rows of a price: goods, each discount with its cause, shipping, what is left. */
export function sums(price, shownTotal = t("total")) {
  const isFree = price.shipping === 0;
  return h(
    "dl",
    { class: "sums" },
    labelled(t("goods"), yuan(price.goodsTotal)),
    price.discounts.map(({ kind, title, amount }) =>
      labelled([h("span", { class: "tag" }, t(kind)), " ", title], `−${yuan(amount)}`, { class: "off" }),
    ),
    labelled(t("shipping"), isFree ? t("freeShipping") : yuan(price.shipping)),
    labelled(shownTotal, yuan(price.payable), { class: "total" }),
  );
}

/** Opens a dialog; `fill(close)` makes what is in it. */
export function dialog(title, fill) {
  const node = byId("dialog");
  const close = () => node.close();
  node.replaceChildren(h("h2", { id: "dialog-title" }, title), ...[fill(close)].flat());
  node.showModal();
}

export function signIn() {
  if (app.config) leaveToSignIn(app.config);
}

/** Ends a return from the sign-in page, if this is one. */
export async function finishSignIn() {
  const code = returnedCode();
  if (!code) return;
  const { session } = await mutate(SIGN_IN, { code });
  keepSession(session);
  toast(t("welcome", { name: session.member.nickname || t("guest") }));
  if (!session.member.joinedAt) askToJoin();
}

/** Asks a visitor for the agreements that make a member; they may as well go on as they are. */
export function askToJoin() {
  const { agreements } = app.shop;
  if (!signedIn() || agreements.length === 0) return;
  dialog(t("joinTitle"), (close) => [
    h("p", {}, t("joinText")),
    form(
      agreements.map(consentBox),
      t("join"),
      async (given) => {
        await answerConsents(agreements.map((each) => [each, given[each.kind] === "on"]));
        close();
        toast(t("joined"));
        app.redraw();
      },
      h("button", { type: "button", onclick: close }, t("later")),
    ),
  ]);
}

const consentBox = ({ kind, title, url, required }) =>
  h(
    "label",
    { class: "box" },
    h("input", { type: "checkbox", name: kind, required }),
    h("span", {}, agreement(title, url), required ? h("small", {}, ` ${t("required")}`) : null),
  );

/** “I accept …”, with the title leading to the text. */
export function agreement(title, url) {
  const [before, after] = t("agree", { title: "\n" }).split("\n");
  return [before, h("a", { href: safe(url), target: "_blank", rel: "noopener" }, title), after];
}

/** The address if it is one of the web; anything else leads nowhere. */
export const safe = (url) => (/^https?:\/\//.test(url) ? url : "#/");

export const answerConsents = (answers) =>
  mutate(SET_CONSENTS, { consents: answers.map(([{ kind, version }, given]) => ({ kind, version, given })) });
