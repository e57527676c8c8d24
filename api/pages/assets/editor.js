// A textarea that knows GraphQL or JSON a little: colours, indentation, comments, prettify.

import { h } from "./dom.js";

const GRAPHQL =
  /(?<comment>#[^\n]*)|(?<text>"""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?)|(?<variable>\$\w+|@\w+)|(?<number>-?\b\d[\d.eE+-]*)|(?<name>[A-Za-z_]\w*)|(?<mark>\.{3}|[{}()[\]:=!|&])|(?<space>[\s,]+)|(?<other>.)/g;
const JSON_TOKENS = /(?<key>"(?:\\.|[^"\\\n])*"(?=\s*:))|(?<text>"(?:\\.|[^"\\\n])*"?)|(?<number>-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b)|(?<other>[^"\d\-tfn]+|.)/g;
const KEYWORDS = new Set(["query", "mutation", "subscription", "fragment", "on", "true", "false", "null"]);
const COLOURED_CHARACTERS = 200_000;

/** The tokens of a text as {kind, text, at}. */
export function tokens(text, pattern = GRAPHQL) {
  return [...text.matchAll(pattern)].map((match) => {
    const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    return { kind: kind === "name" && KEYWORDS.has(match[0]) ? "key" : kind, text: match[0], at: match.index };
  });
}

/** Shows a text in colours; a huge one stays plain. */
export function colour(target, text, pattern) {
  if (text.length > COLOURED_CHARACTERS) {
    target.textContent = text;
    return;
  }
  target.replaceChildren(
    ...tokens(text, pattern).map(({ kind, text: shown }) =>
      ["key", "text", "number", "variable", "comment"].includes(kind) ? h("span", { class: `t-${kind}` }, shown) : shown,
    ),
  );
}

export const colourJson = (target, text) => colour(target, text, JSON_TOKENS);

/** The operations of a document as {name, from, to}. */
export function operations(text) {
  const found = [];
  let depth = 0;
  let current = null;
  const seen = tokens(text).filter(({ kind }) => kind !== "space" && kind !== "comment");
  seen.forEach((token, index) => {
    if (depth === 0 && !current && (token.text === "{" || token.kind === "key")) {
      const next = seen[index + 1];
      const isOperation = token.text === "{" || ["query", "mutation", "subscription"].includes(token.text);
      current = { name: isOperation && next?.kind === "name" && token.text !== "{" ? next.text : "", from: token.at, isOperation };
    }
    if ("{([".includes(token.text)) depth += 1;
    if ("})]".includes(token.text)) depth -= 1;
    if (current && depth === 0 && token.text === "}") {
      current.to = token.at + 1;
      if (current.isOperation) found.push(current);
      current = null;
    }
  });
  return found;
}

/** The document set out with two blanks a level; strings and comments stay as they are. */
export function prettify(text) {
  const lines = [];
  let line = "";
  let depth = 0;
  let round = 0;
  let previous = null;
  const end = () => {
    if (line.trim()) lines.push("  ".repeat(depth) + line.trim());
    line = "";
  };
  for (const token of tokens(text)) {
    const broken = previous?.text.includes("\n");
    if (token.kind === "space") {
      if (depth === 0 && round === 0 && token.text.split("\n").length > 2 && lines.length && !line.trim()) lines.push("");
    } else if (token.kind === "comment") {
      if (broken) end();
      line += `${line && !line.endsWith(" ") ? " " : ""}${token.text}`;
      end();
    } else if (token.text === "{" && round === 0) {
      line = `${line.trimEnd()}${line.trim() ? " " : ""}{`;
      end();
      depth += 1;
    } else if (token.text === "}" && round === 0) {
      end();
      depth = Math.max(0, depth - 1);
      lines.push(`${"  ".repeat(depth)}}`);
    } else if ("([{".includes(token.text)) {
      round += 1;
      line += token.text === "(" ? "(" : `${needsBlank(line) ? " " : ""}${token.text === "{" ? "{ " : "["}`;
    } else if (")]}".includes(token.text)) {
      round = Math.max(0, round - 1);
      line = line.trimEnd() + (token.text === "}" && !line.endsWith("{ ") ? " }" : token.text);
    } else if (token.text === ":" || token.text === "!") {
      line = line.trimEnd() + token.text + (token.text === ":" ? " " : "");
    } else if (token.text === "=") {
      line = `${line.trimEnd()} = `;
    } else {
      if (round === 0 && depth > 0 && startsSelection(line, token)) end();
      const listed = round > 0 && needsBlank(line) && !line.trimEnd().endsWith(":") && !/[=]$/.test(line.trimEnd());
      line += `${listed ? ", " : needsBlank(line) ? " " : ""}${token.text}`;
    }
    previous = token;
  }
  end();
  return `${lines.join("\n").trim()}\n`;
}

const needsBlank = (line) => line !== "" && !/[\s([{]$/.test(line) && !line.endsWith("...");

/** Whether this token begins a new selection, rather than going on with the one on the line. */
function startsSelection(line, token) {
  const before = line.trim();
  if (!before || before.endsWith(":") || before.endsWith("...") || /\.\.\. ?on$/.test(before)) return false;
  return token.text === "..." || token.kind === "name" || token.kind === "key";
}

/** Turns a textarea with a <pre> behind it into an editor; `changed` hears each change. */
export function editor(area, { json = false, changed = () => {} } = {}) {
  const behind = area.previousElementSibling;
  let leaving = false;
  const paint = () => {
    const text = `${area.value}\n`;
    if (json) colourJson(behind, text);
    else colour(behind, text);
    follow();
  };
  const follow = () => {
    behind.scrollTop = area.scrollTop;
    behind.scrollLeft = area.scrollLeft;
  };
  const replace = (from, to, text, caret = from + text.length) => {
    area.setSelectionRange(from, to);
    // The only way to change a textarea that its undo knows; where it is gone, without undo.
    if (!document.execCommand("insertText", false, text)) area.setRangeText(text, from, to, "end");
    area.setSelectionRange(caret, caret);
    paint();
    changed();
  };
  area.addEventListener("input", () => {
    paint();
    changed();
  });
  area.addEventListener("scroll", follow);
  area.addEventListener("keydown", (event) => {
    const { selectionStart: from, selectionEnd: to, value } = area;
    if (event.key === "Escape") leaving = true;
    else if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (from === to && !event.shiftKey) replace(from, to, "  ");
      else eachLine(area, replace, (line) => (event.shiftKey ? line.replace(/^ {1,2}/, "") : `  ${line}`));
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
      event.preventDefault();
      const indent = /^ */.exec(value.slice(value.lastIndexOf("\n", from - 1) + 1, from))[0];
      const opens = /[{([]$/.test(value.slice(0, from).trimEnd());
      const inside = `\n${indent}${opens ? "  " : ""}`;
      const closes = opens && /^[ ]*[})\]]/.test(value.slice(to));
      replace(from, to, closes ? `${inside}\n${indent}` : inside, from + inside.length);
    } else if (event.key === "/" && (event.ctrlKey || event.metaKey) && !json) {
      event.preventDefault();
      const all = linesOf(area).text.split("\n").every((line) => line.startsWith("#"));
      eachLine(area, replace, (line) => (all ? line.replace(/^# ?/, "") : `# ${line}`));
    }
    if (event.key !== "Escape" && event.key !== "Shift") leaving = false;
  });
  paint();
  return {
    get text() {
      return area.value;
    },
    set text(text) {
      area.focus();
      replace(0, area.value.length, text, 0);
      area.scrollTop = 0;
    },
    /** Fills it without the focus, the undo or a call of `changed`. */
    fill(text) {
      area.value = text;
      paint();
    },
  };
}

function linesOf({ value, selectionStart, selectionEnd }) {
  const from = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const next = value.indexOf("\n", Math.max(selectionEnd - 1, from));
  const to = next < 0 ? value.length : next;
  return { from, to, text: value.slice(from, to) };
}

function eachLine(area, replace, change) {
  const { from, to, text } = linesOf(area);
  const changed = text.split("\n").map(change).join("\n");
  replace(from, to, changed);
  area.setSelectionRange(from, from + changed.length);
}
