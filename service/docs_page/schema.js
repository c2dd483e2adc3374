// A JSON schema as a list of fields: name, type, limits, what it means. What a reference names is shown when opened.

import { element } from "../page/element.js";
import { nameOf, resolved } from "./document.js";
import { inline, prose } from "./text.js";

const LIMITS = {
  minimum: "≥",
  exclusiveMinimum: ">",
  maximum: "≤",
  exclusiveMaximum: "<",
  minLength: "characters ≥",
  maxLength: "characters ≤",
  minItems: "items ≥",
  maxItems: "items ≤",
  pattern: "matches",
};

/** Give the elements of a schema. */
export function showSchema(schema, document) {
  const made = element("div", { className: "schema" });
  const found = resolved(schema, document);
  if (found.description) made.append(...prose(found.description));
  if (found.properties) made.append(fields(found, document));
  else made.append(element("p", {}, element("code", {}, typeOf(found))), limits(found));
  made.append(...parts(found, document));
  return made;
}

function fields(schema, document) {
  const list = element("dl", { className: "fields" });
  for (const [name, field] of Object.entries(schema.properties)) {
    const required = schema.required?.includes(name);
    list.append(
      element("dt", {}, element("code", {}, name), " ", ...marks(typeOf(field), required)),
      element("dd", {}, ...inline(field.description ?? ""), limits(field), ...parts(field, document)),
    );
  }
  return list;
}

/** Give a type, and whether there has to be one. */
export function marks(type, required) {
  return [
    element("span", { className: "type" }, type),
    ...(required ? [" ", element("span", { className: "required" }, "required")] : []),
  ];
}

/** Give what a value is limited to, and what it is when it is not there. */
export function limits(schema) {
  const texts = Object.entries(LIMITS)
    .filter(([name]) => name in schema)
    .map(([name, words]) => `${words} ${schema[name]}`);
  if (schema.default !== undefined && schema.default !== null && schema.default !== "") {
    texts.push(`default ${JSON.stringify(schema.default)}`);
  }
  return texts.length ? element("span", { className: "limits" }, texts.join(" · ")) : "";
}

/** Give a type in words. */
export function typeOf(schema) {
  if (schema.$ref) return nameOf(schema.$ref);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const several = schema.anyOf ?? (schema.properties ? undefined : schema.oneOf);
  if (several && schema.type !== "array") return [...new Set(several.map(typeOf))].join(" or ");
  if (schema.type === "array") {
    const items = schema.items && Object.keys(schema.items).length ? typeOf(schema.items) : "";
    return items ? `array of ${items}` : "array";
  }
  if (schema.type === "object" && schema.additionalProperties?.type) {
    return `object of ${typeOf(schema.additionalProperties)}`;
  }
  const type = [schema.type ?? "any"].flat().join(" or ");
  return schema.format ? `${type} (${schema.format})` : type;
}

/** Give what the references in a field stand for, each to be opened. */
function parts(schema, document) {
  return references(schema).map((reference) => {
    const made = element("details", { className: "part" }, element("summary", {}, element("code", {}, nameOf(reference))));
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(showSchema({ $ref: reference }, document));
    });
    return made;
  });
}

/** Give the references in a schema, but not those inside its own fields. */
export function references(schema) {
  const inside = [schema, schema.items, schema.additionalProperties, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  const found = inside.flatMap((one) => [one?.$ref, one?.items?.$ref]).filter(Boolean);
  return [...new Set(found)];
}
