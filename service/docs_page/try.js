// What is filled in for a request, the same as a command, and what the service answers when it is sent.
//
// What needs the admin token is not sent from here: the page at / changes what is live, with a person looking.

import { element } from "../page/element.js";
import { curl } from "./curl.js";
import { examples, isBinary } from "./document.js";

/** Longest answer that is shown whole. */
const LONGEST = 20_000;

let fields = 0;

/** Give the part of an operation in which its request is put together and sent. */
export function showRequest(operation) {
  const { method, path, details } = operation;
  const parameters = (details.parameters ?? []).filter(({ name }) => name !== "X-Request-Id").map(parameterField);
  const body = details.requestBody ? bodyField(details.requestBody) : null;
  const command = element("pre", { className: "command", tabIndex: 0, role: "group", ariaLabel: "As a command" });
  const form = element("form", { className: "try" }, ...parameters.map((field) => field.made), body?.made ?? null);

  const request = () => ({
    method,
    url: addressed(path, parameters),
    headers: parameters.filter(({ where, value }) => where === "header" && value()).map(({ name, value }) => [name, value()]),
    admin: Boolean(details.security),
    ...body?.value(),
  });
  const refresh = () => command.replaceChildren(curl(request()));
  form.addEventListener("input", refresh);
  form.addEventListener("change", refresh);
  refresh();

  const title = element("h3", {}, details.security ? "As a command" : "Try it");
  const made = element("div", {}, title, form, command);
  if (!details.security) {
    const answer = element("div", { className: "answered", role: "status" });
    form.append(element("button", { type: "submit" }, "Send"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.reportValidity()) answer.replaceChildren(...(await sent(request())));
    });
    made.append(answer);
  }
  return made;
}

function labelled(text, input) {
  input.id = `field-${++fields}`;
  return element("div", { className: "field" }, element("label", { htmlFor: input.id }, text), input);
}

function options(values) {
  return values.map((value) => element("option", { value }, value));
}

function parameterField({ name, in: where, schema, required }) {
  const first = { name: "digits", version: "production", alias: "production" }[name] ?? schema.enum?.[0] ?? "";
  const input = schema.enum
    ? element("select", {}, ...options(required ? schema.enum : ["", ...schema.enum]))
    : element("input", { type: "text", autocomplete: "off", spellcheck: false });
  input.required = required;
  input.value = required ? first : "";
  if (schema.default !== undefined) input.placeholder = String(schema.default);
  return { made: labelled(name, input), name, where, value: () => input.value };
}

/** Give the address of a request, with what is filled in for its path and query. */
function addressed(path, parameters) {
  const filled = parameters
    .filter(({ where }) => where === "path")
    .reduce((found, { name, value }) => found.replace(`{${name}}`, encodeURIComponent(value())), path);
  const query = parameters.filter(({ where, value }) => where === "query" && value()).map(({ name, value }) => [name, value()]);
  const text = new URLSearchParams(query).toString();
  return new URL(`.${filled}${text ? `?${text}` : ""}`, location.href).href;
}

/** Give the fields for a body: its content type, and an example as text or a file. */
function bodyField({ content, required }) {
  const types = Object.keys(content);
  const type = element("select", {}, ...options(required ? types : ["", ...types]));
  const text = element("textarea", { rows: 6, spellcheck: false });
  const file = element("input", { type: "file" });
  const which = element("select", {});
  const parts = { which: labelled("Example", which), text: labelled("Body", text), file: labelled("File", file) };

  const examplesOf = () => (type.value ? examples(content[type.value]) : []);
  const chosen = () => examplesOf().find((example) => example.name === which.value);
  const binary = () => type.value && isBinary(type.value, content[type.value]);
  const fill = () => {
    const value = chosen()?.value;
    text.value = value === undefined ? "" : JSON.stringify(value);
    if (chosen()?.file && !binary()) fetch(chosen().file).then(async (answer) => { text.value = await answer.text(); });
    parts.text.hidden = !type.value || binary();
    parts.file.hidden = !binary();
    parts.which.hidden = !examplesOf().length;
  };
  const change = () => {
    which.replaceChildren(...options(examplesOf().map((example) => example.name)));
    fill();
  };
  type.addEventListener("change", change);
  which.addEventListener("change", fill);
  change();

  return {
    made: element("div", { className: "body" }, labelled("Content-Type", type), parts.which, parts.text, parts.file),
    value: () => {
      if (!type.value) return {};
      if (!binary()) return { type: type.value, text: text.value };
      const own = file.files[0];
      return { type: type.value, file: own?.name ?? chosen()?.name ?? "FILE", data: own ?? chosen()?.file };
    },
  };
}

async function sent({ method, url, headers, type, text, file, data }) {
  const begun = performance.now();
  try {
    const bytes = typeof data === "string" ? await (await fetch(data)).blob() : data;
    const form = new FormData();
    if (bytes) form.append("image", bytes, file);
    const about = new Headers(headers);
    if (type && !type.startsWith("multipart/")) about.set("Content-Type", type); // of a form the browser says it
    const body = type?.startsWith("multipart/") ? form : text ?? bytes;
    const answer = await fetch(url, { method: method.toUpperCase(), headers: about, body, cache: "no-store" });
    return await shown(answer, performance.now() - begun);
  } catch (error) {
    return [element("p", { className: "notice" }, `It could not be sent: ${error.message}`)];
  }
}

async function shown(answer, milliseconds) {
  const type = answer.headers.get("Content-Type") ?? "";
  const line = `${answer.status} ${answer.statusText} · ${Math.round(milliseconds)} ms · ${type}`;
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    element("p", { className: answer.ok ? "status-line" : "status-line bad" }, line),
    element("details", { className: "part" }, element("summary", {}, "Headers"), element("pre", {}, headers)),
    await content(answer, type),
  ];
}

async function content(answer, type) {
  if (type.startsWith("image/") && !type.startsWith("image/svg")) {
    return element("img", { src: URL.createObjectURL(await answer.blob()), alt: "What was answered" });
  }
  if (type === "application/octet-stream" || type === "application/x-npy") {
    return element("p", {}, `${(await answer.blob()).size} bytes`);
  }
  const text = await answer.text();
  const pretty = type.includes("json") && text.trim() ? indented(JSON.parse(text)) : text;
  const cut = pretty.length > LONGEST ? `${pretty.slice(0, LONGEST)}\n…` : pretty;
  return element("pre", { tabIndex: 0, role: "group", ariaLabel: "The answer" }, cut);
}

/** Give JSON with a line for each field, but lists of numbers on one. */
function indented(value) {
  return JSON.stringify(value, null, 2).replaceAll(/\[[\s\d.,eE+-]*\]/g, (list) => list.replaceAll(/\s+/g, " "));
}
