// Finding things in an OpenAPI document. Nothing here knows what the page looks like.

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Give every operation: its path, method and what is said of it. */
export function operations(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({ path, method, details: item[method], document })),
  );
}

/** Give what a reference in the document stands for; anything else as it is. */
export function resolved(value, document) {
  if (!value?.$ref) return value;
  return value.$ref
    .slice(2)
    .split("/")
    .reduce((found, part) => found[part.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

/** Give the last part of a reference: a schema's name. */
export function nameOf(reference) {
  return reference.split("/").at(-1);
}

/** Give all texts of an operation in which something can be searched for. */
export function says({ path, method, details }) {
  const parts = [path, method, details.operationId, details.summary, details.description ?? "", ...details.tags];
  const parameters = (details.parameters ?? []).map((parameter) => parameter.name);
  const types = Object.keys(details.requestBody?.content ?? {});
  return [...parts, ...parameters, ...types, ...Object.keys(details.responses)].join(" ").toLowerCase();
}

/** Give the examples of a body: {name, value} of those that are text, {name, file} of those that lie elsewhere. */
export function examples(media) {
  return Object.entries(media.examples ?? {}).map(([name, example]) =>
    "value" in example ? { name, value: example.value } : { name, file: example.externalValue },
  );
}

/** Whether a body is bytes, which are chosen as a file, and no text. */
export function isBinary(type, media) {
  return type.startsWith("multipart/") || media.schema?.format === "binary";
}
