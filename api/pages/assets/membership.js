// What a member has: tier, points, check-in, coupons, rewards, invitations, messages.

import { gql, mutate, signedIn } from "./api.js";
import { tile } from "./catalog.js";
import {
  CANCEL_REDEMPTION, CHECK_IN_NOW, CHECK_IN_PAGE, CLAIM, COUPON_CENTRE_PAGE, COUPON_GOODS, EXCHANGE_CODE, INBOX_PAGE, INVITE_PAGE, MAKE_UP_DAY,
  MEMBERSHIP, MY_COUPONS_PAGE, MY_REDEMPTIONS, POINTS_PAGE, READ_ALL, REDEEM, REWARDS_PAGE,
} from "./documents.js";
import { h, randomId } from "./dom.js";
import { app, askToJoin, button, empty, field, form, labelled, needsSignIn, picture, toast } from "./frame.js";
import { day, moment, t, yuan } from "./words.js";

const COUPON_TABS = { usable: ["USABLE", "NOT_YET_VALID", "RESERVED"], used: ["USED"], ended: ["EXPIRED", "REVOKED"] };
const DIRECTIONS = { all: null, in: "IN", out: "OUT" };

const heading = (text) => h("h1", { tabindex: -1 }, text);
const chips = (label, places, here) =>
  h("nav", { class: "chips", "aria-label": label }, places.map(([place, word]) => h("a", { class: "chip", href: `#/${place}`, "aria-current": place === here ? "page" : null }, word)));

/** A list that grows by a button; `read(after)` gives a connection, `row` shows a node. */
async function growing(read, row, none, facts = { class: "orders" }) {
  const list = h("ul", facts);
  const below = h("div", { class: "below" });
  const load = async (after = null) => {
    const { nodes, pageInfo } = await read(after);
    list.append(...nodes.map(row));
    below.replaceChildren(...(pageInfo?.hasNextPage ? [button(t("more"), () => load(pageInfo.endCursor))] : []));
    if (!list.childElementCount) below.replaceChildren(h("p", { class: "empty" }, none));
  };
  await load();
  return [list, below];
}

/** Shows a view to members; who hasn't joined is asked to. */
const forMembers = (view) => async (...facts) => (signedIn() ? view(...facts) : needsSignIn());

export const membership = forMembers(async () => {
  const { me, tiers } = await gql(MEMBERSHIP);
  if (!me) return needsSignIn();
  return h("div", { class: "columns" }, h("div", { class: "stack" }, standing(me), ways(me)), h("div", { class: "stack" }, ladder(tiers, me.membership.tier.code)));
});

function standing({ joinedAt, points, membership: now, code }) {
  return h(
    "section",
    { class: "card tier-card", "data-tier": now.tier.code },
    h("div", { class: "line between" }, heading(joinedAt ? now.tier.name : t("visitor")), code ? h("code", { title: t("codeUntil", { time: moment(code.expiresAt) }) }, code.text) : null),
    joinedAt ? null : button(t("joinTitle"), askToJoin, { class: "main big" }),
    h("dl", { class: "figures" }, labelled(t("points"), points.balance), labelled(t("pending"), points.pending), labelled(t("growth"), now.growth)),
    points.debt ? h("p", { class: "hint" }, t("debt", { n: points.debt })) : null,
    points.expiringSoon.map(({ points: n, expiresAt }) => h("p", { class: "hint" }, t("expiring", { n, time: day(expiresAt) }))),
    now.nextTier ? [h("progress", { value: now.progress, max: 1, "aria-label": now.nextTier.name }), h("p", { class: "faint" }, t("toNext", { tier: now.nextTier.name, n: now.growthToNextTier }))] : null,
    now.reviewAt ? h("p", { class: "faint" }, t(now.growthToKeep ? "toKeep" : "keeps", { time: day(now.reviewAt), n: now.growthToKeep })) : null,
  );
}

