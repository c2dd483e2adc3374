// One operation: what is sent, how to send it, and what may come back.

import { element } from "../page/element.js";
import { resolved } from "./document.js";
import { limits, marks, references, showSchema, typeOf } from "./schema.js";
import { inline, prose } from "./text.js";
import { showRequest } from "./try.js";

/** Give the elements of an operation. */
export function showOperation(operation) {
  const { details, document } = operation;
  return element(
    "div",
    { className: "operation" },
    ...(details.description ? prose(details.description) : []),
    ...(details.security ? [element("p", { className: "small" }, "Needs the admin token.")] : []),
    ...parameters(details),
    ...body(details.requestBody, document),
    showRequest(operation),
    element("h3", {}, "Answers"),
    element("ul", { className: "answers" }, ...Object.entries(details.responses).map((one) => answer(...one, document))),
  );
}

function parameters(details) {
  if (!details.parameters?.length) return [];
  const list = element("dl", { className: "fields" });
  for (const { name, in: where, required, schema, description } of details.parameters) {
    list.append(
      element("dt", {}, element("code", {}, name), " ", element("span", { className: "where" }, where), " ", ...marks(typeOf(schema), required)),
      element("dd", {}, ...inline(description), limits(schema)),
    );
  }
  return [element("h3", {}, "Parameters"), list];
}

function body(requested, document) {
  if (!requested) return [];
  const about = `${requested.required ? "Required" : "May be left out"}. ${requested.description}`;
  return [element("h3", {}, "Body"), element("p", { className: "small" }, ...inline(about)), ...contents(requested, document)];
}

function answer(status, response, document) {
  const kind = status < 300 ? "good" : status < 400 ? "same" : "bad";
  const text = prose(response.description);
  const head = element("div", {}, element("span", { className: `status ${kind}` }, status), element("div", {}, ...text));
  return element("li", {}, head, ...contents(response, document), headers(response, document));
}

function contents({ content }, document) {
  return Object.entries(content ?? {}).map(([type, media]) => {
    const names = references(media.schema).map((reference) => reference.split("/").at(-1));
    const title = element("summary", {}, element("code", {}, type), names.length ? ` ${names.join(" or ")}` : "");
    const made = element("details", { className: "part" }, title);
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(showSchema(media.schema, document));
    });
    return made;
  });
}

function headers(response, document) {
  const names = Object.entries(response.headers ?? {});
  if (!names.length) return "";
  const list = element("dl", { className: "fields" });
  for (const [name, header] of names) {
    const { description, schema } = resolved(header, document);
    list.append(
      element("dt", {}, element("code", {}, name), " ", ...marks(typeOf(schema), false)),
      element("dd", {}, ...inline(description)),
    );
  }
  return element("details", { className: "part" }, element("summary", {}, `Headers: ${names.map(([name]) => name).join(", ")}`), list);
}
