// The graphql-ws library follows an order of the mall: prints one line for each thing that happens.
// It takes a token for each connection; the last one is for all further ones.

import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { FOLLOW_ORDER } from "./documents.js";
import { tell } from "./recorder.js";

const [url, orderId, events, ...tokens] = process.argv.slice(2);

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: `Bearer ${tokens.length > 1 ? tokens.shift() : tokens[0]}` }),
  retryAttempts: 1_000,
  shouldRetry: () => true, // As it does by itself after 4403 and 1012, now also without a server.
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 10)),
  on: {
    connected: () => tell("connected"),
    // Until the restarted server listens, connections are refused any number of times.
    closed: ({ code }) => code === 1006 || tell("closed", { code }),
  },
});

let left = Number(events);
for await (const { data } of client.iterate({ query: FOLLOW_ORDER, variables: { orderId } })) {
  tell("event", { data });
  if (--left === 0) break;
}
await client.dispose();