function ways({ checkIn, counts }) {
  const way = (place, word, hint) => h("li", {}, h("a", { class: "line between", href: `#/${place}` }, h("b", {}, t(word)), h("span", { class: "faint" }, hint, " ›")));
  return h(
    "section",
    { class: "card" },
    h(
      "ul",
      { class: "plain ways" },
      way("checkin", "checkIn", checkIn.checkedInToday ? t("streak", { n: checkIn.streak }) : t("notYetToday")),
      way("coupons", "couponCentre", ""),
      way("mycoupons/usable", "myCoupons", t("usableCount", { n: counts.couponsUsable })),
      way("points/all", "pointsDetails", ""),
      way("rewards", "rewardMall", ""),
      way("invite", "invite", ""),
      way("inbox", "inbox", counts.unreadMessages ? t("unread", { n: counts.unreadMessages }) : ""),
    ),
  );
}

const ladder = (tiers, mine) =>
  h(
    "section",
    { class: "card" },
    h("h2", {}, t("allTiers")),
    tiers.map(({ code, name, growthThreshold, benefits }) =>
      h(
        "details",
        { class: "tier", open: code === mine },
        h("summary", {}, h("b", {}, name), " ", h("small", {}, t("fromGrowth", { n: growthThreshold })), code === mine ? h("span", { class: "tag" }, t("yours")) : null),
        benefits.length ? h("ul", { class: "plain" }, benefits.map(({ title, description }) => h("li", {}, title, " ", h("small", {}, description)))) : h("p", { class: "faint" }, t("noBenefits")),
      ),
    ),
  );

export const points = forMembers(async (tab = "all") => {
  const direction = DIRECTIONS[tab] ?? null;
  const { me } = await gql(POINTS_PAGE, { direction });
  if (!me) return needsSignIn();
  const { balance, pending, debt, expiringSoon, entries } = me.points;
  const row = (entry) =>
    h(
      "li",
      { class: "card line between" },
      h("div", { class: "grow" }, h("b", {}, entry.title), h("div", { class: "faint" }, moment(entry.createdAt), entry.expiresAt ? ` · ${t("until", { time: day(entry.expiresAt) })}` : "")),
      h("div", { class: "right" }, h("b", { class: entry.delta < 0 ? "price" : "good" }, entry.delta > 0 ? `+${entry.delta}` : `−${-entry.delta}`), h("div", { class: "faint" }, entry.balanceAfter)),
    );
  const read = async (after) => (after ? (await gql(POINTS_PAGE, { direction, after })).me.points.entries : entries);
  return [
    heading(t("pointsDetails")),
    h("dl", { class: "card figures" }, labelled(t("points"), balance), labelled(t("pending"), pending), debt ? labelled(t("owed"), debt) : null),
    expiringSoon.map(({ points: n, expiresAt }) => h("p", { class: "hint" }, t("expiring", { n, time: day(expiresAt) }))),
    chips(t("pointsDetails"), Object.keys(DIRECTIONS).map((each) => [`points/${each}`, t(`direction_${each}`)]), `points/${tab}`),
    ...(await growing(read, row, t("noEntries"))),
  ];
});

export const checkin = forMembers(async (asked = null) => {
  const month = asked ?? app.shop.now.slice(0, 7);
  const { me, shop } = await gql(CHECK_IN_PAGE, { month });
  if (!me) return needsSignIn();
  const { checkIn: state } = me;
  const act = async () => {
    const { day: done } = await mutate(CHECK_IN_NOW);
    toast(t("checkedIn", { n: done.points }));
    app.redraw();
  };
  return h(
    "div",
    { class: "stack" },
    heading(t("checkIn")),
    h(
      "section",
      { class: "card" },
      h("p", {}, t("streak", { n: state.streak }), " · ", t("nextReward", { n: state.nextReward.points })),
      me.joinedAt ? button(state.checkedInToday ? t("doneToday") : t("checkInNow"), act, { class: "main big", id: "check-in", disabled: state.checkedInToday }) : button(t("joinTitle"), askToJoin, { class: "main big" }),
      h("ol", { class: "rewards-of-days" }, shop.checkInRules.dayRewards.map((each) => h("li", { class: state.streak && ((state.streak - 1) % shop.checkInRules.cycleDays) + 1 >= each.day ? "done" : null }, h("small", {}, t("dayNumber", { n: each.day })), h("b", {}, `+${each.points}`), each.coupon ? h("span", { class: "tag" }, each.coupon.name) : null))),
    ),
    calendar(month, state, shop),
  );
});

