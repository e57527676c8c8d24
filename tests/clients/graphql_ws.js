// The graphql-ws library against the mall's URL, with a member's token: prints what came of each case.

import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { BROKEN, RENAME, TIERS } from "./documents.js";
import { tell } from "./recorder.js";

const [url, token] = process.argv.slice(2);

async function run(name, request, connectionParams) {
  const events = [];
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams,
    retryAttempts: 0,
    on: {
      connected: () => events.push("connected"),
      closed: ({ code }) => code === 1000 || events.push(code), // We may close after the last line.
    },
  });
  const told = {};
  try {
    for await (const { data } of client.iterate(request)) told.data = data;
  } catch (error) {
    if (Array.isArray(error)) told.codes = error.map((each) => each.extensions.code);
    else told.refused = [error.code, error.reason];
  }
  await client.dispose();
  tell(name, { ...told, events });
}

const rename = (nickname) => ({ query: RENAME, variables: { input: { nickname } } });
const signedIn = () => ({ authorization: `Bearer ${token}` });

await run("query", { query: TIERS, variables: { withNames: true } });
await run("mutation", rename("阿梨"), signedIn);
await run("refusal", rename(""), signedIn);
await run("nobody's mutation", rename("阿梨"));
await run("broken document", { query: BROKEN });
await run("bad token", { query: TIERS, variables: { withNames: false } }, { authorization: "Bearer x" });
