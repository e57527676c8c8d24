// Flash sales and group buys: sessions, tickets, teams.

import { gql, mutate, signedIn } from "./api.js";
import { CLAIM_PIECE, FLASH_SALES, GROUP_BUY, TEAM, TICKET } from "./documents.js";
import { h, randomId } from "./dom.js";
import { button, empty, picture, signIn, toast } from "./frame.js";
import { moment, t, yuan } from "./words.js";

const LOOK_AGAIN_MS = 500;
const LOOKS = 40;

const skuName = ({ options }) => options.map(({ value }) => value).join(" ");

export async function flash() {
  const { flashSales } = await gql(FLASH_SALES);
  if (!flashSales.nodes.length) return empty(t("noFlashSales"), "", h("a", { class: "button", href: "#/" }, t("backHome")));
  return [h("h1", { tabindex: -1 }, t("flashSales")), ...flashSales.nodes.map(sale)];
}

function sale({ name, status, startsAt, endsAt, items }) {
  const time = status === "RUNNING" ? t("endsAt", { time: moment(endsAt) }) : t("startsAt", { time: moment(startsAt) });
  return h("section", { class: "card" }, h("h2", {}, name), h("p", { class: "faint" }, time), h("ul", { class: "lines" }, items.nodes.map(item)));
}

function item({ id, price, quantity, remaining, problem, myTicket, sku }) {
  const { product } = sku;
  const own = myTicket?.order ? h("a", { class: "button", href: `#/order/${myTicket.order.id}` }, t("toOrder")) : null;
  const claim = problem ? h("span", { class: "faint" }, problem.message) : button(t("claimNow"), () => take(id), { class: "main" });
  return h(
    "li",
    {},
    picture(sku.imageUrl ?? product.images[0], product.name, { class: "small" }),
    h(
      "div",
      { class: "grow" },
      h("a", { href: `#/product/${product.id}` }, product.name, " ", h("small", {}, skuName(sku))),
      h("span", { class: "line" }, h("b", { class: "price" }, yuan(price)), h("s", {}, yuan(sku.price)), h("span", { class: "faint" }, t("remaining", { n: `${remaining}/${quantity}` }))),
      h("span", { class: "line" }, own ?? claim),
    ),
  );
}

/** Claims a piece, and follows the ticket until it is decided. */
async function take(itemId) {
  if (!signedIn()) {
    signIn();
    return;
  }
  const { ticket } = await mutate(CLAIM_PIECE, { itemId, idempotencyKey: randomId() });
  toast(t("queued"));
  let found = ticket;
  for (let look = 0; found.status === "QUEUED" && look < LOOKS; look++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    found = (await gql(TICKET, { id: ticket.id })).flashSaleTicket;
  }
  if (found.order) location.hash = `#/order/${found.order.id}`;
  else toast(found.problem?.message ?? t("stillQueued"));
}

/** What a product's page says of buying it together; nothing where that can't be done. */
export async function together(productId) {
  const { product } = await gql(GROUP_BUY, { id: productId });
  const found = product?.groupBuy;
  if (!found) return null;
  return h(
    "section",
    { class: "card", id: "together" },
    h("h2", {}, t("together", { n: found.teamSize })),
    h("p", { class: "faint" }, t("teamHours", { n: found.teamHours })),
    found.problem ? h("p", { class: "faint" }, found.problem.message) : choices(found.items, found.id, null, t("openTeam")),
    found.openTeams.nodes.map(({ id, seatsLeft, expiresAt }) =>
      h("p", { class: "line between" }, h("span", {}, t("seatsLeft", { n: seatsLeft }), " ", h("small", {}, t("endsAt", { time: moment(expiresAt) }))), h("a", { class: "button", href: `#/team/${id}` }, t("look"))),
    ),
  );
}

function choices(items, groupBuyId, teamId, label) {
  const path = (skuId) => ["#/checkout", skuId, 1, groupBuyId, teamId].filter(Boolean).join("/");
  const choice = ({ sku, price, remaining }) =>
    h("p", { class: "line between" }, h("span", {}, skuName(sku), " ", h("b", { class: "price" }, yuan(price))), remaining > 0 ? h("a", { class: "button main", href: path(sku.id) }, label) : h("span", { class: "faint" }, t("soldOut")));
  return items.map(choice);
}

export async function team(id) {
  const { groupBuyTeam: found } = await gql(TEAM, { id });
  if (!found) return empty(t("missing"), "", h("a", { class: "button", href: "#/" }, t("backHome")));
  const { groupBuy, seats, problem, myOrder } = found;
  const { product } = groupBuy;
  const copy = async () => {
    await navigator.clipboard.writeText(location.href);
    toast(t("copied"));
  };
  return h(
    "section",
    { class: "card" },
    h("h1", { tabindex: -1 }, h("a", { href: `#/product/${product.id}` }, product.name)),
    picture(product.images[0], product.name),
    h("p", { id: "team-status" }, found.status === "FORMING" ? t("seatsLeft", { n: found.seatsLeft }) : t(`team_${found.status}`), " ", h("small", {}, t("endsAt", { time: moment(found.expiresAt) }))),
    h("ul", { class: "lines" }, seats.map(seat)),
    problem ? h("p", { class: "faint" }, problem.message) : choices(groupBuy.items, groupBuy.id, found.id, t("joinTeam")),
    h("p", { class: "line" }, myOrder ? h("a", { class: "button", href: `#/order/${myOrder.id}` }, t("toOrder")) : null, button(t("copyTeamLink"), copy)),
  );
}

const seat = ({ nickname, avatarUrl, leader, paid }) =>
  h("li", {}, picture(avatarUrl, nickname, { class: "small" }), h("span", { class: "grow" }, nickname || t("guest"), " ", leader ? h("span", { class: "tag" }, t("leader")) : null, paid ? null : h("small", {}, t("AWAITING_PAYMENT"))));
