// Signing in on the web: WeChat's OAuth page (in development the simulator's) sends people back with a code.

import { randomId } from "./dom.js";

const STATE = "mall.oauth.state";

/** Where the sign-in page is, or null where pages may not use it (production). */
export async function signInConfig() {
  const answer = await fetch(new URL("config.json", import.meta.url));
  return answer.ok ? answer.json() : null;
}

/** Leaves for the sign-in page, which comes back to this one. */
export function leaveToSignIn({ authorizeUrl, appId }) {
  const state = randomId();
  const back = new URL(location.pathname, location.origin);
  if (new URLSearchParams(location.search).has("lang")) back.search = `lang=${document.documentElement.lang}`;
  sessionStorage.setItem(STATE, JSON.stringify({ state, hash: location.hash }));
  const asked = new URLSearchParams({
    appid: appId,
    redirect_uri: back.href,
    response_type: "code",
    scope: "snsapi_userinfo",
    state,
  });
  location.assign(`${authorizeUrl}?${asked}#wechat_redirect`);
}

/** The code that this page was sent back with, once; a code that nobody here asked for is no code. */
export function returnedCode() {
  const query = new URLSearchParams(location.search);
  const code = query.get("code");
  if (!code) return null;
  const asked = JSON.parse(sessionStorage.getItem(STATE) ?? "null");
  sessionStorage.removeItem(STATE);
  const isOurs = asked !== null && asked.state === query.get("state");
  query.delete("code");
  query.delete("state");
  const rest = query.size ? `?${query}` : "";
  history.replaceState(null, "", location.pathname + rest + (isOurs ? asked.hash : ""));
  return isOurs ? code : null;
}
