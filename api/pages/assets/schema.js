// The schema browser: types, fields and their descriptions, as the server's introspection tells them.

import { byId, h } from "./dom.js";

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
const INPUT = `name description defaultValue type { ${TYPE} }`;
export const INTROSPECTION = `query Introspection {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) {
        name description isDeprecated deprecationReason args { ${INPUT} } type { ${TYPE} }
      }
      inputFields { ${INPUT} }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      interfaces { name } possibleTypes { name }
    }
  }
}`;
const FOUND = 60;
const SELECTED_DEPTH = 2;

/** The type as SDL writes it. */
export function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  return type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
}

const named = (type) => (type.ofType ? named(type.ofType) : type);

/** A schema, as introspection gave it, with what the browser asks of it. */
export class Schema {
  constructor({ __schema: told }) {
    this.types = new Map(told.types.filter(({ name }) => !name.startsWith("__")).map((type) => [type.name, type]));
    this.roots = [
      ["query", told.queryType],
      ["mutation", told.mutationType],
      ["subscription", told.subscriptionType],
    ].flatMap(([kind, root]) => (root ? [{ kind, name: root.name }] : []));
  }

  /** Types and fields whose names hold the text; those that begin with it come first. */
  search(text) {
    const wanted = text.toLowerCase();
    const found = [];
    for (const type of this.types.values()) {
      found.push({ type: type.name, name: type.name });
      for (const part of [...(type.fields ?? []), ...(type.inputFields ?? []), ...(type.enumValues ?? [])]) {
        found.push({ type: type.name, name: part.name, part: part.name });
      }
    }
    const rank = ({ name }) => (name.toLowerCase() === wanted ? 0 : name.toLowerCase().startsWith(wanted) ? 1 : 2);
    return found
      .filter(({ name }) => name.toLowerCase().includes(wanted))
      .sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
  }

