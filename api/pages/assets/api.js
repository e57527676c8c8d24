// Calls of the member API, and the session that they are made in.

import { REFRESH } from "./documents.js";
import { LANGUAGE, t } from "./words.js";

const ENDPOINT = new URL("../graphql", import.meta.url);
const KEPT = "mall.session";
const EARLY_MS = 60_000;

let session = JSON.parse(localStorage.getItem(KEPT) ?? "null");
let refreshing = null;

/** A call that did not work, with a message for the person. `code` is the server's, or OFFLINE. */
export class ApiError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** Input that was refused: the first of the `userErrors` speaks, all are in `errors`. */
export class Refusal extends ApiError {
  constructor(errors) {
    super(errors[0].message, errors[0].code);
    this.errors = errors;
  }
}

export const signedIn = () => session !== null;

export function keepSession(given) {
  session = given && { accessToken: given.accessToken, refreshToken: given.refreshToken, expiresAt: given.expiresAt };
  if (session) localStorage.setItem(KEPT, JSON.stringify(session));
  else localStorage.removeItem(KEPT);
}

// Another tab has signed in or out, or has drawn a new refresh token.
addEventListener("storage", ({ key, newValue }) => {
  if (key === KEPT) session = JSON.parse(newValue ?? "null");
});

/** The data that a document of documents.js asks for. */
export async function gql(document, variables = {}) {
  if (session && Date.parse(session.expiresAt) - Date.now() < EARLY_MS) await refresh();
  let answer = await post(document, variables, session?.accessToken);
  if (codeOf(answer) === "UNAUTHENTICATED" && session) {
    await refresh();
    answer = await post(document, variables, session?.accessToken);
  }
  if (answer.errors) throw new ApiError(answer.errors[0].message, codeOf(answer));
  return answer.data;
}

/** The payload of a mutation with one input; a refusal is thrown. */
export async function mutate(document, input) {
  const [payload] = Object.values(await gql(document, { input }));
  if (payload.userErrors.length) throw new Refusal(payload.userErrors);
  return payload;
}

const codeOf = (answer) => answer.errors?.[0]?.extensions?.code;

async function post({ id, text }, variables, token) {
  const headers = { "content-type": "application/json", "accept-language": LANGUAGE };
  if (token) headers.authorization = `Bearer ${token}`;
  const ask = async (document) => {
    const body = JSON.stringify({ ...document, variables });
    return (await fetch(ENDPOINT, { method: "POST", headers, body })).json();
  };
  try {
    const answer = await ask({ documentId: id });
    // While a release replaces another, this page may be older or newer than the server.
    return codeOf(answer) === "PERSISTED_QUERY_NOT_FOUND" ? await ask({ query: text }) : answer;
  } catch {
    throw new ApiError(t("offline"), "OFFLINE");
  }
}

/** Draws a new access token, once for all who wait; a session that has ended is forgotten. */
function refresh() {
  refreshing ??= post(REFRESH, { input: { refreshToken: session.refreshToken } })
    .then(({ data }) => keepSession(data?.refreshSession?.session ?? null))
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}
