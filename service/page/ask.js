// What is asked of the service, and in which order. Nothing here knows what the page looks like.

/** Keeps this page's answers with one version while traffic is split between two. */
const CLIENT = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("");

/** An answer that is an error; its message is the service's own sentence. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Give the answer to a picture: a Blob, or a data: URL. */
export function predict(picture, options) {
  return askAbout("predict", picture, options);
}

/** Give the answer to a picture with its explanation; `units` and `index` as in docs/http.md. */
export function explain(picture, options) {
  return askAbout("explain", picture, options);
}

export async function models() {
  return (await asked("models")).models;
}

export function model(name, signal) {
  return asked(`models/${encodeURIComponent(name)}`, { signal });
}

/** Give the labels of a version's classes, in the order of its scores. */
export async function classes(name, version) {
  return (await asked(`models/${encodeURIComponent(name)}/versions/${version}`)).labels;
}

export function promote(name, version, token) {
  const path = `models/${encodeURIComponent(name)}/aliases/production`;
  return asked(path, { method: "PUT", headers: bearer(token), body: JSON.stringify({ version, why: "on the page" }) });
}

export function rollBack(name, token) {
  const path = `models/${encodeURIComponent(name)}/rollback`;
  return asked(path, { method: "POST", headers: bearer(token), body: JSON.stringify({ why: "on the page" }) });
}

/**
 * Runs one task at a time. Of the tasks that come meanwhile only the newest is kept, so that requests never pile up
 * behind a slow answer; an urgent one ends the task that runs.
 */
export class Newest {
  #next = null;
  #abort = null;

  constructor(failed) {
    this.failed = failed;
  }

  async run(task, { urgent = false } = {}) {
    this.#next = task;
    if (urgent) this.#abort?.abort();
    if (this.#abort) return;
    while (this.#next) {
      const now = this.#next;
      this.#next = null;
      this.#abort = new AbortController();
      const { signal } = this.#abort;
      try {
        await now(signal);
      } catch (error) {
        if (!signal.aborted) this.failed(error);
      }
    }
    this.#abort = null;
  }

  /** Forget what waits, and end what runs. */
  stop() {
    this.#next = null;
    this.#abort?.abort();
  }
}

/** Give whether this service keeps corrections, and what of them. */
export function feedback() {
  return asked("feedback");
}

/** Have a picture kept with its right label; give the correction, with its id. */
export function correct(picture, { model, version, label }) {
  return askAbout("feedback", picture, { model, version, label });
}

export function takeBack(id) {
  return asked(`feedback/${id}`, { method: "DELETE" });
}

async function askAbout(path, picture, { signal, ...query } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given).toString();
  const isText = typeof picture === "string";
  // A picture is read by what it is, whichever of the image types is named.
  const headers = { "X-Client-Key": CLIENT, "Content-Type": isText ? "application/json" : "image/png" };
  const body = isText ? JSON.stringify({ image: picture }) : picture;
  return asked(text ? `${path}?${text}` : path, { method: "POST", headers, body, signal });
}

async function asked(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({})); // a proxy's error is no JSON
    throw new Problem(response.status, problem.detail ?? `the service answered ${response.status}`);
  }
  if (response.status === 204) return null;
  const body = await response.json();
  options.signal?.throwIfAborted(); // it may have come before it was given up
  const generation = Number(response.headers.get("X-Model-Generation"));
  return generation ? { ...body, generation } : body;
}

function bearer(token) {
  return { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
}