  /** An operation that asks for this root field, with a variable for each argument it needs. */
  operation(kind, field) {
    const needed = field.args.filter(({ type, defaultValue }) => type.kind === "NON_NULL" && defaultValue === null);
    const declared = needed.map(({ name, type }) => `$${name}: ${written(type)}`).join(", ");
    const given = needed.map(({ name }) => `${name}: $${name}`).join(", ");
    const title = field.name[0].toUpperCase() + field.name.slice(1);
    const chosen = this.#selection(field.type, SELECTED_DEPTH, "    ");
    const text = `${kind} ${title}${declared && `(${declared})`} {\n  ${field.name}${given && `(${given})`}${chosen}\n}\n`;
    const variables = Object.fromEntries(needed.map(({ name, type }) => [name, this.#sample(type, 3)]));
    return { text, variables: needed.length ? JSON.stringify(variables, null, 2) : "" };
  }

  #selection(type, depth, indent) {
    const { fields } = this.types.get(named(type).name) ?? {};
    if (!fields) return "";
    const lines = fields
      .filter(({ args, isDeprecated }) => !isDeprecated && args.every((each) => each.type.kind !== "NON_NULL"))
      .map((field) => {
        const isLeaf = !this.types.get(named(field.type).name)?.fields;
        if (isLeaf) return field.name;
        const inside = depth > 1 ? this.#selection(field.type, depth - 1, `${indent}  `) : "";
        return inside && field.name + inside;
      })
      .filter(Boolean);
    return lines.length ? ` {\n${lines.map((line) => indent + line).join("\n")}\n${indent.slice(2)}}` : "";
  }

  #sample(type, depth) {
    if (type.kind === "NON_NULL") return this.#sample(type.ofType, depth);
    if (type.kind === "LIST") return [];
    const known = this.types.get(type.name);
    if (known?.kind === "ENUM") return known.enumValues[0].name;
    if (known?.kind === "INPUT_OBJECT" && depth > 0) {
      const needed = known.inputFields.filter((each) => each.type.kind === "NON_NULL" && each.defaultValue === null);
      return Object.fromEntries(needed.map((each) => [each.name, this.#sample(each.type, depth - 1)]));
    }
    return { Int: 1, Money: 0, Float: 0, Boolean: true }[type.name] ?? "";
  }
}

/** Shows a schema in the page; `use(operation)` hears which operation to put into the editor. */
export class Browser {
  #schema = null;
  #trail = [];

  constructor(use) {
    this.use = use;
    byId("back").addEventListener("click", () => {
      this.#trail.pop();
      this.#draw();
    });
    byId("search").addEventListener("input", () => this.#draw());
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter") byId("docs").querySelector("button.type, button.field")?.click();
    });
  }

  show(schema) {
    this.#schema = schema;
    this.#draw();
  }

  fail(message) {
    byId("docs").replaceChildren(h("p", {}, message));
  }

  /** Shows a type, and one of its parts if named. */
  open(name, part = null) {
    byId("search").value = "";
    this.#trail.push(name);
    this.#draw();
    byId("docs").focus();
    const wanted = part && byId("docs").querySelector(`[data-part="${part}"]`);
    wanted?.classList.add("found");
    wanted?.scrollIntoView({ block: "center" });
  }

  #draw() {
    if (!this.#schema) return;
    byId("back").disabled = this.#trail.length === 0;
    const text = byId("search").value.trim();
    const name = this.#trail.at(-1);
    const drawn = text ? this.#found(text) : name ? this.#type(this.#schema.types.get(name)) : this.#start();
    byId("docs").replaceChildren(...drawn);
    byId("docs").scrollTop = 0;
  }

  #start() {
    const roots = this.#schema.roots.flatMap(({ kind, name }) => [
      h("h2", {}, name),
      h("ul", {}, this.#schema.types.get(name).fields.map((field) => this.#field(field, kind))),
    ]);
    const rest = [...this.#schema.types.keys()].filter((name) => !this.#schema.roots.some((root) => root.name === name));
    return [...roots, h("h2", {}, "All types"), h("ul", {}, rest.sort().map((name) => h("li", {}, h("code", {}, this.#link(name)))))];
  }

  #found(text) {
    const found = this.#schema.search(text);
    if (!found.length) return [h("p", {}, `Nothing is named like “${text}”.`)];
    const rows = found.slice(0, FOUND).map(({ type, part }) =>
      h("li", {}, h("code", {}, this.#link(type, part), part ? `.${part}` : "")),
    );
    const more = found.length > FOUND ? [h("p", {}, `${found.length - FOUND} more: type on.`)] : [];
    return [h("ul", {}, rows), ...more];
  }

  #type(type) {
    const root = this.#schema.roots.find(({ name }) => name === type.name);
    const list = (title, rows) => (rows?.length ? [h("h3", {}, title), h("ul", {}, rows)] : []);
    return [
      h("h2", {}, type.name, " ", h("small", {}, type.kind.toLowerCase().replace("_", " "))),
      h("p", {}, type.description ?? ""),
      ...list("Implements", type.interfaces?.map(({ name }) => h("li", {}, this.#link(name)))),
      ...list("Fields", type.fields?.map((field) => this.#field(field, root?.kind))),
      ...list("Fields", type.inputFields?.map((field) => this.#field(field))),
      ...list("Values", type.enumValues?.map((value) => h("li", { "data-part": value.name }, h("code", {}, value.name), h("p", {}, value.description ?? "")))),
      ...list("One of", type.possibleTypes?.map(({ name }) => h("li", {}, this.#link(name)))),
    ];
  }

  #field(field, rootKind = null) {
    const open = rootKind && (() => this.use(this.#schema.operation(rootKind, field)));
    const name = open ? h("button", { class: "field", onclick: open, title: "Put it into the editor" }, field.name) : field.name;
    const argument = (each) => h("span", { class: "argument", title: each.description }, `${each.name}: `, this.#reference(each.type), shownDefault(each));
    const several = field.args?.length ? ["(", field.args.map(argument), ")"] : [];
    return h(
      "li",
      { "data-part": field.name },
      open ? h("button", { class: "use", onclick: open, "aria-label": `Use ${field.name}` }, "Use") : null,
      h("code", { class: field.isDeprecated ? "old" : "" }, name, ...several, ": ", this.#reference(field.type), shownDefault(field)),
      field.description ? h("p", {}, field.description) : null,
      field.deprecationReason ? h("p", {}, `Deprecated: ${field.deprecationReason}`) : null,
    );
  }

  #reference(type) {
    const [before, after] = written(type).split(named(type).name);
    return h("span", {}, before, this.#link(named(type).name), after);
  }

  #link(name, part = null) {
    return h("button", { class: "type", onclick: () => this.open(name, part) }, name);
  }
}

const shownDefault = ({ defaultValue }) => (defaultValue && defaultValue !== "null" ? ` = ${defaultValue}` : "");