function calendar(month, state, shop) {
  const known = new Map(state.days.map((each) => [each.date, each]));
  const [year, number] = month.split("-").map(Number);
  const first = new Date(Date.UTC(year, number - 1, 1));
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const other = (step) => new Date(Date.UTC(year, number - 1 + step, 1)).toISOString().slice(0, 7);
  const cells = Array.from({ length }, (_, index) => {
    const date = `${month}-${String(index + 1).padStart(2, "0")}`;
    const done = known.get(date);
    const missed = state.makeUpDates.includes(date) && state.makeUpsLeft > 0;
    const content = [h("span", {}, index + 1), done ? h("small", {}, done.madeUp ? t("madeUp") : `+${done.points}`) : null];
    if (!missed) return h("li", { class: done ? "done" : null }, content);
    return h("li", { class: "missed" }, button([h("span", {}, index + 1), h("small", {}, t("makeUp"))], () => makeUp(date, shop.checkInRules), { "aria-label": `${t("makeUp")} ${date}` }));
  });
  // Weeks begin on Monday.
  const blanks = Array.from({ length: (first.getUTCDay() + 6) % 7 }, () => h("li", { "aria-hidden": "true" }));
  return h(
    "section",
    { class: "card" },
    h("div", { class: "line between" }, h("a", { class: "button", href: `#/checkin/${other(-1)}` }, "‹"), h("b", {}, month), h("a", { class: "button", href: `#/checkin/${other(1)}` }, "›")),
    h("ol", { class: "calendar" }, blanks, cells),
    h("p", { class: "faint" }, t("makeUpRules", { cost: shop.checkInRules.makeUpCostPoints, n: state.makeUpsLeft })),
  );
}

async function makeUp(date, rules) {
  if (!confirm(t("makeUpAsk", { date, cost: rules.makeUpCostPoints }))) return;
  await mutate(MAKE_UP_DAY, { date, idempotencyKey: randomId() });
  toast(t("saved"));
  app.redraw();
}

/** What a coupon gives, large: money off, a percentage, or a word. */
function worth({ kind, amountOff, payPercent }) {
  if (kind === "AMOUNT_OFF") return yuan(amountOff);
  if (kind === "PERCENT_OFF") return t("payPercent", { off: 100 - payPercent, tenths: payPercent / 10 });
  return t(kind);
}

const ticket = (terms, ...more) =>
  h(
    "li",
    { class: "card ticket" },
    h("b", { class: "worth" }, worth(terms)),
    h("div", { class: "grow" }, h("b", {}, terms.name), h("div", { class: "faint" }, terms.minSpend ? t("fromSpend", { amount: yuan(terms.minSpend) }) : t("noMinimum"), " · ", terms.scope.title), h("div", { class: "faint" }, terms.validityText)),
    h("div", { class: "stack right" }, more),
  );

export async function coupons() {
  const read = async (after) => (await gql(COUPON_CENTRE_PAGE, { after })).couponCampaigns;
  const row = (each) => {
    const claim = async () => {
      await mutate(CLAIM, { campaignId: each.id, idempotencyKey: randomId() });
      toast(t("claimed"));
      app.redraw();
    };
    const label = each.pointsPrice ? t("claimFor", { n: each.pointsPrice }) : t("claim");
    return ticket(
      each.terms,
      signedIn() ? button(label, claim, { class: "main", disabled: Boolean(each.problem) }) : h("a", { class: "button", href: "#/member" }, t("signIn")),
      each.problem ? h("small", {}, each.problem.message) : null,
      each.remaining === null ? null : h("small", {}, t("remaining", { n: each.remaining })),
      each.claimedByMe ? h("small", {}, t("claimedByMe", { n: each.claimedByMe })) : null,
    );
  };
  const exchange = form([field(t("exchangeCode"), { name: "code", required: true, maxlength: 64, autocomplete: "off" })], t("exchange"), async ({ code }) => {
    const { coupon } = await mutate(EXCHANGE_CODE, { code, idempotencyKey: randomId() });
    toast(t("exchanged", { name: coupon.terms.name }));
    location.hash = "#/mycoupons/usable";
  });
  return [
    h("div", { class: "line between" }, heading(t("couponCentre")), h("a", { class: "button", href: "#/mycoupons/usable" }, t("myCoupons"))),
    ...(await growing(read, row, t("noCampaigns"))),
    signedIn() ? h("section", { class: "card" }, exchange) : null,
  ];
}

