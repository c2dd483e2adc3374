// What a person says of an answer: one press keeps the picture with its right label, another takes it back. Nothing is
// sent from here before somebody presses.

import { correct, feedback, takeBack } from "./ask.js";
import { $, element } from "./element.js";

export class Correct {
  /** What can be corrected now: a picture, and the answer to it. */
  #offered = null;
  /** What was kept last: the picture, its label and the id by which it is taken back. */
  #kept = null;
  #labels = "";
  #busy = false;

  constructor() {
    $("correct-labels").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#keep(button.dataset.label);
    });
    $("correct-undo").addEventListener("click", () => this.#takeBack());
  }

  /** Show this part of the page, if the service keeps corrections at all. */
  async begin() {
    const terms = await feedback().catch(() => ({ on: false }));
    $("correct").hidden = !terms.on;
    if (terms.on) $("correct-side").textContent = terms.picture_side;
  }

  /** Show the labels that there are, before anything is read. */
  learn(labels) {
    this.#offered = null;
    this.#show(labels);
  }

  /** Let the answer to a picture be corrected. */
  offer(picture, { model, version, predictions: [{ label }] }, labels) {
    this.#offered = { picture, model, version, answered: label };
    this.#show(labels);
  }

  /** Let nothing be corrected: there is no answer, or not yet. */
  withdraw() {
    this.#offered = null;
    this.#show();
  }

  get #isKept() {
    return this.#kept !== null && this.#kept.picture === this.#offered?.picture;
  }

  /** Show what can be pressed; the buttons stay the same while the labels do, so that focus stays. */
  #show(labels = null) {
    if (labels && labels.join("\n") !== this.#labels) {
      this.#labels = labels.join("\n");
      $("correct-labels").classList.toggle("words", labels.some((label) => label.length > 2));
      $("correct-labels").replaceChildren(...labels.map(button));
    }
    for (const one of $("correct-labels").children) {
      const { label } = one.dataset;
      const read = label === this.#offered?.answered;
      one.disabled = !this.#offered || this.#isKept;
      one.classList.toggle("read", read);
      one.setAttribute("aria-label", read ? `It is ${label}, as it reads` : `It is ${label}`);
      one.setAttribute("aria-pressed", String(this.#isKept && this.#kept.label === label));
    }
    $("correct-undo").hidden = this.#kept === null;
  }

  async #keep(label) {
    if (this.#busy || !this.#offered) return;
    const { picture, model, version } = this.#offered;
    await this.#ask(async () => {
      const { id } = await correct(picture, { model, version, label });
      this.#kept = { picture, label, id };
      this.#tell(`Thank you. It is kept as ${label}.`);
    });
    if (this.#isKept) $("correct-undo").focus();
  }

  async #takeBack() {
    if (this.#busy || !this.#kept) return;
    const { id, label } = this.#kept;
    await this.#ask(async () => {
      await takeBack(id).catch((error) => {
        if (error.status !== 404) throw error; // whoever runs the service has erased it
      });
      this.#kept = null;
      this.#tell("It is taken back, and kept no more.");
    });
    if (this.#kept) return;
    const place = [...$("correct-labels").children].find((one) => one.dataset.label === label && !one.disabled);
    (place ?? $("pad")).focus({ preventScroll: true });
  }

  /** Do one thing at a time, and say what went wrong with it. */
  async #ask(task) {
    this.#busy = true;
    try {
      await task();
    } catch (error) {
      this.#tell(error.status ? `Nothing has changed: ${error.message}` : "The service cannot be reached.", "problem");
    }
    this.#busy = false;
    this.#show();
  }

  #tell(words, state = "") {
    $("correct-said").dataset.state = state;
    $("correct-said").textContent = words;
  }
}

function button(label) {
  const made = element("button", { type: "button" }, label);
  made.dataset.label = label;
  return made;
}
