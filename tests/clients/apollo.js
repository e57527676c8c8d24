// Apollo Client against the URL given, with a member's token: prints what came of each case.

import { createHash } from "node:crypto";

import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

import { BROKEN, RENAME, TIERS } from "./documents.js";
import { recorder, tell } from "./recorder.js";

const [url, token] = process.argv.slice(2);
const record = recorder();

function client({ authorization, ...options } = {}, ...links) {
  const headers = authorization ? { authorization: `Bearer ${authorization}` } : {};
  const http = new HttpLink({ uri: url, fetch: record.fetch, headers, ...options });
  return new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([...links, http]) });
}

async function run(name, running) {
  let told;
  try {
    told = { data: (await running).data };
  } catch (error) {
    if (!CombinedGraphQLErrors.is(error)) throw error;
    told = { codes: error.errors.map((each) => each.extensions.code) };
  }
  tell(name, { ...told, requests: record.taken() });
}

const query = (by, text, variables) => by.query({ query: gql(text), variables, fetchPolicy: "network-only" });
const rename = (by, nickname) => by.mutate({ mutation: gql(RENAME), variables: { input: { nickname } } });

await run("query", query(client(), TIERS, { withNames: true }));
await run("query by GET", query(client({ useGETForQueries: true }), TIERS, { withNames: false }));
await run("mutation", rename(client({ authorization: token, useGETForQueries: true }), "阿梨"));
await run("refusal", rename(client({ authorization: token }), ""));
await run("broken document", query(client(), BROKEN));
await run("bad token", query(client({ authorization: "nonsense" }), TIERS, { withNames: false }));

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const persisted = client({}, new PersistedQueryLink({ sha256, useGETForHashedQueries: true }));
await run("hash, first", query(persisted, TIERS, { withNames: false }));
await run("hash, again", query(persisted, TIERS, { withNames: true }));
