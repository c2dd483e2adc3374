// An explanation as it is shown: ink for and against a class, and the hidden units that weighed most.

import { $, element } from "./element.js";
import { paintSigned } from "./paint.js";

export function showWhy(answer) {
  const why = answer.explanation;
  const [prediction] = answer.predictions;
  const isAnswer = why.index === prediction.index;
  const [pro, con] = sums(why.relevance);
  showTitle(answer);
  $("why-text").textContent = `${balance(pro, con)} ${
    isAnswer
      ? "Choose another class above to see what speaks for that one."
      : `It reads ${prediction.label}, for which more speaks.`
  }`;
  showInk(why);
  $("heat").setAttribute("aria-label", `Ink for and against ${why.label}. ${balance(pro, con)}`);
  $("units").replaceChildren(...why.units.map((unit) => shown(unit, why.label)));
}

export function showTitle(answer) {
  const { index, label } = answer.explanation;
  $("why-title").textContent = index === answer.predictions[0].index ? `Why ${label}?` : `Why not ${label}?`;
}

/** Show the ink alone, as it is while it is being drawn. */
export function showInk(why) {
  paintSigned($("heat"), why.relevance, why.pixels);
}

function shown(unit, label) {
  const canvas = element("canvas", { role: "img", "aria-label": `What unit ${unit.unit} looks for` });
  paintSigned(canvas, unit.weights);
  const sign = unit.contribution > 0 ? "+" : "−";
  const amount = element("p", {}, `${sign}${Math.abs(unit.contribution).toFixed(2)}`);
  amount.title = `${unit.contribution > 0 ? "for" : "against"} ${label}`;
  return element("li", {}, canvas, amount, element("p", { className: "small" }, `unit ${unit.unit}`));
}

function sums(relevance) {
  const all = relevance.flat();
  return [1, -1].map((sign) => all.reduce((sum, value) => sum + Math.max(0, sign * value), 0));
}

function balance(pro, con) {
  if (pro === 0 && con === 0) return "No ink speaks for it or against it.";
  const share = Math.round((100 * pro) / (pro + con));
  return `Of what the ink says, ${share} % speaks for it and ${100 - share} % against it.`;
}
