// The document's texts as elements: paragraphs, lists, code between backticks.

import { element } from "../page/element.js";

/** Give the elements of a text. */
export function prose(text) {
  return text.trim().split(/\n\s*\n/).flatMap(paragraph);
}

/** Give the pieces of a sentence, `code` as such. */
export function inline(text) {
  return text.split("`").map((piece, index) => (index % 2 ? element("code", {}, piece) : piece));
}

function paragraph(text) {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.startsWith("- "));
  if (first < 0) return [element("p", {}, ...inline(lines.join(" ")))];
  const before = lines.slice(0, first);
  const items = lines.slice(first).map((line) => element("li", {}, ...inline(line.replace(/^- /, ""))));
  return [
    ...(before.length ? [element("p", {}, ...inline(before.join(" ")))] : []),
    element("ul", { className: "points" }, ...items),
  ];
}
