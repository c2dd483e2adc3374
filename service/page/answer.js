// An answer as it is shown: the label, how sure, what the network saw, and its scores as bars.

import { $, element } from "./element.js";
import { blank, paintGrey } from "./paint.js";
import { percent, runnerUp, sureness } from "./words.js";

/** Classes up to which all are shown, in their own order, so that bars stay where they are. */
const MOST = 12;

/** Show a prediction. `say` also tells it to who listens. */
export function showAnswer(answer, labels, { say }) {
  const [prediction] = answer.predictions;
  const words = sureness(prediction.confidence);
  $("answer").dataset.state = "read";
  setLabel($("label"), prediction.label);
  $("sureness").textContent = words;
  $("runner-up").textContent = runnerUp(labels, prediction);
  $("answered-by").textContent = `version ${answer.version}`;
  showBars($("bars"), prediction, labels);
  if (say) $("said").textContent = `${prediction.label}. ${words}. ${runnerUp(labels, prediction)}`;
}

export function showSeen(explanation) {
  paintGrey($("seen"), explanation.pixels);
}

/** Show that there is nothing to read, or what is wrong. */
export function showNothing(state, words, more = "") {
  $("answer").dataset.state = state;
  setLabel($("label"), "?");
  $("sureness").textContent = words;
  $("runner-up").textContent = more;
  $("answered-by").textContent = "";
  $("said").textContent = state === "blank" ? "" : `${words} ${more}`;
  blank($("seen"));
  for (const bar of $("bars").children) setBar(bar.firstElementChild, 0, false, "");
}

export function setLabel(place, label) {
  place.textContent = label;
  place.classList.toggle("long", label.length > 2);
}

/** Show scores as bars, in elements that stay; those of `bars` that are buttons can be chosen. */
export function showBars(list, prediction, labels, { chosen = true } = {}) {
  const order = prediction.scores.map((_, index) => index);
  if (order.length > MOST) order.sort((a, b) => prediction.scores[b] - prediction.scores[a]).splice(MOST);
  list.classList.toggle("words", labels.some((label) => label.length > 2));
  if (list.children.length !== order.length) list.replaceChildren(...order.map(() => newBar(chosen)));
  order.forEach((index, place) => {
    const bar = list.children[place].firstElementChild;
    bar.dataset.index = index;
    bar.children[0].textContent = labels[index] ?? index;
    setBar(bar, prediction.scores[index], index === prediction.index, percent(prediction.scores[index]));
  });
}

/** Show empty bars for classes before anything is read. */
export function showClasses(list, labels) {
  const scores = labels.map(() => 0);
  showBars(list, { scores, index: -1 }, labels);
  for (const bar of list.children) setBar(bar.firstElementChild, 0, false, "");
}

function newBar(chosen) {
  const parts = [
    element("span", { className: "class" }),
    element("span", { className: "track", "aria-hidden": "true" }, element("span", { className: "fill" })),
    element("span", { className: "share" }),
  ];
  const row = chosen
    ? element("button", { type: "button", className: "bar", disabled: true }, ...parts)
    : element("div", { className: "bar" }, ...parts);
  return element("li", {}, row);
}

function setBar(bar, score, best, text) {
  bar.classList.toggle("best", best);
  bar.querySelector(".fill").style.transform = `scaleX(${Math.max(0, Math.min(1, score))})`;
  bar.querySelector(".share").textContent = text;
  if (bar.tagName === "BUTTON") bar.disabled = !text;
}
