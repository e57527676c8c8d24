// The page behind GET /graphql: ask, see the answer, look things up.

import { byId, h } from "./dom.js";
import { colourJson, editor, operations, prettify } from "./editor.js";
import { EXAMPLES } from "./examples.js";
import { leaveToSignIn, returnedCode, signInConfig } from "./oauth.js";
import { Browser, INTROSPECTION, Schema } from "./schema.js";

const ENDPOINT = new URL("../graphql", import.meta.url).href;
const KEPT = "mall.explorer";
const HISTORY = 30;
const SIGN_IN = `mutation SignIn($code: String!) {
  signInWithOfficialAccount(input: { code: $code }) { session { accessToken } userErrors { message } }
}`;

// Tokens and what was asked stay in this tab: sessionStorage ends with it.
const kept = { text: EXAMPLES[0].text, variables: "", token: "", headers: "", history: [], ...read() };
const status = byId("status");
const text = editor(byId("document"), { changed: textChanged });
const variables = editor(byId("variables"), { json: true, changed: keep });
const browser = new Browser(put);

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

function keep() {
  Object.assign(kept, { text: text.text, variables: variables.text, token: byId("token").value.trim(), headers: byId("headers").value });
  byId("signed").hidden = !kept.token;
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
}

function textChanged() {
  const named = operations(text.text).filter(({ name }) => name);
  byId("operation-pick").hidden = named.length < 2;
  const chosen = byId("operation").value;
  byId("operation").replaceChildren(...named.map(({ name }) => h("option", { selected: name === chosen }, name)));
  keep();
}

function put({ text: asked, variables: given = "" }) {
  text.text = asked;
  variables.fill(typeof given === "string" ? given : JSON.stringify(given, null, 2));
  textChanged();
  if (matchMedia("(max-width: 860px)").matches) showSchema(false);
}

function tell(message, mood = "") {
  status.textContent = message;
  status.className = mood;
}

/** What is sent: body and headers. Throws with a sentence for the person. */
function request() {
  const body = { query: text.text };
  if (variables.text.trim()) {
    try {
      body.variables = JSON.parse(variables.text);
    } catch (error) {
      throw new Error(`The variables are no JSON: ${error.message}`);
    }
  }
  const many = operations(text.text).filter(({ name }) => name);
  if (many.length > 1) body.operationName = byId("operation").value;
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json, application/json" };
  for (const line of byId("headers").value.split("\n").filter((each) => each.trim())) {
    const [name, ...rest] = line.split(":");
    if (!rest.length) throw new Error(`A header is “Name: value”, not “${line}”.`);
    headers[name.trim().toLowerCase()] = rest.join(":").trim();
  }
  const token = byId("token").value.trim();
  if (token) headers.authorization = `Bearer ${token}`;
  return { body: JSON.stringify(body), headers };
}

/** Sends a request; the answer's JSON, status, size and milliseconds. */
async function send({ body, headers }) {
  const started = performance.now();
  const answer = await fetch(ENDPOINT, { method: "POST", headers, body });
  const raw = await answer.text();
  const took = performance.now() - started;
  let json = null;
  try {
    json = JSON.parse(raw);
  } catch {
    // Shown as it came.
  }
  return { ok: answer.ok, code: answer.status, raw, json, took };
}

let runs = 0;

async function run() {
  const number = ++runs;
  let asked;
  try {
    asked = request();
    keep();
    tell("Running …");
    document.body.setAttribute("aria-busy", "true");
    const answer = await send(asked);
    if (number !== runs) return;
    show(answer);
    remember();
  } catch (error) {
    tell(error instanceof TypeError ? "The server does not answer." : error.message, "bad");
  } finally {
    document.body.removeAttribute("aria-busy");
  }
}

function show({ ok, code, raw, json, took }) {
  const errors = json?.errors ?? [];
  const size = raw.length < 2048 ? `${raw.length} B` : `${(raw.length / 1024).toFixed(1)} KB`;
  tell(`${code} · ${took.toFixed(0)} ms · ${size}${errors.length ? ` · ${errors.length} error${errors.length > 1 ? "s" : ""}` : ""}`, ok && !errors.length ? "good" : "bad");
  byId("problems").hidden = errors.length === 0;
  byId("problems").replaceChildren(...errors.map(problem));
  colourJson(byId("result"), json === null ? raw : JSON.stringify(json, null, 2));
  byId("result").scrollTop = 0;
  if (matchMedia("(max-width: 860px)").matches) document.querySelector(".answer").scrollIntoView({ behavior: "smooth" });
}

function problem({ message, locations = [], path, extensions }) {
  const at = path ? ` at ${path.join(".")}` : "";
  const jumps = locations.map(({ line, column }) =>
    h("button", { onclick: () => goTo(line, column) }, `line ${line}`),
  );
  return h("p", {}, extensions?.code ? `${extensions.code}: ` : "", message, at, jumps);
}

