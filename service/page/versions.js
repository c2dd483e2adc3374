// Which versions there are and which is live; and changing that, for who has the token.

import { model, promote, rollBack } from "./ask.js";
import { $, element } from "./element.js";
import { count, date, percent } from "./words.js";

/** Milliseconds between two looks at the service, while the page is seen. */
const PAUSE = 2000;

const STATES = { production: "live", shadow: "in the shadow" };

export class Versions extends EventTarget {
  /** What the service last said of the model: GET /models/{name}. */
  known = null;
  #name = "";
  #token = ""; // kept here and nowhere else
  #busy = false;
  #timer = 0;
  #shown = "";

  constructor() {
    super();
    $("token").addEventListener("input", (event) => {
      this.#token = event.target.value;
      this.#show();
    });
    $("roll-back").addEventListener("click", () => this.#rollBack());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  get live() {
    return this.known?.aliases.production;
  }

  get numbers() {
    return this.known?.versions.map((version) => version.version) ?? [];
  }

  /** Follow a model from here on. */
  async follow(name) {
    this.#name = name;
    this.known = null;
    this.#shown = "";
    await this.#look();
  }

  /** Look at once where an answer is of a generation that is not known yet. */
  heard(generation) {
    if (this.known && generation > this.known.generation) this.#look();
  }

  async #look() {
    clearTimeout(this.#timer);
    if (document.visibilityState !== "visible") return;
    const name = this.#name;
    try {
      const found = await model(name);
      if (name === this.#name) this.#take(found);
    } catch {
      $("live").dataset.state = "away";
      $("live-text").textContent = "The service cannot be reached";
      this.#shown = "";
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), PAUSE);
  }

  #take(found) {
    const before = this.known;
    if (before && found.generation < before.generation) return; // asked earlier, answered later
    this.known = found;
    this.#show();
    if (!before || before.generation !== found.generation) this.dispatchEvent(new Event("change"));
    if (before && before.aliases.production !== found.aliases.production) {
      this.#tell(`Version ${this.live} is live now, since generation ${found.generation}.`);
      $("live").classList.add("moved");
      setTimeout(() => $("live").classList.remove("moved"), 1500);
      this.dispatchEvent(new Event("moved"));
    }
  }

  /** Show what is known; elements are made anew only when something has changed, so that focus stays. */
  #show() {
    const { known } = this;
    if (!known) return;
    const now = JSON.stringify([known, Boolean(this.#token), this.#busy]);
    if (now === this.#shown) return;
    this.#shown = now;
    const live = known.versions.find((version) => version.version === this.live);
    const accuracy = live?.metrics?.accuracy;
    $("live").dataset.state = live ? "live" : "away";
    $("live-text").textContent = live
      ? `Version ${live.version} is live${accuracy ? ` · ${percent(accuracy, 2)}` : ""}`
      : "No version is live";
    $("generation").textContent = `${known.name}, generation ${known.generation}`;
    $("version-list").replaceChildren(...[...known.versions].reverse().map((version) => this.#row(version)));
    const previous = known.previous.production;
    $("roll-back").textContent = previous ? `Roll back to version ${previous}` : "Roll back";
    $("roll-back").disabled = !this.#token || !previous || this.#busy;
    this.#showShadow(known.shadow);
    $("refused").hidden = !known.refused;
    $("refused").textContent = known.refused ? `A change was not served: ${known.refused.reason}` : "";
  }

  #showShadow(shadow) {
    $("shadow").hidden = !shadow;
    if (!shadow) return;
    $("shadow").textContent = compared(shadow);
  }

  #row(version) {
    const isLive = version.version === this.live;
    const chips = version.aliases.map((alias) =>
      element("span", { className: `chip ${alias}` }, STATES[alias] ?? alias),
    );
    if (version.state === "refused") chips.push(element("span", { className: "chip refused" }, "refused"));
    const facts = version.reason ? [version.reason] : described(version);
    if (version.report) facts.push(" · ", this.#report(version));
    const row = element(
      "li",
      { className: isLive ? "version live" : "version" },
      element("div", { className: "name" }, `Version ${version.version}`, ...chips),
      element("p", { className: "small" }, ...facts),
      this.#button(version, isLive),
    );
    row.dataset.version = version.version;
    return row;
  }

  #report(version) {
    const href = `models/${encodeURIComponent(this.#name)}/versions/${version.version}/report`;
    const link = element("a", { href, target: "_blank", rel: "noopener" }, "training report");
    link.setAttribute("aria-label", `training report of version ${version.version}`);
    return link;
  }

  #button(version, isLive) {
    if (!this.#token || isLive || version.state === "refused") return null;
    const button = element("button", { type: "button", disabled: this.#busy }, "Promote");
    button.setAttribute("aria-label", `Promote version ${version.version}`);
    button.addEventListener("click", () => this.#promote(version.version));
    return button;
  }

  #promote(number) {
    return this.#change(`Promoting version ${number}…`, () => promote(this.#name, number, this.#token));
  }

  #rollBack() {
    return this.#change("Rolling back…", () => rollBack(this.#name, this.#token));
  }

  async #change(words, ask) {
    this.#busy = true;
    this.#tell(words);
    this.#show();
    try {
      await ask();
    } catch (error) {
      this.#tell(error.message, "problem");
    }
    this.#busy = false;
    await this.#look();
    this.#show();
  }

  #tell(words, state = "") {
    $("news").dataset.state = state;
    $("news").textContent = words;
  }
}

function compared(shadow) {
  const { version, production, pictures, agreement, failed } = shadow;
  if (pictures) {
    const share = percent(agreement);
    return `In the shadow, version ${version} agrees with version ${production} on ${share} of ${count(pictures)} pictures.`;
  }
  if (failed) return `Version ${version} runs in the shadow, but takes pictures of another kind than version ${production}.`;
  return `Version ${version} runs in the shadow; nothing to compare yet.`;
}

function described(version) {
  const facts = [];
  const accuracy = version.metrics?.accuracy;
  if (accuracy !== undefined) facts.push(element("strong", {}, percent(accuracy, 2)), " right on its test set");
  if (version.created_at) facts.push(`${facts.length ? " · " : ""}made ${date(version.created_at)}`);
  if (version.weights) facts.push(` · ${count(version.weights)} weights`);
  return facts;
}
