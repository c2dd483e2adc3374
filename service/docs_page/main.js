// Joins the parts: the document is fetched, and every operation and schema in it shown when it is opened.
//
// operation.js shows one operation, schema.js a schema, try.js sends a request and curl.js writes it as a command;
// document.js finds things in the document, text.js makes elements of its texts.

import { $, element } from "../page/element.js";
import { operations, says } from "./document.js";
import { showOperation } from "./operation.js";
import { showSchema } from "./schema.js";
import { prose } from "./text.js";

/** Give a block that is filled when it is first opened. */
function block(id, title, fill) {
  const made = element("details", { id, className: "card block" }, element("summary", {}, ...title));
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1) made.append(fill());
  });
  return made;
}

function method(name) {
  return element("span", { className: `method ${name}` }, name.toUpperCase());
}

function entry(operation) {
  const { method: verb, path, details } = operation;
  return block(
    details.operationId,
    [method(verb), element("code", { className: "path" }, path), element("span", { className: "summary" }, details.summary)],
    () => showOperation(operation),
  );
}

function link(operation) {
  const { method: verb, path, details } = operation;
  const parts = path.split("/").flatMap((part, index) => (index ? [element("wbr"), `/${part}`] : []));
  const title = element("code", {}, ...parts);
  const made = element("a", { href: `#${details.operationId}`, title: details.summary }, method(verb), title);
  return element("li", {}, made);
}

function section(name, description, all) {
  const own = all.filter((operation) => operation.details.tags.includes(name));
  const id = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  $("contents").append(
    element("div", { className: "tag" }, element("h2", {}, name), element("ul", {}, ...own.map(link))),
  );
  return element(
    "section",
    { className: "tag" },
    element("h2", { id: `tag-${id}` }, name),
    element("p", { className: "small" }, description),
    ...own.map(entry),
  );
}

function schemas(document) {
  const blocks = Object.entries(document.components.schemas).map(([name, schema]) =>
    block(`schema-${name}`, [element("code", { className: "path" }, name)], () => showSchema(schema, document)),
  );
  return element("section", { className: "tag" }, element("h2", { id: "schemas" }, "Schemas"), ...blocks);
}

/** Open what the address names, and go there. */
function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.matches("details")) target.open = true;
  target.scrollIntoView({ block: "start" });
  (target.querySelector("summary") ?? target).focus({ preventScroll: true });
}

/** Show only what has every word of the filter somewhere. */
function filter(all) {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const operation of all) {
    const shown = words.every((word) => says(operation).includes(word));
    found += shown;
    const id = operation.details.operationId;
    document.getElementById(id).hidden = !shown;
    document.querySelector(`#contents a[href="#${id}"]`).parentElement.hidden = !shown;
  }
  for (const tag of document.querySelectorAll(".tag")) {
    tag.hidden = words.length > 0 && ![...tag.querySelectorAll("details.block, li")].some((one) => !one.hidden);
  }
  $("found").textContent = words.length ? `${found} found` : "";
}

async function start() {
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
  const description = await answer.json();
  const all = operations(description);
  $("about-text").replaceChildren(
    ...prose(description.info.description),
    element("p", { className: "small" }, `Version ${description.info.version}, OpenAPI ${description.openapi}`),
  );
  $("content").append(
    ...description.tags.map((tag) => section(tag.name, tag.description, all)),
    schemas(description),
  );
  $("filter").addEventListener("input", () => filter(all));
  window.addEventListener("hashchange", follow);
  follow();
}

start().catch((error) => {
  $("about-text").replaceChildren(element("p", { className: "notice" }, `The document could not be read: ${error.message}`));
});
