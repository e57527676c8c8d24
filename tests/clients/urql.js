// urql against the URL given, with a member's token: prints what came of each case.

import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";

import { BROKEN, RENAME, TIERS } from "./documents.js";
import { recorder, tell } from "./recorder.js";

const [url, token] = process.argv.slice(2);
const record = recorder();

function client({ authorization, ...options } = {}, ...exchanges) {
  const headers = authorization ? { authorization: `Bearer ${authorization}` } : {};
  return new Client({
    url,
    fetch: record.fetch,
    fetchOptions: { headers },
    exchanges: [cacheExchange, ...exchanges, fetchExchange],
    requestPolicy: "network-only",
    preferGetMethod: false,
    ...options,
  });
}

async function run(name, running) {
  const { data, error } = await running.toPromise();
  if (error?.networkError) throw error.networkError;
  const told = error ? { codes: error.graphQLErrors.map((each) => each.extensions.code) } : { data };
  tell(name, { ...told, requests: record.taken() });
}

const rename = (by, nickname) => by.mutation(RENAME, { input: { nickname } });

await run("query", client().query(TIERS, { withNames: true }));
await run("query by GET", client({ preferGetMethod: "force" }).query(TIERS, { withNames: false }));
await run("mutation", rename(client({ authorization: token, preferGetMethod: "force" }), "阿梨"));
await run("refusal", rename(client({ authorization: token }), ""));
await run("broken document", client().query(BROKEN, {}));
await run("bad token", client({ authorization: "nonsense" }).query(TIERS, { withNames: false }));

const persisted = client({}, persistedExchange({ preferGetForPersistedQueries: "force" }));
await run("hash, first", persisted.query(TIERS, { withNames: false }));
await run("hash, again", persisted.query(TIERS, { withNames: true }));