export const mycoupons = forMembers(async (tab = "usable") => {
  const statuses = COUPON_TABS[tab] ?? COUPON_TABS.usable;
  const first = await gql(MY_COUPONS_PAGE, { statuses });
  if (!first.me) return needsSignIn();
  const { counts, coupons: page } = first.me;
  const read = async (after) => (after ? (await gql(MY_COUPONS_PAGE, { statuses, after })).me.coupons : page);
  const row = ({ id, code, status, terms }) =>
    ticket(terms, status === "USABLE" ? h("a", { class: "button main", href: `#/use/${id}` }, t("use")) : h("span", { class: "tag grey" }, t(`coupon_${status}`)), h("small", {}, code));
  const of = { usable: counts.couponsUsable, used: counts.couponsUsed, ended: counts.couponsExpired };
  return [
    heading(t("myCoupons")),
    chips(t("myCoupons"), Object.keys(COUPON_TABS).map((each) => [`mycoupons/${each}`, `${t(`coupons_${each}`)} ${of[each]}`]), `mycoupons/${tab}`),
    ...(await growing(read, row, t("noCoupons"))),
    h("p", { class: "below" }, h("a", { class: "button", href: "#/coupons" }, t("couponCentre"))),
  ];
});

export const use = forMembers(async (id) => {
  const { memberCoupon: coupon, products } = await gql(COUPON_GOODS, { id });
  if (!coupon) return empty(t("missing"), "", h("a", { class: "button", href: "#/mycoupons/usable" }, t("myCoupons")));
  const read = async (after) => (after ? (await gql(COUPON_GOODS, { id, after })).products : products);
  return [heading(coupon.terms.name), h("p", { class: "hint" }, coupon.terms.description || coupon.terms.scope.title), ...(await growing(read, tile, t("nothing"), { class: "grid" }))];
});

export async function rewards(tab = "all") {
  const affordable = tab === "affordable" ? true : null;
  const first = await gql(REWARDS_PAGE, { filter: { affordable } });
  const read = async (after) => (after ? (await gql(REWARDS_PAGE, { filter: { affordable }, after })).rewards : first.rewards);
  const price = ({ pointsPrice, cashPrice }) => `${t("inPoints", { n: pointsPrice })}${cashPrice ? ` + ${yuan(cashPrice)}` : ""}`;
  const row = (each) =>
    h(
      "li",
      { class: "tile" },
      picture(each.imageUrl, each.name),
      h("span", { class: "name" }, each.name),
      h("span", { class: "line" }, h("span", { class: "tag" }, t(`reward_${each.kind}`)), each.minTier ? h("span", { class: "tag grey" }, each.minTier.name) : null),
      h("b", { class: "price" }, price(each)),
      each.remaining === null ? null : h("small", {}, t("remaining", { n: each.remaining })),
      each.problem ? h("small", {}, each.problem.message) : null,
      signedIn() ? button(t("redeem"), () => redeem(each, first.me), { class: "main", disabled: Boolean(each.problem) }) : h("a", { class: "button", href: "#/member" }, t("signIn")),
    );
  return [
    h("div", { class: "line between" }, heading(t("rewardMall")), signedIn() ? h("a", { class: "button", href: "#/redemptions" }, t("redemptions")) : null),
    first.me ? h("p", {}, t("havePoints", { n: first.me.points.balance })) : null,
    signedIn() ? chips(t("rewardMall"), [["rewards/all", t("all")], ["rewards/affordable", t("affordable")]], `rewards/${tab}`) : null,
    ...(await growing(read, row, t("noRewards"), { class: "grid" })),
  ];
}

