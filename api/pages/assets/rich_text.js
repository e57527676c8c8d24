// A product's description: the server has cleaned it; only plain tags are copied all the same.

import { h } from "./dom.js";

const TAGS = new Set(["P", "H2", "H3", "H4", "UL", "OL", "LI", "STRONG", "B", "EM", "I", "BR", "TABLE", "TBODY", "TR", "TD", "TH", "DIV", "SPAN"]);

/** The HTML's text in elements of our own, pictures included, without any of its attributes. */
export function richText(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return h("div", { class: "rich" }, copied(parsed.body));
}

function copied(parent) {
  return [...parent.childNodes].map((node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent;
    if (node.nodeType !== Node.ELEMENT_NODE) return null;
    if (node.tagName === "IMG") return h("img", { src: node.getAttribute("src"), alt: node.getAttribute("alt") ?? "", loading: "lazy" });
    return TAGS.has(node.tagName) ? h(node.tagName.toLowerCase(), {}, copied(node)) : copied(node);
  });
}
