// Pictures that were dropped, pasted, chosen or photographed: read one after the other, shown as tiles.

import { predict } from "./ask.js";
import { $, element } from "./element.js";
import { percent, sureness } from "./words.js";

/** How many are asked about at a time. */
const AT_A_TIME = 2;

/** How many tiles are kept; the oldest go. */
const MOST = 60;

export class Pictures {
  #chosen = null;

  /** `model` gives the model's name; `choose` is called with a file that is to be looked at closely. */
  constructor({ model, choose }) {
    this.model = model;
    this.choose = choose;
    $("files").addEventListener("change", (event) => this.#picked(event.target));
    $("camera").addEventListener("change", (event) => this.#picked(event.target));
    $("pictures-clear").addEventListener("click", () => this.#removeAll());
    document.addEventListener("paste", (event) => this.#given(event, event.clipboardData));
    document.addEventListener("drop", (event) => {
      $("drop").classList.remove("over");
      this.#given(event, event.dataTransfer);
    });
    document.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      $("drop").classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) $("drop").classList.remove("over");
    });
  }

  /** Let no tile be the one that is looked at. */
  release() {
    this.#chosen?.setAttribute("aria-pressed", "false");
    this.#chosen = null;
  }

  async add(files) {
    const tiles = files.map((file) => [file, this.#tile(file)]);
    $("pictures").hidden = false;
    $("tiles").prepend(...tiles.map(([, tile]) => element("li", {}, tile)));
    while ($("tiles").children.length > MOST) this.#remove($("tiles").lastElementChild);
    this.#look(...tiles[0]);
    const queue = [...tiles];
    const reading = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) await this.#read(...next);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, reading));
    $("pictures-said").textContent = files.length === 1 ? "" : `${files.length} pictures read`;
  }

  #picked(input) {
    const files = [...input.files];
    input.value = "";
    if (files.length) this.add(files);
  }

  #given(event, transfer) {
    const files = [...(transfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  #tile(file) {
    const name = element("span", { className: "small name", title: file.name }, file.name || "pasted picture");
    const read = element("span", { className: "read" }, "…");
    const url = URL.createObjectURL(file);
    const thumb = element("img", { className: "thumb", alt: "", src: url });
    thumb.addEventListener("error", () => thumb.replaceWith(element("span", { className: "thumb" })));
    const tile = element("button", { type: "button", className: "tile", "aria-pressed": "false" }, thumb, read, name);
    tile.dataset.url = url;
    tile.addEventListener("click", () => this.#look(file, tile));
    return tile;
  }

  #look(file, tile) {
    this.release();
    this.#chosen = tile;
    tile.setAttribute("aria-pressed", "true");
    this.choose(file);
  }

  async #read(file, tile) {
    const read = tile.querySelector(".read");
    try {
      const [prediction] = (await predict(file, { model: this.model() })).predictions;
      const words = `${sureness(prediction.confidence)}, ${percent(prediction.confidence)}`;
      read.replaceChildren(element("strong", {}, prediction.label), element("span", { className: "small" }, words));
    } catch (error) {
      read.replaceChildren(element("span", { className: "problem" }, error.message));
    }
  }

  #remove(item) {
    URL.revokeObjectURL(item.firstElementChild.dataset.url);
    item.remove();
  }

  #removeAll() {
    for (const item of [...$("tiles").children]) this.#remove(item);
    $("pictures").hidden = true;
    this.release();
  }
}
