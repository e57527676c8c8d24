// The graphql-ws library against a schema with subscriptions; prints one line for each thing that happens.

import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { tell } from "./recorder.js";

const [url] = process.argv.slice(2);

function client(names, options = {}) {
  return createClient({
    url,
    webSocketImpl: WebSocket,
    // Another name for each connection; the last one for all further ones.
    connectionParams: () => ({ name: names.length > 1 ? names.shift() : names[0] }),
    retryAttempts: 1_000,
    shouldRetry: () => true, // As it does by itself after 4403 and 1012, now also without a server.
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 10)),
    on: {
      connected: () => tell("connected"),
      // Until the restarted server listens, connections are refused any number of times.
      closed: ({ code }) => code === 1006 || tell("closed", { code }),
    },
    ...options,
  });
}

async function follow(by, query, { events = Infinity } = {}) {
  try {
    for await (const { data, errors } of by.iterate({ query })) {
      tell("event", errors ? { errors: errors.map((each) => each.message) } : { data });
      if (--events === 0) break;
    }
    tell("over");
  } catch (error) {
    tell("failed", { errors: Array.isArray(error) ? error.map((each) => each.message) : error.code });
  }
  await by.dispose();
}

await follow(client(["alice"]), "subscription { count(upto: 3) }");
await follow(client(["alice"]), "subscription { watch(name: \"left\") }", { events: 1 });
await follow(client(["alice"]), "subscription { fail }");
await follow(client(["alice"]), "subscription { nothing }");
await follow(client(["mallory"], { retryAttempts: 0 }), "{ hello }");
// Refused twice, it asks for its parameters anew and is let in.
await follow(client(["mallory", "mallory", "bob"]), "{ hello }");
// The server sends us away in the middle, and is there again a little later.
await follow(client(["carol"]), "subscription { watch(name: \"restarted\") }");
