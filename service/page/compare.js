// Two versions, one drawing: their answers side by side.

import { predict } from "./ask.js";
import { setLabel, showBars } from "./answer.js";
import { $, element } from "./element.js";
import { percent, sureness } from "./words.js";

export class Compare {
  /** `again` is called when what is compared has changed. */
  constructor({ again }) {
    $("compare").addEventListener("change", () => {
      $("sides").hidden = !this.on;
      $("verdict").textContent = this.on ? "Draw something." : "";
      again();
    });
    for (const side of ["a", "b"]) $(`version-${side}`).addEventListener("change", again);
  }

  get on() {
    return $("compare").checked;
  }

  /** Offer these versions; what was chosen stays, if it still is there. At first the newest two. */
  offer(numbers) {
    const order = [...numbers].reverse();
    ["a", "b"].forEach((side, place) => {
      const select = $(`version-${side}`);
      const chosen = Number(select.value);
      select.replaceChildren(...order.map((number) => element("option", { value: number }, `Version ${number}`)));
      select.value = numbers.includes(chosen) ? chosen : (order[place] ?? order[0]);
    });
  }

  async show(picture, { model, labels, signal }) {
    const answers = await Promise.all(
      ["a", "b"].map((side) => this.#side($(`side-${side}`), picture, { model, labels, signal })),
    );
    if (answers.includes(null)) $("verdict").textContent = "";
    else if (answers[0].label === answers[1].label) $("verdict").textContent = `Both read ${answers[0].label}.`;
    else $("verdict").textContent = `They differ: ${answers[0].label} and ${answers[1].label}.`;
  }

  clear() {
    for (const side of document.querySelectorAll(".side")) {
      setLabel(side.querySelector(".label"), "?");
      side.querySelector(".sureness").textContent = "";
      side.querySelector(".bars").replaceChildren();
    }
    $("verdict").textContent = this.on ? "Draw something." : "";
  }

  async #side(side, picture, { model, labels, signal }) {
    const words = side.querySelector(".sureness");
    try {
      const version = side.querySelector("select").value;
      const [prediction] = (await predict(picture, { model, version, signal })).predictions;
      setLabel(side.querySelector(".label"), prediction.label);
      words.textContent = `${sureness(prediction.confidence)}, ${percent(prediction.confidence)}`;
      showBars(side.querySelector(".bars"), prediction, labels, { chosen: false });
      return prediction;
    } catch (error) {
      if (signal.aborted) throw error;
      setLabel(side.querySelector(".label"), "?");
      words.textContent = error.message;
      return null;
    }
  }
}
