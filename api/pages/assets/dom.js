// Builds elements. Text only ever becomes text nodes, so nothing that a server says can become markup.

/**
 * Makes an element.
 * @param {string} tag
 * @param {object} facts attributes; `on…` are listeners, true and false set and leave out.
 * @param {...(Node|string|null)} children
 */
export function h(tag, facts = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** The element with this id, which the page has. */
export const byId = (id) => document.getElementById(id);

/** Thirty-two random hex digits. (crypto.randomUUID exists on https and localhost only.) */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