async function redeem(reward, member) {
  const address = member?.addresses.find(({ isDefault }) => isDefault) ?? member?.addresses[0];
  if (reward.kind === "GOODS" && !address) {
    toast(t("addressFirst"));
    location.hash = "#/me";
    return;
  }
  if (!confirm(t("redeemAsk", { name: reward.name, n: reward.pointsPrice }))) return;
  const { redemption } = await mutate(REDEEM, { rewardId: reward.id, addressId: reward.kind === "GOODS" ? address.id : null, idempotencyKey: randomId() });
  toast(t("redeemed"));
  location.hash = redemption.order ? `#/order/${redemption.order.id}` : "#/redemptions";
}

export const redemptions = forMembers(async () => {
  const read = async (after) => (await gql(MY_REDEMPTIONS, { after })).me.redemptions;
  const cancel = (id) => async () => {
    await mutate(CANCEL_REDEMPTION, { redemptionId: id, idempotencyKey: randomId() });
    toast(t("cancelled"));
    app.redraw();
  };
  const row = (each) =>
    h(
      "li",
      { class: "card line between" },
      h("div", { class: "grow" }, h("b", {}, each.reward.name), h("div", { class: "faint" }, moment(each.createdAt), " · ", t("inPoints", { n: each.points }), each.cash ? ` + ${yuan(each.cash)}` : ""), each.code ? h("code", {}, each.code) : null),
      h("div", { class: "stack right" }, h("span", { class: "tag" }, t(`redemption_${each.status}`)), each.order ? h("a", { class: "button", href: `#/order/${each.order.id}` }, t("orders")) : null, ["AWAITING_PAYMENT", "AWAITING_SHIPMENT"].includes(each.status) || (each.coupon?.status === "USABLE" && each.status === "FULFILLED") ? button(t("cancelOrder"), cancel(each.id), { class: "quiet" }) : null),
    );
  return [heading(t("redemptions")), ...(await growing(read, row, t("noRedemptions")))];
});

export const invite = forMembers(async () => {
  const { me } = await gql(INVITE_PAGE);
  if (!me) return needsSignIn();
  const { inviteCode, invitedCount, rewardedPoints, rules, shareCard, invitees } = me.invitations;
  const copy = async () => {
    await navigator.clipboard.writeText(shareCard.h5Url);
    toast(t("copied"));
  };
  const row = (each) =>
    h("li", { class: "card line" }, picture(each.avatarUrl, each.nickname || "☺", { class: "avatar" }), h("div", { class: "grow" }, h("b", {}, each.nickname || t("guest")), h("div", { class: "faint" }, moment(each.invitedAt))), h("div", { class: "right" }, h("span", { class: "tag" }, t(`invitee_${each.status}`)), each.points ? h("div", { class: "good" }, `+${each.points}`) : null));
  return h(
    "div",
    { class: "columns" },
    h(
      "section",
      { class: "card" },
      heading(t("invite")),
      h("p", {}, rules),
      h("dl", { class: "figures" }, labelled(t("inviteCode"), inviteCode), labelled(t("invited"), invitedCount), labelled(t("rewardedPoints"), rewardedPoints)),
      h("div", { class: "line" }, button(t("copyLink"), copy, { class: "main" })),
      h("img", { class: "code", src: shareCard.miniProgramCodeUrl, alt: t("miniProgramCode"), width: 200, height: 200 }),
    ),
    h("section", {}, h("h2", {}, t("invitees")), invitees.nodes.length ? h("ul", { class: "orders" }, invitees.nodes.map(row)) : h("p", { class: "empty" }, t("noInvitees"))),
  );
});

export const inbox = forMembers(async () => {
  const read = async (after) => (await gql(INBOX_PAGE, { after })).me?.messages ?? { nodes: [] };
  const row = ({ title, body, readAt, createdAt }) => h("li", { class: readAt ? "card" : "card unread" }, h("div", { class: "line between" }, h("b", {}, title), h("small", {}, moment(createdAt))), h("p", {}, body));
  const all = async () => {
    await mutate(READ_ALL, {});
    app.redraw();
  };
  return [h("div", { class: "line between" }, heading(t("inbox")), button(t("readAll"), all)), ...(await growing(read, row, t("noMessages")))];
});
