// What a client put on the wire: its fetch, and a list of the requests that went through it.

export function recorder() {
  const requests = [];
  return {
    async fetch(input, init) {
      const url = new URL(input instanceof Request ? input.url : input);
      const response = await fetch(input, init);
      requests.push(`${init?.method ?? "GET"}${url.search ? "?" : ""} ${response.status}`);
      return response;
    },
    // The requests since the last call.
    taken: () => requests.splice(0),
  };
}

export const tell = (name, told) => console.log(JSON.stringify({ name, ...told }));
