// Joins the parts: what is drawn or chosen is asked about, and what is answered is shown.
//
// pad.js is the drawing pad, pictures.js takes pictures, ask.js speaks with the service, answer.js and why.js show
// answers, correct.js takes what people say of them, versions.js and compare.js are the versions; paint.js, words.js and
// element.js are what these share.

import { showAnswer, showClasses, showNothing, showSeen } from "./answer.js";
import { classes, explain, models, Newest, predict } from "./ask.js";
import { Compare } from "./compare.js";
import { Correct } from "./correct.js";
import { $, element } from "./element.js";
import { Pad } from "./pad.js";
import { Pictures } from "./pictures.js";
import { Versions } from "./versions.js";
import { showInk, showTitle, showWhy } from "./why.js";

const UNITS = 8;
const DEFAULT = "digits";

const pad = new Pad($("pad"));
const versions = new Versions();
const compare = new Compare({ again: () => ask() });
const pictures = new Pictures({ model: () => $("model").value, choose });
const correct = new Correct();
const asking = new Newest(failed);

/** A picture that was chosen, while it is the one that is looked at; else the drawing is. */
let chosen = null;
/** The class that is explained; null for the one that answers. */
let explained = null;
let labels = [];
/** Whether why is shown, when there is something to explain. */
let open = false;

const nothing = () => !chosen && pad.empty;
const picture = () => chosen ?? pad.picture();

pad.addEventListener("draw", () => {
  drawn();
  const drawing = pad.picture();
  asking.run(async (signal) => {
    const answer = await explain(drawing, { model: $("model").value, units: 0, signal });
    told(answer, { say: false });
    showSeen(answer.explanation);
    showTitle(answer);
    if (open) showInk(answer.explanation);
  });
});

pad.addEventListener("rest", () => {
  drawn();
  ask();
});

/** Take note that the drawing is what is looked at, and no picture. */
function drawn() {
  chosen = null;
  explained = null;
  pictures.release();
  correct.withdraw();
  buttons();
}

function buttons() {
  $("undo").disabled = pad.empty;
  $("clear").disabled = nothing();
  $("hint").classList.toggle("gone", !nothing());
}

/** Ask about what there is now, all that the page shows of it; the label comes first. */
function ask() {
  if (nothing()) {
    asking.stop();
    showNothing("blank", "Nothing yet", "The answer comes while you draw.");
    showWhyPart(false);
    compare.clear();
    correct.withdraw();
    return;
  }
  const asked = picture();
  asking.run(
    async (signal) => {
      const model = $("model").value;
      const answer = await predict(asked, { model, signal });
      told(answer, { say: true });
      correct.offer(asked, answer, labels);
      const why = await explain(asked, { model, signal, units: open ? UNITS : 0, index: explained });
      told(why, { say: false });
      showSeen(why.explanation);
      if (open) showWhy(why);
      else showTitle(why);
      showWhyPart(true);
      press(open ? why.explanation.index : null);
      if (compare.on) await compare.show(asked, { model, labels, signal });
    },
    { urgent: true },
  );
}

function told(answer, { say }) {
  showAnswer(answer, labels, { say });
  versions.heard(answer.generation);
}

function failed(error) {
  showWhyPart(false);
  correct.withdraw();
  if (error.status === 422) showNothing("problem", "There is nothing to read", error.message);
  else if (error.status) showNothing("problem", "That did not work", error.message);
  else showNothing("problem", "The service cannot be reached", "Draw on, and it is asked again.");
}

/** Mark the bar of the class that is explained. */
function press(index) {
  for (const bar of document.querySelectorAll("#bars .bar")) {
    bar.setAttribute("aria-pressed", String(Number(bar.dataset.index) === index));
  }
}

async function choose(file) {
  chosen = file;
  explained = null;
  correct.withdraw();
  const image = await createImageBitmap(file).catch(() => null);
  if (chosen !== file) return;
  pad.show(image);
  buttons();
  ask();
}

$("undo").addEventListener("click", () => pad.undo());
$("clear").addEventListener("click", () => {
  pad.clear();
  $("pad").focus({ preventScroll: true });
});
for (const pen of document.querySelectorAll("input[name=pen]")) {
  if (pen.checked) pad.width = Number(pen.value);
  pen.addEventListener("change", () => {
    pad.width = Number(pen.value);
  });
}
document.addEventListener("keydown", (event) => {
  const writes = event.target.matches("input[type=password], select");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !writes) {
    event.preventDefault();
    pad.undo();
  }
});

$("why-button").addEventListener("click", () => openWhy(!open));
$("bars").addEventListener("click", (event) => {
  const bar = event.target.closest("button.bar");
  if (!bar) return;
  explained = Number(bar.dataset.index);
  openWhy(true);
});

function openWhy(now) {
  open = now;
  explained = open ? explained : null;
  ask();
}

/** Show the part of the page that explains, or that there is nothing to explain. */
function showWhyPart(something) {
  $("why-button").disabled = !something;
  $("why-button").setAttribute("aria-expanded", String(open && something));
  $("why-button").textContent = open && something ? "Hide" : "Show why";
  $("why-body").hidden = !(open && something);
  if (!something) $("why-title").textContent = "Why?";
}

versions.addEventListener("change", () => compare.offer(versions.numbers));
versions.addEventListener("moved", async () => {
  await learnClasses();
  ask();
});

async function start() {
  const names = (await models()).map((one) => one.name);
  buttons();
  if (!names.length) {
    showNothing("problem", "No model is there yet", "Train one, promote it, and load this page again.");
    return;
  }
  $("model").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  $("model").value = names.includes(DEFAULT) ? DEFAULT : names[0];
  $("model").hidden = names.length < 2;
  $("model").addEventListener("change", () => follow());
  await follow();
}

async function follow() {
  explained = null;
  await versions.follow($("model").value);
  await learnClasses();
  ask();
}

/** Learn the classes of what is live, and show their bars. */
async function learnClasses() {
  const before = labels.join("\n");
  labels = versions.live ? await classes($("model").value, versions.live) : [];
  if (labels.join("\n") === before) return;
  showClasses($("bars"), labels);
  correct.learn(labels);
  const digits = labels.every((label) => /^\d$/.test(label));
  $("hint-text").textContent = digits ? "Draw a digit here" : "Draw here, or drop a picture";
}

start().catch(failed);
correct.begin();