function goTo(line, column) {
  const at = text.text.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + column - 1;
  byId("document").focus();
  byId("document").setSelectionRange(at, at);
}

function remember() {
  const entry = { text: text.text, variables: variables.text, at: new Date().toISOString() };
  kept.history = [entry, ...kept.history.filter((each) => each.text !== entry.text || each.variables !== entry.variables)].slice(0, HISTORY);
  keep();
  drawHistory();
}

function drawHistory() {
  const label = ({ text: asked, at }) => `${at.slice(11, 19)} ${operations(asked)[0]?.name || asked.replace(/\s+/g, " ").slice(0, 40)}`;
  byId("history").replaceChildren(
    h("option", { value: "" }, "History …"),
    ...kept.history.map((each, index) => h("option", { value: index }, label(each))),
  );
}

function picker(id, entries) {
  byId(id).addEventListener("change", ({ target }) => {
    if (target.value !== "") put(entries()[Number(target.value)]);
    target.value = "";
  });
}

let asked = null;

function showSchema(open = byId("schema").hidden) {
  byId("schema").hidden = !open;
  byId("browse").setAttribute("aria-expanded", String(open));
  document.querySelector("main").classList.toggle("browsing", open);
  if (!open) {
    byId("browse").focus();
    return;
  }
  byId("search").focus();
  asked ??= send({ headers: { "content-type": "application/json" }, body: JSON.stringify({ query: INTROSPECTION }) })
    .then(({ json }) => browser.show(new Schema(json.data)))
    .catch(() => {
      asked = null;
      browser.fail("The server does not tell its schema.");
    });
}

function tabs() {
  const all = [byId("tab-variables"), byId("tab-headers")];
  const select = (chosen) => {
    for (const tab of all) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
  };
  for (const tab of all) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const other = all.find((each) => each !== tab);
      select(other);
      other.focus();
    });
  }
}

async function copy(what, said) {
  try {
    await navigator.clipboard.writeText(what);
    tell(said);
  } catch {
    tell("The browser keeps its clipboard closed here.", "bad");
  }
}

function curl() {
  const { body, headers } = request();
  const quoted = (value) => `'${value.replaceAll("'", "'\\''")}'`;
  const given = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  return ["curl -sS", quoted(ENDPOINT), ...given, "-d", quoted(body)].join(" ");
}

function useToken(token, said) {
  byId("token").value = token;
  keep();
  tell(said, "good");
}

/** Takes a token from the address (#token=…), which then forgets it. */
function tokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  useToken(token, "Signed in by the token of the link.");
}

async function signIn() {
  const code = returnedCode();
  const config = await signInConfig();
  if (config) {
    byId("sign-in").hidden = false;
    byId("sign-in").addEventListener("click", () => leaveToSignIn(config));
  }
  if (!code) return;
  const answer = await send({ headers: { "content-type": "application/json" }, body: JSON.stringify({ query: SIGN_IN, variables: { code } }) });
  const payload = answer.json?.data?.signInWithOfficialAccount;
  if (payload?.session) useToken(payload.session.accessToken, "Signed in: the token is in the headers.");
  else tell(payload?.userErrors[0]?.message ?? "The sign-in failed.", "bad");
}

function keys(event) {
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key === "Enter") run();
  else if (control && event.shiftKey && event.key.toLowerCase() === "f") tidy();
  else if (control && event.key.toLowerCase() === "k") showSchema();
  else if (event.key === "Escape" && byId("schema").contains(event.target)) showSchema(false);
  else return;
  event.preventDefault();
}

function tidy() {
  text.text = prettify(text.text);
  try {
    if (variables.text.trim()) variables.fill(JSON.stringify(JSON.parse(variables.text), null, 2));
  } catch {
    // Left as typed; running it says what is wrong.
  }
  keep();
}

byId("token").value = kept.token;
byId("headers").value = kept.headers;
text.fill(kept.text);
variables.fill(kept.variables);
byId("examples").append(...EXAMPLES.map(({ title }, index) => h("option", { value: index }, title)));
picker("examples", () => EXAMPLES);
picker("history", () => kept.history);
byId("run").addEventListener("click", run);
byId("prettify").addEventListener("click", tidy);
byId("browse").addEventListener("click", () => showSchema());
byId("close").addEventListener("click", () => showSchema(false));
byId("token").addEventListener("input", keep);
byId("headers").addEventListener("input", keep);
byId("forget").addEventListener("click", () => useToken("", "Signed out here."));
byId("copy").addEventListener("click", () => copy(byId("result").textContent, "Copied."));
byId("curl").addEventListener("click", () => {
  try {
    copy(curl(), "Copied.");
  } catch (error) {
    tell(error.message, "bad");
  }
});
document.addEventListener("keydown", keys);
addEventListener("hashchange", tokenFromAddress);
tabs();
drawHistory();
textChanged();
tokenFromAddress();
signIn().catch(() => tell("The sign-in failed.", "bad"));
